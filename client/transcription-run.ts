import { AudioFrameType, encodeAudioFrame } from '../protocol/audio-frame.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { AUDIO_LOST } from '../protocol/voice.ts';
import { BufferOverflowError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT, EventQueue } from './event-queue.ts';
import { newStreamId } from './ids.ts';
import { Pacer } from './pacer.ts';
import type { Peer } from './peer.ts';
import { type TranscribeOptions, type TranscriptEvent, type Transcription, VoiceError } from './voice.ts';

/** Larger pieces of audio are cut, so that other frames get between them. Bytes, of whole samples. */
const MAX_PIECE = 64 * 1024;

/** A {@link Transcription} from the inside. */
export class TranscriptionRun implements Transcription {
  readonly sessionId = newStreamId();
  readonly started: Promise<string>;
  readonly #peer: Peer;
  readonly #options: TranscribeOptions;
  readonly #forget: () => void;
  readonly #limit: number;
  readonly #queue: EventQueue<TranscriptEvent>;
  readonly #over = new AbortController();
  readonly #pacer: Pacer;
  #settle: { resolve(provider: string): void; reject(error: SwitchboardError): void } | undefined;
  #seq = 0n;
  /** The beginning of a sample, of both channels where there are two, whose rest is still to come. */
  #half = new Uint8Array();
  /** What is being written; the next waits for it. */
  #writing: Promise<void> | undefined;
  #isEnded = false;

  constructor(peer: Peer, options: TranscribeOptions, forget: () => void) {
    this.#peer = peer;
    this.#options = options;
    this.#forget = forget;
    this.#limit = options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
    this.#queue = new EventQueue(this.#limit);
    this.#pacer = new Pacer(() => peer.bufferedAmount, this.#over.signal);
    this.started = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever reads the events is told, too.
    this.started.catch(() => {});
  }

  /** Sends the request that starts it. @param meeting where it is a meeting's: what else is to be said of that. */
  start(meeting?: { title: string | undefined }): void {
    const { sampleRate: sample_rate, channels = 1, provider } = this.#options;
    const params = { audio_source: { kind: 'pcm_push', sample_rate, channels }, options: { provider } };
    const [method, own] = meeting
      ? ['meeting.start', { id: this.sessionId, ...meeting }]
      : ['voice.transcribe_stream.start', { session_id: this.sessionId }];
    this.#peer.call(
      method,
      { ...own, ...params },
      {
        result: (value) => this.#settle?.resolve((value as { provider: string }).provider),
        error: (error) => this.fail(error),
      },
    );
  }

  async write(pcm: Uint8Array): Promise<void> {
    if (this.#isEnded || this.#over.signal.aborted) return;
    await this.#inTurn(() => this.#sendAudio(pcm));
  }

  end(): void {
    if (this.#isEnded || this.#over.signal.aborted) return;
    this.#isEnded = true;
    void this.#inTurn(async () => {
      if (!this.#over.signal.aborted) this.#send(AudioFrameType.End, new Uint8Array());
    });
  }

  async stop(): Promise<ResultOf<'voice.transcribe_stream.stop'>> {
    this.#isEnded = true;
    await this.#writing;
    const result = await this.#peer.request('voice.transcribe_stream.stop', { session_id: this.sessionId });
    return result as ResultOf<'voice.transcribe_stream.stop'>;
  }

  async text(): Promise<string> {
    const finals: string[] = [];
    for await (const event of this) if (event.type === 'final' && event.text !== '') finals.push(event.text);
    return finals.join(' ');
  }

  event(event: JsonObject, size: number): void {
    const { type, synthesized } = event;
    if (!this.#queue.push(event as TranscriptEvent, size)) {
      this.#abandon();
      this.fail(new BufferOverflowError(this.#limit));
    } else if (type === 'ended') this.#finish({});
    else if (type === 'error' && synthesized === true && !AUDIO_LOST.has(String(event.code))) {
      this.#finish({ error: new VoiceError(String(event.message), String(event.code)) });
    }
  }

  fail(error: SwitchboardError): void {
    this.#settle?.reject(error);
    this.#finish({ error });
  }

  [Symbol.asyncIterator](): AsyncIterator<TranscriptEvent, undefined> {
    return this.#queue.readOnce('the events of a transcription', () => this.#abandon());
  }

  #finish(end: { error?: unknown }): void {
    this.#over.abort();
    this.#forget();
    this.#queue.end(end);
  }

  /** Nobody reads the rest. */
  #abandon(): void {
    if (this.#over.signal.aborted) return;
    this.#isEnded = true;
    this.stop().catch(() => {});
  }

  /** One after the other, at once where nothing is being written. */
  #inTurn(send: () => Promise<void>): Promise<void> {
    const done = (this.#writing?.then(send) ?? send()).finally(() => {
      if (this.#writing === done) this.#writing = undefined;
    });
    this.#writing = done;
    return done;
  }

  async #sendAudio(pcm: Uint8Array): Promise<void> {
    const audio = this.#half.length > 0 ? joined(this.#half, pcm) : pcm;
    const whole = audio.length - (audio.length % (2 * (this.#options.channels ?? 1)));
    this.#half = audio.slice(whole);
    for (let at = 0; at < whole && !this.#over.signal.aborted; at += MAX_PIECE) {
      this.#send(AudioFrameType.AudioIn, audio.subarray(at, Math.min(at + MAX_PIECE, whole)));
      if (this.#pacer.due) await this.#pacer.breathe();
    }
  }

  #send(type: AudioFrameType, payload: Uint8Array): void {
    this.#peer.sendBinary(encodeAudioFrame({ type, streamId: this.sessionId, seq: this.#seq, format: 'pcm', payload }));
    this.#seq += 1n;
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
