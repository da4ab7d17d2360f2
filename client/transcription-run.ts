import { AudioFrameType, encodeAudioFrame } from '../protocol/audio-frame.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { BufferOverflowError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT, EventQueue } from './event-queue.ts';
import { newStreamId } from './ids.ts';
import { Pacer } from './pacer.ts';
import type { Peer } from './peer.ts';
import { type TranscribeOptions, type TranscriptEvent, type Transcription, VoiceError } from './voice.ts';

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
    this.#send(AudioFrameType.AudioIn, pcm);
    if (this.#pacer.due) await this.#pacer.breathe();
  }

  end(): void {
    if (this.#isEnded || this.#over.signal.aborted) return;
    this.#isEnded = true;
    this.#send(AudioFrameType.End, new Uint8Array());
  }

  async stop(): Promise<ResultOf<'voice.transcribe_stream.stop'>> {
    this.#isEnded = true;
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
    else if (type === 'error' && synthesized === true && !PASSING.has(String(event.code))) {
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

  #send(type: AudioFrameType, payload: Uint8Array): void {
    this.#peer.sendBinary(encodeAudioFrame({ type, streamId: this.sessionId, seq: this.#seq, format: 'pcm', payload }));
    this.#seq += 1n;
  }
}

/** After these the stream goes on. */
const PASSING: ReadonlySet<string> = new Set(['malformed_audio', 'audio_overflow']);
