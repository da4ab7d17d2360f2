import { AudioFrameType, encodeAudioFrame } from '../protocol/audio-frame.ts';
import { AUDIO_LOST } from '../protocol/audio-lost.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { DEFAULT_BUFFER_LIMIT } from './event-queue.ts';
import { Pacer } from './pacer.ts';
import type { Peer } from './peer.ts';
import { type TranscribeOptions, type TranscriptEvent, type Transcription, VoiceError } from './voice.ts';
import { VoiceRun } from './voice-run.ts';
import { wordOf } from './word-of.ts';

/** Larger pieces of audio are cut, so that other frames get between them. Bytes, of whole samples. */
const MAX_PIECE = 64 * 1024;

/** A {@link Transcription} from the inside. */
export class TranscriptionRun extends VoiceRun<TranscriptEvent> implements Transcription {
  readonly sessionId: string;
  readonly #channels: number;
  readonly #pacer: Pacer;
  #seq = 0n;
  /** The beginning of a sample, of both channels where there are two, whose rest is still to come. */
  #half = new Uint8Array();
  /** What is being written; the next waits for it. */
  #writing: Promise<void> | undefined;
  #isEnded = false;

  constructor(peer: Peer, id: string, options: TranscribeOptions, forget: () => void) {
    const { channels = 1, bufferLimit = DEFAULT_BUFFER_LIMIT } = options;
    super(peer, bufferLimit, 'the events of a transcription', forget);
    this.sessionId = id;
    this.#channels = channels;
    this.#pacer = new Pacer(() => peer.bufferedAmount, this.over);
  }

  /** Sends the request that starts it. @param meeting where it is a meeting's: what else is to be said of that. */
  start({ sampleRate: sample_rate, provider }: TranscribeOptions, meeting?: { title: string | undefined }): void {
    const audio_source = { kind: 'pcm_push', sample_rate, channels: this.#channels };
    const params = { audio_source, options: { provider } };
    if (meeting) this.ask('meeting.start', { id: this.sessionId, ...meeting, ...params });
    else this.ask('voice.transcribe_stream.start', { session_id: this.sessionId, ...params });
  }

  async write(pcm: Uint8Array): Promise<void> {
    if (this.#isEnded || this.over.aborted) return;
    await this.#inTurn(() => this.#sendAudio(pcm));
  }

  end(): void {
    if (this.#isEnded || this.over.aborted) return;
    this.#isEnded = true;
    void this.#inTurn(async () => {
      if (!this.over.aborted) this.#send(AudioFrameType.End, new Uint8Array());
    });
  }

  async stop(): Promise<ResultOf<'voice.transcribe_stream.stop'>> {
    this.#isEnded = true;
    await this.#writing;
    const result = await this.peer.request('voice.transcribe_stream.stop', { session_id: this.sessionId });
    return result as ResultOf<'voice.transcribe_stream.stop'>;
  }

  async text(): Promise<string> {
    const finals: string[] = [];
    for await (const event of this) if (event.type === 'final' && event.text !== '') finals.push(event.text);
    this.checkWhole();
    return finals.join(' ');
  }

  event(event: JsonObject, size: number): void {
    const { type, synthesized } = event;
    this.push(event as TranscriptEvent, size);
    if (type === 'ended') this.finish({});
    else if (type === 'error' && synthesized === true && !AUDIO_LOST.has(wordOf(event.code)))
      this.finish({ error: new VoiceError(wordOf(event.message), wordOf(event.code)) });
  }

  protected override leave(): Promise<unknown> {
    return this.stop();
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
    const whole = audio.length - (audio.length % (2 * this.#channels));
    this.#half = audio.slice(whole);
    for (let at = 0; at < whole && !this.over.aborted; at += MAX_PIECE) {
      this.#send(AudioFrameType.AudioIn, audio.subarray(at, Math.min(at + MAX_PIECE, whole)));
      if (this.#pacer.due) await this.#pacer.breathe();
    }
  }

  #send(type: AudioFrameType, payload: Uint8Array): void {
    this.peer.sendBinary(encodeAudioFrame({ type, streamId: this.sessionId, seq: this.#seq, format: 'pcm', payload }));
    this.#seq += 1n;
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
