import { type AudioFormat, type AudioFrame, AudioFrameType } from '../protocol/audio-frame.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { SpeechPart } from '../protocol/voice-provider.ts';
import { BufferOverflowError, type SwitchboardError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { newStreamId } from './ids.ts';
import type { Peer } from './peer.ts';
import { type SpeakOptions, type Speech, VoiceError } from './voice.ts';

/** How much may wait to be read unless told otherwise. Bytes of audio. */
const DEFAULT_BUFFER_LIMIT = 64 * 1024 * 1024;

/** A {@link Speech} from the inside. */
export class SpeechRun implements Speech {
  readonly streamId = newStreamId();
  readonly started: Promise<string>;
  readonly #peer: Peer;
  readonly #text: string;
  readonly #options: SpeakOptions;
  readonly #forget: () => void;
  readonly #limit: number;
  readonly #queue: EventQueue<SpeechPart>;
  #settle: { resolve(provider: string): void; reject(error: SwitchboardError): void } | undefined;
  #isOver = false;
  /** The number of the next piece. */
  #nextSeq = 0n;
  #isGappy = false;

  constructor(peer: Peer, text: string, options: SpeakOptions, forget: () => void) {
    this.#peer = peer;
    this.#text = text;
    this.#options = options;
    this.#forget = forget;
    this.#limit = options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
    this.#queue = new EventQueue(this.#limit);
    this.started = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever reads the pieces is told, too.
    this.started.catch(() => {});
  }

  start(): void {
    const { provider, voiceId: voice_id } = this.#options;
    const options = { provider, voice_id, binary_frames: true };
    const params = { stream_id: this.streamId, text: this.#text, options };
    this.#peer.call('voice.tts_stream.start', params, {
      result: (value) => this.#settle?.resolve((value as { provider: string }).provider),
      error: (error) => this.fail(error),
    });
  }

  async cancel(): Promise<boolean> {
    const result = await this.#peer.request('voice.tts_stream.cancel', { stream_id: this.streamId });
    return (result as { cancelled: boolean }).cancelled;
  }

  async audio(): Promise<{ format: AudioFormat; audio: Uint8Array }> {
    const pieces: Uint8Array[] = [];
    let format: AudioFormat | undefined;
    for await (const piece of this) {
      format ??= piece.format;
      if (piece.format !== format) throw new VoiceError(`the provider went from ${format} to ${piece.format} midway`);
      pieces.push(piece.audio);
    }
    if (this.#isGappy) throw new VoiceError('pieces of the speech are missing: the provider left numbers out');
    if (format === undefined) throw new VoiceError('the provider has sent no audio');
    const audio = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      audio.set(piece, at);
      at += piece.length;
    }
    return { format, audio };
  }

  event({ type, message, code, synthesized }: JsonObject): void {
    if (type === 'ended') this.#finish({});
    else if (type === 'error' && synthesized === true) {
      this.#finish({ error: new VoiceError(String(message), String(code)) });
    }
  }

  frame({ type, seq, format, payload: audio }: AudioFrame): void {
    if (seq !== this.#nextSeq) this.#isGappy = true;
    this.#nextSeq = seq + 1n;
    if (type !== AudioFrameType.AudioOut || this.#queue.push({ format, audio }, audio.length)) return;
    this.#abandon();
    this.fail(new BufferOverflowError(this.#limit));
  }

  fail(error: SwitchboardError): void {
    this.#settle?.reject(error);
    this.#finish({ error });
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechPart, undefined> {
    return this.#queue.readOnce('the audio of a stream', () => this.#abandon());
  }

  #finish(end: { error?: unknown }): void {
    this.#isOver = true;
    this.#forget();
    this.#queue.end(end);
  }

  /** Nobody reads the rest. */
  #abandon(): void {
    if (!this.#isOver) this.cancel().catch(() => {});
  }
}
