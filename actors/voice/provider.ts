import type { AnyActorRef } from 'xstate';
import { AudioFrameType, encodeAudioFrame } from '../../protocol/audio-frame.ts';
import type { VoiceStopReason } from '../../protocol/voice.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { voiceOf } from './client-voice.ts';
import type { VoiceStream } from './stream-record.ts';

/** Who carries streams out: an attached agent, or the embedder's own. What it answers its streams' actors hear. */
export interface VoiceProvider {
  /** An agent id, or `local`. */
  readonly id: string;
  /** The agent, where it is one, and its connection where that is at this broker. */
  readonly agentId?: string | undefined;
  readonly agent?: Client;
  /** Asks it to begin; the stream's actor hears `call.answered`. */
  start(stream: VoiceStream, self: AnyActorRef): void;
  /** No more audio comes; the stream's actor hears `provider.ended` at its end. */
  finish(stream: VoiceStream, self: AnyActorRef): void;
  /** Nobody waits for the rest. */
  cancel(stream: VoiceStream, self: AnyActorRef, reason: VoiceStopReason): void;
  audio(stream: VoiceStream, self: AnyActorRef, audio: Uint8Array): void;
  /** Its acceptance is not waited for any more. @param isLate it has taken too long, and is counted if it still comes. */
  forget(stream: VoiceStream, isLate: boolean): void;
  /** Bytes of this stream's that wait for it. */
  waitingBytes(stream: VoiceStream): number;
  /** Bytes that may be added to them. */
  roomFor(stream: VoiceStream): number;
}

/** How an agent is asked to begin. */
export function startOf({ spec: { task }, providerId: stream_id }: VoiceStream): { method: string; params: object } {
  if (task.kind === 'transcribe') {
    const { sample_rate, channels } = task.source;
    return { method: 'voice.transcribe.start', params: { stream_id, sample_rate, channels } };
  }
  const voice = task.voiceId === undefined ? {} : { voice_id: task.voiceId };
  return { method: 'voice.speak.start', params: { stream_id, text: task.text, ...voice } };
}

/** An attached agent as a provider: requests, and binary frames (`wire.md` section 11). */
export class AgentProvider implements VoiceProvider {
  readonly id: string;
  readonly agentId: string;
  readonly agent: Client;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, id: string, agent: Client) {
    this.#kernel = kernel;
    this.id = id;
    this.agentId = id;
    this.agent = agent;
  }

  start(stream: VoiceStream, self: AnyActorRef): void {
    const { method, params } = startOf(stream);
    this.#call(stream, self, method, params);
  }

  finish(stream: VoiceStream, self: AnyActorRef): void {
    const params = { stream_id: stream.providerId, reason: 'client_stopped' };
    if (stream.kind === 'transcribe') this.#stop(self, params);
  }

  cancel(stream: VoiceStream, self: AnyActorRef, reason: VoiceStopReason): void {
    const params = { stream_id: stream.providerId, reason };
    if (stream.kind === 'speak') {
      tell(self, this.agent.ref, { type: 'rpc.notify', method: 'voice.speak.cancel', params });
      return;
    }
    this.#stop(self, params);
  }

  audio(stream: VoiceStream, self: AnyActorRef, audio: Uint8Array): void {
    const data = encodeAudioFrame({
      type: AudioFrameType.AudioIn,
      streamId: stream.providerId,
      seq: BigInt(stream.nextAudioSeq),
      format: 'pcm',
      payload: audio,
    });
    stream.nextAudioSeq += 1;
    tell(self, this.agent.ref, { type: 'audio.deliver', data, counted: stream.waiting });
  }

  forget(stream: VoiceStream, isLate: boolean): void {
    const { callId } = stream;
    stream.callId = undefined;
    if (callId !== undefined && this.agent.calls.delete(callId) && !isLate) this.agent.dismissCall(callId);
  }

  waitingBytes(stream: VoiceStream): number {
    return stream.waiting.bytes;
  }

  roomFor(stream: VoiceStream): number {
    const { maxWaitingAudioBytes, hardLimitBytes } = this.#kernel.limits;
    // Each has its share, however much of the others waits: nobody's audio keeps a stranger's out.
    const share = Math.floor(maxWaitingAudioBytes / Math.max(1, voiceOf(this.agent).transcriptions));
    // Nor does audio alone close its provider's connection.
    return Math.min(share - stream.waiting.bytes, hardLimitBytes - this.agent.link.waitingBytes);
  }

  /** A request, though nobody waits for its answer: the wire has no other word for it. */
  #stop(self: AnyActorRef, params: object): void {
    const id = this.#kernel.nextCallId();
    this.agent.dismissCall(id);
    tell(self, this.agent.ref, { type: 'rpc.call', id, method: 'voice.transcribe.stop', params });
  }

  #call(stream: VoiceStream, self: AnyActorRef, method: string, params: object): void {
    const id = this.#kernel.nextCallId();
    stream.callId = id;
    this.agent.calls.set(id, { replyTo: self });
    tell(self, this.agent.ref, { type: 'rpc.call', id, method, params });
  }
}
