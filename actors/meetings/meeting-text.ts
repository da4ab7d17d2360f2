import { setImmediate as nextRound } from 'node:timers/promises';
import { isObject } from '../../protocol/json.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Transcript } from '../voice/transcript.ts';
import type { MeetingLine } from './meeting-store.ts';

/** A record put together again. */
export interface MeetingText {
  segments: readonly TranscriptSegment[];
  summary: string | null;
  isTruncated: boolean;
  /** The segments' texts, joined, as JSON. */
  transcriptJson: string;
  /** The segments as JSON. */
  segmentsJson: string;
}

/** How much is put together before everybody else has a turn: characters, and lines of which each costs something. */
const SLICE = 64 * 1024;
const LINE_COST = 128;

/**
 * Puts the lines of a record together, a slice in each turn of the event loop: a long meeting takes a while, and nobody
 * else is to wait for it. A store may be an embedder's own, and its lines are checked like anybody's: what is none is
 * passed over.
 */
export async function textOf(lines: readonly MeetingLine[]): Promise<MeetingText> {
  if (!Array.isArray(lines)) throw new TypeError('a meeting store reads an array of lines');
  const segments: TranscriptSegment[] = [];
  const said: string[] = [];
  const written: string[] = [];
  let summary: string | null = null;
  let isTruncated = false;
  let slice = 0;
  for (const line of lines as readonly unknown[]) {
    if (slice > SLICE) {
      slice = 0;
      await nextRound();
    }
    slice += LINE_COST;
    if (!isObject(line)) continue;
    if (line.type === 'truncated') isTruncated = true;
    else if (line.type === 'summary' && typeof line.text === 'string') summary = line.text;
    const segment = line.type === 'final' ? segmentOf(line) : undefined;
    if (!segment) continue;
    slice += segment.text.length;
    segments.push(segment);
    if (segment.text !== '') said.push(writeJson(segment.text).slice(1, -1));
    written.push(writeJson(segment));
  }
  // Texts that are escaped one by one are what all of it would be: no pair of them stands across a space.
  return {
    segments,
    summary,
    isTruncated,
    transcriptJson: `"${said.join(' ')}"`,
    segmentsJson: `[${written.join(',')}]`,
  };
}

/** What a stream has heard, as if it were a record. */
export function heardText(heard: Transcript): MeetingText {
  const { transcript, segments, truncated = false } = heard.result('');
  return {
    segments,
    summary: null,
    isTruncated: truncated,
    transcriptJson: writeJson(transcript),
    segmentsJson: writeJson(segments),
  };
}

/** What a `final` says, or a line that keeps one; an object of its own. Nothing where it has no text. */
export function segmentOf(final: object): TranscriptSegment | undefined {
  const { text, start_ms, end_ms, speaker, confidence } = final as Record<string, unknown>;
  if (typeof text !== 'string') return undefined;
  return {
    text,
    ...(isNumber(start_ms) ? { start_ms } : {}),
    ...(isNumber(end_ms) ? { end_ms } : {}),
    ...(typeof speaker === 'string' ? { speaker } : {}),
    ...(isNumber(confidence) ? { confidence } : {}),
  };
}

/** One that JSON can say. */
function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
