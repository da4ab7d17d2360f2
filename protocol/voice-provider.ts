import type { AudioFormat } from './audio-frame.ts';
import type { TranscriptSegment } from './voice.ts';

/** What a provider is to transcribe. */
export interface TranscribeJob {
  /** Unique to this job. */
  readonly streamId: string;
  /** Samples a second of each channel. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** The audio as it comes: 16-bit signed little-endian, channels interleaved. It ends when the client stops. */
  readonly audio: AsyncIterable<Uint8Array>;
  /** Aborts when nobody waits for the rest any more. */
  readonly signal: AbortSignal;
}

/** What a provider makes of audio. A `partial` may change later, a `final` will not. */
export type TranscriptPart = { type: 'partial'; text: string } | ({ type: 'final' } & TranscriptSegment);

/** What a provider is to say. */
export interface SpeakJob {
  /** Unique to this job. */
  readonly streamId: string;
  readonly text: string;
  readonly voiceId: string | undefined;
  /** Aborts when nobody waits for the rest any more. */
  readonly signal: AbortSignal;
}

/** A piece of speech. The pieces of one stream, one after the other, are one recording of that format. */
export interface SpeechPart {
  format: AudioFormat;
  audio: Uint8Array;
}

/** Transcribes: yields what it hears, and returns when all audio is dealt with. What it throws ends the stream. */
export type OnTranscribe = (job: TranscribeJob) => AsyncIterable<TranscriptPart>;
/**
 * Speaks: yields the recording, piece by piece. What it throws ends the stream. An embedder's is asked for the next piece
 * when its client has read the last; an agent's is not made to wait for its listener, and what is too much for that one
 * ends the stream.
 */
export type OnSpeak = (job: SpeakJob) => AsyncIterable<SpeechPart>;
