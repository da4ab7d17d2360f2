import { createActor, fromCallback } from 'xstate';
import type { Answer } from '../../machines/callback.machine.ts';
import { type AudioFrame, AudioFrameType, encodeAudioFrame } from '../../protocol/audio-frame.ts';
import { WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { agentIdOf } from '../../protocol/principal.ts';
import type { ProviderEvent, VoiceStopReason } from '../../protocol/voice.ts';
import type { VoiceKind } from '../../protocol/voice-kinds.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Neighbour, NeighbourTalk } from '../kernel/neighbours.ts';
import { type ActorOf, tell } from '../kernel/tell.ts';
import { isProvider } from './choose.ts';
import { voiceOf } from './client-voice.ts';
import { FarProvider } from './far-provider.ts';
import type { FarVoice } from './far-voice.ts';
import { takeAudioOut, takeEnd, takeEvent } from './routing.ts';
import type { VoiceStream } from './stream-record.ts';
import { VOICE } from './streams.ts';
import { type FarStart, VoiceWord } from './voice-words.ts';

/** What an agent here does for a stream of another broker's. */
interface FarJob {
  readonly id: string;
  readonly kind: VoiceKind;
  readonly agent: Client;
  readonly peer: Neighbour;
  /** Its start, until that is answered. */
  callId: string | undefined;
  readonly answered: (answer: Answer) => void;
  /** What of its audio waits for the agent. */
  readonly waiting: { bytes: number; written(): void };
}

type Asker = ActorOf<{ type: 'call.answered'; id: unknown; answer: Answer }>;

interface Said {
  stream_id: string;
}

/**
 * Voice with a provider at another broker: the stream is at its client's broker, and only what its provider says and hears goes
 * over the link. Meetings are streams, too.
 */
export class VoiceShare implements FarVoice, NeighbourTalk {
  readonly #kernel: Kernel;
  readonly #jobs = new Map<string, FarJob>();
  /** Who has asked agents here in other brokers' names. */
  readonly #asker: Asker;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const asker = createActor(fromCallback(({ receive }) => receive((event) => this.#answered(event as never))));
    asker.start();
    this.#asker = asker as unknown as Asker;
  }

  provider(agentKey: string, agentId: string): FarProvider | undefined {
    const peer = this.#kernel.neighbours.at(agentKey);
    return peer && new FarProvider(this.#kernel, agentId, agentKey, peer);
  }

  event(from: Client, params: ProviderEvent): boolean {
    const job = this.#jobs.get(params.stream_id);
    if (job?.agent !== from) return false;
    this.#pass(job, VoiceWord.event, { params });
    if (params.type === 'ended' || (params.type === 'tts_chunk' && params.is_final === true)) this.#end(job);
    return true;
  }

  audio(from: Client, { type, streamId, seq, format, payload }: AudioFrame): boolean {
    const job = this.#jobs.get(streamId);
    if (job?.agent !== from) return false;
    const b64 = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('base64');
    this.#pass(job, VoiceWord.audioOut, { type, seq: String(seq), format, b64 });
    if (type === AudioFrameType.End || type === AudioFrameType.Error) this.#end(job);
    return true;
  }

  agentGone(from: Client): void {
    for (const job of this.#jobs.values()) {
      if (job.agent !== from) continue;
      this.#tell(job, VoiceWord.failed, { code: 'provider_disconnected' });
      this.#end(job);
      if (job.callId !== undefined) job.answered({ error: notAttached(from) });
    }
  }

  jobsOf(agentId: string, tenant: string, kind: VoiceKind): number {
    let count = 0;
    for (const { agent, kind: its } of this.#jobs.values())
      if (its === kind && agent.agentId === agentId && agent.tenant === tenant) count += 1;
    return count;
  }

  lost(peer: Neighbour): void {
    for (const job of [...this.#jobs.values()]) if (job.peer === peer) this.#cancel(job, 'client_disconnected');
    const message = 'the link with the broker where the provider is was lost';
    for (const { provider, ref } of [...this.#kernel.get(VOICE)])
      if (provider instanceof FarProvider && provider.peer === peer && ref)
        tell(this.#kernel.ref, ref, { type: 'stream.fail', code: 'provider_disconnected', message });
  }

  asked(peer: Neighbour, method: string, body: string): Promise<string> | undefined {
    if (method !== VoiceWord.start) return undefined;
    const start = parseJson(body) as FarStart;
    return new Promise<Answer>((resolve) => this.#start(peer, start, resolve)).then(writeJson);
  }

  told(peer: Neighbour, kind: string, body: unknown): void {
    const { stream_id: id } = body as Said;
    const job = this.#jobs.get(id);
    if (kind === VoiceWord.say) {
      const { method, params } = body as { method: string; params: { reason: string } };
      if (job?.peer !== peer) return;
      this.#say(job, method, params.reason);
      // Of what it still says of this one nobody would hear.
      if (method === 'voice.speak.cancel' || params.reason !== 'client_stopped') this.#end(job);
    } else if (kind === VoiceWord.forget && job?.peer === peer) this.#forget(job, (body as { late: boolean }).late);
    else if (kind === VoiceWord.audioIn && job?.peer === peer) this.#audioIn(job, body as never);
    else if (VOICE_ANSWERS.has(kind)) this.#heard(peer, kind, body as never);
  }

  /** What the provider's broker says of a stream of this one's. */
  #heard(peer: Neighbour, kind: string, body: Heard): void {
    const kernel = this.#kernel;
    const stream = kernel.get(VOICE).ofProvider(body.stream_id);
    if (!stream?.ref || !(stream.provider instanceof FarProvider) || stream.provider.peer !== peer) return;
    if (kind === VoiceWord.took) stream.provider.took(stream, body);
    else if (kind === VoiceWord.event) takeEvent(kernel, stream, body.params, kernel.ref);
    else if (kind === VoiceWord.audioOut) this.#audioOut(stream, body);
    else {
      const { code } = body;
      const message =
        code === 'slow_consumer'
          ? 'more of the speech waits for the link between two brokers than may'
          : 'the provider disconnected';
      tell(kernel.ref, stream.ref, { type: 'stream.fail', code, message });
    }
  }

  #audioOut(stream: VoiceStream, { type, seq, format, b64 }: Heard): void {
    const frame = { type, streamId: stream.providerId, seq: BigInt(seq), format, payload: Buffer.from(b64, 'base64') };
    if (takeAudioOut(this.#kernel, stream, frame, this.#kernel.ref)) return;
    takeEnd(stream, frame, this.#kernel.ref);
  }

  #start(
    peer: Neighbour,
    { stream_id: id, agent: key, kind, method, params }: FarStart,
    answered: FarJob['answered'],
  ): void {
    const kernel = this.#kernel;
    const agent = kernel.attached.get(key);
    if (!agent || kernel.isDraining || !isProvider(kernel, agent, kind)) {
      answered({ error: notAttached({ agentId: agentIdOf(key) }) });
      return;
    }
    const callId = kernel.nextCallId();
    const job: FarJob = {
      id,
      kind,
      agent,
      peer,
      callId,
      answered,
      waiting: { bytes: 0, written: () => this.#took(job, 0) },
    };
    this.#jobs.set(id, job);
    if (kind === 'transcribe') voiceOf(agent).transcriptions += 1;
    agent.calls.set(callId, { replyTo: this.#asker });
    tell(kernel.ref, agent.ref, { type: 'rpc.call', id: callId, method, params });
  }

  #answered({ id, answer }: { id: unknown; answer: Answer }): void {
    for (const job of this.#jobs.values()) {
      if (job.callId !== id) continue;
      job.callId = undefined;
      // What was refused nobody ends.
      if (!isAcceptance(answer)) this.#end(job);
      job.answered(answer);
      return;
    }
  }

  #audioIn(job: FarJob, { seq, b64 }: { seq: number; b64: string }): void {
    const { limits, counters, ref } = this.#kernel;
    const payload = Buffer.from(b64, 'base64');
    // Nor does audio alone close its provider's connection.
    if (job.agent.link.waitingBytes + payload.length > limits.hardLimitBytes)
      counters.dropOf<'audio_overflow'>('audio_overflow');
    else {
      const data = encodeAudioFrame({
        type: AudioFrameType.AudioIn,
        streamId: job.id,
        seq: BigInt(seq),
        format: 'pcm',
        payload,
      });
      tell(ref, job.agent.ref, { type: 'audio.deliver', data, counted: job.waiting });
    }
    this.#took(job, payload.length);
  }

  #took(job: FarJob, bytes: number): void {
    this.#tell(job, VoiceWord.took, { bytes, waiting: job.waiting.bytes });
  }

  /** Tells an agent that a stream is to end, as its own broker would. */
  #say({ agent, id, kind }: FarJob, method: string, reason: string): void {
    const { ref } = this.#kernel;
    const params = { stream_id: id, reason };
    if (kind === 'speak') {
      tell(ref, agent.ref, { type: 'rpc.notify', method, params });
      return;
    }
    const callId = this.#kernel.nextCallId();
    agent.dismissCall(callId);
    tell(ref, agent.ref, { type: 'rpc.call', id: callId, method, params });
  }

  #forget(job: FarJob, isLate: boolean): void {
    const { callId, agent } = job;
    job.callId = undefined;
    if (callId === undefined) return;
    if (agent.calls.delete(callId) && !isLate) agent.dismissCall(callId);
    // Nobody there waits for this any more but the link.
    job.answered({ result: null });
  }

  /** Nobody hears what an agent still says of it. */
  #cancel(job: FarJob, reason: VoiceStopReason): void {
    this.#say(job, job.kind === 'speak' ? 'voice.speak.cancel' : 'voice.transcribe.stop', reason);
    this.#forget(job, false);
    this.#end(job);
  }

  #end(job: FarJob): void {
    if (this.#jobs.delete(job.id) && job.kind === 'transcribe') voiceOf(job.agent).transcriptions -= 1;
  }

  /** What may be much. Where there is no room for it the stream ends, and not the link. */
  #pass(job: FarJob, kind: string, body: object): void {
    const text = writeJson({ kind, stream_id: job.id, ...body });
    if (Buffer.byteLength(text) <= job.peer.roomBytes) {
      job.peer.tell(text);
      return;
    }
    this.#tell(job, VoiceWord.failed, { code: 'slow_consumer' });
    this.#cancel(job, 'slow_consumer');
  }

  #tell({ id, peer }: FarJob, kind: string, body: object): void {
    peer.tell(writeJson({ kind, stream_id: id, ...body }));
  }
}

const VOICE_ANSWERS: ReadonlySet<string> = new Set([
  VoiceWord.took,
  VoiceWord.event,
  VoiceWord.audioOut,
  VoiceWord.failed,
]);

interface Heard extends Said {
  params: ProviderEvent;
  type: AudioFrameType;
  seq: string;
  format: AudioFrame['format'];
  b64: string;
  bytes: number;
  waiting: number;
  code: 'slow_consumer' | 'provider_disconnected';
}

/** As the stream's own chart has it. */
const isAcceptance = (answer: Answer): boolean =>
  'result' in answer && (answer.result as { accepted?: unknown } | null)?.accepted !== false;

const notAttached = ({ agentId = '' }: { agentId?: string | undefined }): JsonObject =>
  WireError.agentNotAttached(agentId).toObject() as unknown as JsonObject;
