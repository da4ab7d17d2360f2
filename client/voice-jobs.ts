import { decodeAudioFrame } from '../protocol/audio-frame.ts';
import { isObject } from '../protocol/json.ts';
import type { OnSpeak, OnTranscribe } from '../protocol/voice-provider.ts';
import { WireError } from '../protocol/wire-error.ts';
import { toErrorObject } from './error-object.ts';
import type { Peer, Reply } from './peer.ts';
import { quietly } from './quietly.ts';
import { misfits, type Shape } from './shape.ts';
import { VoiceJob } from './voice-job.ts';

interface TranscribeParams {
  stream_id: string;
  sample_rate: number;
  channels: number;
}
interface SpeakParams {
  stream_id: string;
  text: string;
  voice_id?: string;
}
const TRANSCRIBE: Shape<TranscribeParams> = { stream_id: 'string', sample_rate: 'number', channels: 'number' };
const SPEAK: Shape<SpeakParams> = { stream_id: 'string', text: 'string', voice_id: 'string?' };

/** @throws {WireError} `-32602` */
function checked<T>(input: unknown, shape: Shape<T>): T {
  const issues = misfits(input, shape);
  if (issues.length > 0) throw WireError.invalidParams(issues);
  return input as T;
}

/** What an agent does as a provider of voice. It needs the capabilities `voice.transcribe` and `voice.speak`. */
export interface VoiceHandlers {
  /** Transcribes what comes as {@link OnTranscribe} says. Left out: `voice.transcribe.start` is an unknown method. */
  onTranscribe?: OnTranscribe | undefined;
  /** Speaks as {@link OnSpeak} says. */
  onSpeak?: OnSpeak | undefined;
  /** Hears what either of them threw; the client of that stream is told its message. */
  onVoiceError?: ((error: unknown) => void) | undefined;
}

/** The voice streams that an agent works on, on one connection. */
export class VoiceJobs {
  readonly #handlers: VoiceHandlers;
  readonly #live = new Map<string, VoiceJob>();

  constructor(handlers: VoiceHandlers) {
    this.#handlers = handlers;
  }

  /** Answers a request of the broker's; false for one that is not known. */
  request(method: string, params: unknown, reply: Reply, peer: Peer): boolean {
    const { onTranscribe, onSpeak } = this.#handlers;
    if (method === 'voice.transcribe.start' && onTranscribe) this.#transcribe(onTranscribe, params, reply, peer);
    else if (method === 'voice.speak.start' && onSpeak) this.#speak(onSpeak, params, reply, peer);
    else if (method === 'voice.transcribe.stop' && onTranscribe) this.#stop(params, reply);
    else return false;
    return true;
  }

  /** Takes a notification of the broker's. */
  notification(method: string, params: unknown): void {
    if (method === 'voice.speak.cancel' && isObject(params)) this.#live.get(params.stream_id as string)?.cancel();
  }

  /** Takes a binary frame; one of a stream that is over is nothing unusual. */
  binary(data: Uint8Array): void {
    const frame = decodeAudioFrame(data);
    if (frame) this.#live.get(frame.streamId)?.audio(frame.payload);
  }

  /** The connection is over, and with it all streams. */
  lost(): void {
    for (const job of this.#live.values()) job.cancel();
  }

  #transcribe(onTranscribe: OnTranscribe, input: unknown, reply: Reply, peer: Peer): void {
    this.#start(reply, () => {
      const params = checked(input, TRANSCRIBE);
      const job = new VoiceJob(peer, params.stream_id);
      return [job, () => job.transcribe(onTranscribe, params)];
    });
  }

  #speak(onSpeak: OnSpeak, input: unknown, reply: Reply, peer: Peer): void {
    this.#start(reply, () => {
      const params = checked(input, SPEAK);
      const job = new VoiceJob(peer, params.stream_id);
      return [job, () => job.speak(onSpeak, params)];
    });
  }

  /** Accepted first, then run, so that no event overtakes the answer. */
  #start(reply: Reply, make: () => [VoiceJob, () => Promise<void>]): void {
    try {
      const [job, run] = make();
      this.#live.set(job.streamId, job);
      reply.result({ accepted: true });
      run()
        .catch((error: unknown) => quietly(() => this.#handlers.onVoiceError?.(error)))
        .finally(() => this.#live.delete(job.streamId));
    } catch (error) {
      reply.error(toErrorObject(error));
    }
  }

  #stop(input: unknown, reply: Reply): void {
    const { stream_id, reason } = isObject(input) ? input : {};
    const job = this.#live.get(stream_id as string);
    if (!job) reply.result({});
    else if (reason === 'client_stopped' || reason === undefined) void job.finish().then(() => reply.result({}));
    else {
      job.cancel();
      reply.result({});
    }
  }
}
