import type { MeetingRow } from '../../protocol/meetings.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';

/** What is kept of a meeting besides what was said in it. */
export interface MeetingHead extends Omit<MeetingRow, 'status'> {
  status: 'running' | 'ended' | 'interrupted';
  /** Bytes that it takes. */
  bytes: number;
}

/** One line of a meeting's record. Of summaries, and of ends, the last one counts. */
export type MeetingLine =
  | ({ type: 'final' } & TranscriptSegment)
  | { type: 'truncated' }
  | { type: 'summary'; text: string }
  | { type: 'ended'; ended_at: number };

/** Where meetings are kept: the daemon's files, an embedder's own, or nowhere. */
export interface MeetingStore {
  /** What was kept before. Called once, when the broker is made; a throw is passed on. */
  load(): MeetingHead[];
  /** Begins a record, synchronously. A throw fails the request that starts the meeting. */
  create(head: MeetingHead): void;
  /**
   * Adds a line. It is on disk within a second; that it could not be written is the store's to log. Never throws.
   */
  append(id: string, line: MeetingLine): void;
  /** Everything that was added, what is still being written too. Nothing where there is no such record. */
  read(id: string): Promise<MeetingLine[]>;
  /** Deletes a record. Never throws. */
  remove(id: string): void;
}

/** Keeps meetings for the life of the process. */
export function volatileMeetingStore(): MeetingStore {
  const kept = new Map<string, MeetingLine[]>();
  return {
    load: () => [],
    create: ({ id }) => void kept.set(id, []),
    append: (id, line) => void kept.get(id)?.push(line),
    read: async (id) => [...(kept.get(id) ?? [])],
    remove: (id) => void kept.delete(id),
  };
}

/** A record put together again. */
export interface MeetingText {
  segments: TranscriptSegment[];
  transcript: string;
  summary: string | null;
  truncated?: true;
}

/** Puts the lines of a record together. */
export function textOf(lines: readonly MeetingLine[]): MeetingText {
  const segments: TranscriptSegment[] = [];
  let summary: string | null = null;
  let isTruncated = false;
  for (const line of lines) {
    if (line.type === 'final') {
      const { type, ...segment } = line;
      segments.push(segment);
    } else if (line.type === 'summary') summary = line.text;
    else if (line.type === 'truncated') isTruncated = true;
  }
  const transcript = segments.map(({ text }) => text).join(' ');
  return { segments, transcript, summary, ...(isTruncated ? { truncated: true as const } : {}) };
}
