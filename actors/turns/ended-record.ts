import { z } from 'zod';
import { parseJson } from '../../protocol/parse-json.ts';
import type { Json, LogSnapshot } from '../../protocol/turn-journal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { type KeptFacts, readKeptFacts } from './kept-facts.ts';
import type { TurnLog } from './resume/turn-log.ts';

/*
 * An ended turn as other brokers find it: what its journal would have of it, and how it ended. No secret is in it, but hashes.
 *
 *   u32 length · head (JSON) · records: kind u8 · length u32 · text
 */

const recordHead = z.object({
  version: z.literal(1),
  facts: z.custom<Json>(),
  ending: z.enum(['done', 'failed', 'cancelled', 'abandoned']),
  /** Unix milliseconds. */
  ended_at: z.number(),
  claim: z.string().nullable().optional(),
  /** Its host may have had more of it than its owner. */
  is_behind: z.boolean(),
  /** Of its last event. */
  seq: z.number(),
  /** Of the first that is kept. */
  first_seq: z.number(),
  /** The text of those before that was too long to keep. */
  is_text_lost: z.boolean(),
});

/** See {@link recordHead}. */
export type RecordHead = Omit<z.infer<typeof recordHead>, 'facts'> & { facts: KeptFacts };

/** What a record is; of each the text is UTF-8, or with {@link AS_UTF16} what UTF-8 could not say. */
const Kind = { dropped: 1, token: 2, delta: 3, frame: 4 } as const;
const AS_UTF16 = 0x80;
const RECORD_BYTES = 5;
/** A longer head is none of ours. */
const MAX_HEAD_BYTES = 64 * 1024 - 4;
/** Records are put together to parts of so many bytes; a longer one is a part of its own. */
const PART_BYTES = 64 * 1024;

/**
 * Writes a record, part by part: whoever asks for them may let others have their turn in between.
 * @param facts - as `factsToKeep` gives them
 */
export function* writeRecord(log: TurnLog, facts: Json, endedAt: number): Generator<Buffer> {
  const snapshot = log.snapshot();
  const head = Buffer.from(writeJson(headOf(log, snapshot, facts, endedAt)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  yield length;
  yield head;
  let part = Buffer.allocUnsafeSlow(PART_BYTES);
  let end = 0;
  for (const [kind, text] of recordsOf(snapshot)) {
    const isUtf8 = text.isWellFormed();
    const bytes = isUtf8 ? Buffer.byteLength(text) : text.length * 2;
    if (end + RECORD_BYTES + bytes > part.length) {
      yield part.subarray(0, end);
      part = Buffer.allocUnsafeSlow(Math.max(PART_BYTES, RECORD_BYTES + bytes));
      end = 0;
    }
    part[end] = isUtf8 ? kind : kind | AS_UTF16;
    part.writeUInt32LE(bytes, end + 1);
    part.write(text, end + RECORD_BYTES, isUtf8 ? 'utf8' : 'utf16le');
    end += RECORD_BYTES + bytes;
  }
  yield part.subarray(0, end);
}

function headOf(log: TurnLog, { seq, firstSeq, dropped }: LogSnapshot, facts: Json, endedAt: number) {
  const { ending = 'failed', isBehind, key } = log;
  return {
    version: 1,
    facts,
    ending,
    ended_at: endedAt,
    claim: key.claim,
    is_behind: isBehind,
    seq,
    first_seq: firstSeq,
    is_text_lost: dropped === undefined,
  };
}

function* recordsOf({ dropped = [], entries }: LogSnapshot): Generator<[kind: number, text: string]> {
  for (const text of dropped) yield [Kind.dropped, text];
  for (const entry of entries) {
    if (typeof entry === 'string') yield [Kind.token, entry];
    else {
      if (entry.delta !== undefined) yield [Kind.delta, entry.delta];
      yield [Kind.frame, entry.text];
    }
  }
}

/**
 * What a record says of its turn; its beginning suffices.
 * @throws {Error} where it is none, or of another version
 */
export function readHead(bytes: Uint8Array): RecordHead {
  const head = recordHead.parse(parseJson(viewOf(bytes).toString('utf8', 4, endOfHead(bytes))));
  const facts = readKeptFacts(head.facts);
  if (!facts) throw new Error('a turn of another version');
  return { ...head, facts };
}

/**
 * Fills an empty log with a record's events, some in each step.
 * @throws {Error} where it is damaged
 */
export function* readLog(bytes: Uint8Array, head: RecordHead, log: TurnLog): Generator<void> {
  const view = viewOf(bytes);
  log.beginAt(head.first_seq);
  if (head.is_text_lost) log.addDropped(undefined);
  let delta: string | undefined;
  let sinceStep = 0;
  for (let at = endOfHead(bytes); at < view.length; ) {
    const begin = at + RECORD_BYTES;
    const code = view[at] as number;
    const end = begin <= view.length ? begin + view.readUInt32LE(at + 1) : Number.POSITIVE_INFINITY;
    if (end > view.length) throw new Error('it is cut off');
    const text = view.toString((code & AS_UTF16) === 0 ? 'utf8' : 'utf16le', begin, end);
    const kind = code & ~AS_UTF16;
    if (kind === Kind.dropped) log.addDropped(text);
    else if (kind === Kind.token) log.addToken(text, 0);
    else if (kind === Kind.delta) delta = text;
    else if (kind === Kind.frame) {
      // The last one is its terminal, which may have left numbers out.
      log.addFrame(text, delta, 0, end === view.length ? head.seq : undefined);
      delta = undefined;
    } else throw new Error('it has what nobody knows');
    sinceStep += end - at;
    at = end;
    if (sinceStep < PART_BYTES) continue;
    sinceStep = 0;
    yield;
  }
  if (log.terminal === undefined || log.head !== head.seq) throw new Error('it does not end as it says');
}

function endOfHead(bytes: Uint8Array): number {
  const length = bytes.length >= 4 ? viewOf(bytes).readUInt32LE() : 0;
  if (length === 0 || length > MAX_HEAD_BYTES || 4 + length > bytes.length) throw new Error('it has no head');
  return 4 + length;
}

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
