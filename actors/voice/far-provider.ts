import type { AnyActorRef } from 'xstate';
import type { Answer } from '../../machines/callback.machine.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { VoiceStopReason } from '../../protocol/voice.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Neighbour } from '../kernel/neighbours.ts';
import { tell } from '../kernel/tell.ts';
import { startOf, type VoiceProvider } from './provider.ts';
import type { VoiceStream } from './stream-record.ts';
import { VOICE } from './streams.ts';
import { type FarStart, VoiceWord } from './voice-words.ts';

/** Bytes of a stream's that are on their way to the provider's broker, and that wait there. */
const flights = new WeakMap<VoiceStream, { onWay: number; there: number }>();

/** An agent as a provider that is attached to another broker: see `VoiceShare`. */
export class FarProvider implements VoiceProvider {
  readonly id: string;
  readonly agentId: string;
  readonly peer: Neighbour;
  readonly #kernel: Kernel;
  readonly #agentKey: string;

  constructor(kernel: Kernel, id: string, agentKey: string, peer: Neighbour) {
    this.id = id;
    this.agentId = id;
    this.peer = peer;
    this.#kernel = kernel;
    this.#agentKey = agentKey;
  }

  start(stream: VoiceStream, self: AnyActorRef): void {
    const { providerId: stream_id, kind } = stream;
    const start: FarStart = { stream_id, agent: this.#agentKey, kind, ...startOf(stream) };
    this.peer
      .ask(VoiceWord.start, writeJson(start))
      .then((text) => parseJson(text) as Answer)
      .then(
        (answer) => this.#hear(stream, self, answer),
        () => this.#fail(stream, self),
      );
  }

  finish(stream: VoiceStream): void {
    if (stream.kind === 'transcribe') this.#say(stream, 'voice.transcribe.stop', 'client_stopped');
  }

  cancel(stream: VoiceStream, _self: AnyActorRef, reason: VoiceStopReason): void {
    this.#say(stream, stream.kind === 'speak' ? 'voice.speak.cancel' : 'voice.transcribe.stop', reason);
  }

  audio(stream: VoiceStream, _self: AnyActorRef, audio: Uint8Array): void {
    const b64 = Buffer.from(audio.buffer, audio.byteOffset, audio.length).toString('base64');
    this.#tell(stream, VoiceWord.audioIn, { seq: stream.nextAudioSeq, b64 });
    stream.nextAudioSeq += 1;
    const flight = flights.get(stream) ?? { onWay: 0, there: 0 };
    flights.set(stream, flight);
    flight.onWay += audio.length;
    stream.waiting.bytes = flight.onWay + flight.there;
  }

  /** Its broker has handed so many bytes on, and so many wait there. */
  took(stream: VoiceStream, { bytes, waiting }: { bytes: number; waiting: number }): void {
    const flight = flights.get(stream);
    if (!flight) return;
    flight.onWay -= bytes;
    flight.there = waiting;
    stream.waiting.bytes = flight.onWay + flight.there;
  }

  forget(stream: VoiceStream, isLate: boolean): void {
    this.#tell(stream, VoiceWord.forget, { late: isLate });
  }

  waitingBytes(stream: VoiceStream): number {
    return stream.waiting.bytes;
  }

  roomFor(stream: VoiceStream): number {
    let sharers = 0;
    for (const { provider, kind } of this.#kernel.get(VOICE))
      if (kind === 'transcribe' && provider instanceof FarProvider && provider.#agentKey === this.#agentKey)
        sharers += 1;
    const share = Math.floor(this.#kernel.limits.maxWaitingAudioBytes / Math.max(1, sharers));
    // As base64 it is a third longer.
    const link = Math.floor((this.peer.roomBytes * 3) / 4) - 256;
    return Math.min(share - stream.waiting.bytes, link);
  }

  #hear(stream: VoiceStream, self: AnyActorRef, answer: Answer): void {
    const isGone = 'error' in answer && (answer.error as { code?: unknown }).code === ErrorCode.AgentNotAttached;
    if (isGone) this.#fail(stream, self);
    else if (isLive(stream))
      tell(this.#kernel.ref, self as never, { type: 'call.answered', id: stream.providerId, answer });
  }

  #fail(stream: VoiceStream, self: AnyActorRef): void {
    const message = 'the provider is not there any more';
    if (isLive(stream))
      tell(this.#kernel.ref, self as never, { type: 'stream.fail', code: 'provider_disconnected', message });
  }

  #say(stream: VoiceStream, method: string, reason: string): void {
    this.#tell(stream, VoiceWord.say, { method, params: { reason } });
  }

  #tell({ providerId }: VoiceStream, kind: string, body: object): void {
    this.peer.tell(writeJson({ kind, stream_id: providerId, ...body }));
  }
}

/** Whether its actor hears anything still: it may have waited for too long. */
const isLive = ({ ref }: VoiceStream): boolean => ref?.getSnapshot().status === 'active';
