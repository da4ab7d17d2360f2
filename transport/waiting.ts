import type { WaitingAudio } from '../protocol/link.ts';
import type { Token } from '../protocol/token.ts';
import type { CountedBytes, PartialText } from './encode-frames.ts';

/** What a token's frame is besides its head and its delta, at most: header, `seq_from`, `seq`, brackets. */
export const TOKEN_OVERHEAD = 72;

/** A token that waits. */
export interface WaitingToken extends Token {
  /** What its delta was counted as. */
  size: number;
}

/** A text that waits, and may be dropped. */
export interface WaitingPartial extends PartialText {
  /** What its text was counted as. */
  size: number;
}

/** Audio that waits, and who counts it: as so many bytes. */
export interface WaitingBytes extends CountedBytes {
  counted: WaitingAudio;
  bytes: number;
}

/** The same as text, which is never dropped. */
export interface WaitingSpeech extends WaitingPartial {
  counted: WaitingAudio;
  bytes: number;
}

/** What waits: the text of a frame, a token, a text that may be dropped, or a binary frame's payload. */
export type Waiting = string | WaitingToken | WaitingPartial | WaitingSpeech | WaitingBytes | Uint8Array;

/** Whether it was dropped, and is no frame any more. */
export function isDropped(entry: Waiting): boolean {
  return typeof entry === 'object' && 'text' in entry && entry.text === undefined;
}

/** What it counts in the queue. @param isMeasured in bytes, and not in UTF-16 units. */
export function countedSize(entry: Waiting, isMeasured: boolean): number {
  if (typeof entry === 'string') return isMeasured ? Buffer.byteLength(entry) : entry.length;
  if ('head' in entry) return entry.head.length + entry.size + TOKEN_OVERHEAD;
  if ('data' in entry) return entry.data.length;
  return entry instanceof Uint8Array ? entry.length : entry.size;
}

/** Counts a waiting entry's text in bytes from now on. */
export function measure(entry: Exclude<Waiting, string>): void {
  if ('head' in entry) entry.size = deltaBytes(entry.delta);
  else if ('text' in entry) entry.size = Buffer.byteLength(entry.text ?? '');
}

/** Bytes of a delta on the wire, without its quotes. */
export function deltaBytes(delta: string): number {
  return Buffer.byteLength(JSON.stringify(delta)) - 2;
}
