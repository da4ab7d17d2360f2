import type { AudioFormat } from '../protocol/audio-frame.ts';
import type { ResultOf } from '../protocol/methods.ts';
import type { TranscriptSegment } from '../protocol/voice.ts';
import type { SpeechPart } from '../protocol/voice-provider.ts';
import { SwitchboardError } from './errors.ts';

/** How to have audio transcribed. */
export interface TranscribeOptions {
  /** Samples a second of each channel, 8,000 to 48,000. */
  sampleRate: number;
  /** Default 1. Two are interleaved. */
  channels?: 1 | 2 | undefined;
  /** An agent's id, or `local`. Default: the broker chooses. */
  provider?: string | undefined;
  /** How much may wait to be read, in characters of JSON, before the stream ends in a `BufferOverflowError`. Default 16 Mi. */
  bufferLimit?: number | undefined;
}

/** What a transcription yields (`wire.md` section 11). A `partial` may change later, a `final` will not. */
export type TranscriptEvent =
  | { type: 'partial'; text: string }
  | ({ type: 'final' } & TranscriptSegment)
  | { type: 'error'; message: string; code?: string; synthesized?: true }
  | { type: 'ended'; synthesized?: true };

/**
 * Audio on its way to a provider, and what it hears on its way back. Iterating yields the events up to `ended`, can be
 * done once, and throws what went wrong. Leaving the loop stops the stream.
 */
export interface Transcription extends AsyncIterable<TranscriptEvent> {
  readonly sessionId: string;
  /** Resolves with the provider's id once it has accepted. @throws {RpcError} `-32011` where there is none. */
  readonly started: Promise<string>;
  /**
   * Sends audio, 16-bit signed little-endian, in pieces of any length: what is less than a sample of each channel is the
   * beginning of the next piece. Resolves when there is room for more, and until then the bytes are not to be changed. What is written
   * after the end goes nowhere.
   */
  write(pcm: Uint8Array): Promise<void>;
  /** No more audio comes. The provider takes its time for the rest; read on until `ended`. */
  end(): void;
  /** The same, but waits for ten seconds at most. Gives every final of the stream. */
  stop(): Promise<ResultOf<'voice.transcribe_stream.stop'>>;
  /** Reads to the end, and gives the finals' texts, joined. @throws {VoiceError} where the stream failed. */
  text(): Promise<string>;
}

/** How to have a text spoken. */
export interface SpeakOptions {
  /** An agent's id, or `local`. Default: the broker chooses. */
  provider?: string | undefined;
  /** Which voice; what there are is the provider's to say. */
  voiceId?: string | undefined;
  /** How much may wait to be read, in bytes of audio, before the stream ends in a `BufferOverflowError`. Default 64 Mi. */
  bufferLimit?: number | undefined;
}

/**
 * Speech, piece by piece. Iterating can be done once, and throws what went wrong; leaving the loop cancels the stream.
 */
export interface Speech extends AsyncIterable<SpeechPart> {
  readonly streamId: string;
  /** Resolves with the provider's id once it has accepted. @throws {RpcError} `-32011` where there is none. */
  readonly started: Promise<string>;
  /** Ends it; false where it was over. What came before can still be read. */
  cancel(): Promise<boolean>;
  /**
   * Reads to the end, and gives the whole recording. @throws {VoiceError} where the stream failed, is of no sound, or of
   * several formats, and where the provider's numbering says that pieces are missing.
   */
  audio(): Promise<{ format: AudioFormat; audio: Uint8Array }>;
}

/** A voice stream failed: its provider did, or is gone, or the broker is stopping. */
export class VoiceError extends SwitchboardError {
  /**
   * The broker's word for it: `provider_disconnected`, `provider_failed`, `slow_consumer` (speech came faster than it was
   * read), `stale`, `draining`, `internal`.
   */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message, code === 'provider_disconnected' || code === 'draining');
    this.code = code;
  }
}
