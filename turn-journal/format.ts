import { crc32 } from 'node:zlib';

/*
 * The bytes of a segment, all numbers little-endian.
 *
 *   segment   SWBTURN1 · seed u32 · crc u32 of the twelve bytes before, then blocks
 *   block     magic u32, of the seed · length u32 · crc u32, begun with the seed, of what follows and of the length · lsn u48 · synced u48 ·
 *             so many bytes of records
 *   record    type u8 · length u32 · turn u32 · seq f64 · aseq f64 · so many bytes
 *
 * Blocks are numbered without a gap through all segments: `lsn`. `synced` is the block up to which all was on disk when this one was
 * written: what is missing or damaged up to there is no crash's work. Behind the last block there are zeros, or what a
 * segment of before has left, which another seed makes unreadable.
 */

/** What a segment begins with. */
export const SEGMENT_NAME = Buffer.from('SWBTURN1');
const MAGIC = 0x9cb70aff;

/** Bytes of a block before its records. */
export const BLOCK_HEADER = 24;
/** Bytes of a record before its own. */
export const RECORD_HEADER = 25;

/** What a record says. */
export const RecordType = {
  /** A turn begins: its facts, JSON. */
  open: 1,
  /** A plain token: its delta. */
  token: 2,
  /** Any other event: flags u8, length of the delta u32, where it leaves numbers out the `seq` before it f64, the delta, the frame. */
  frame: 3,
  /** An event that took an `aseq` alone. */
  skip: 4,
  /** JSON: a name, and what is known by it; no value: nothing any more. */
  note: 5,
  /** The turn has ended: how and when, JSON. */
  end: 6,
  /** It can no longer be resumed. */
  forget: 7,
  /** What a log held at `seq`, so that nothing before is needed: JSON. Records with {@link OF_SNAPSHOT} follow, then `whole`. */
  snapshot: 8,
  /** A part of the text of events that the log has dropped. */
  text: 9,
  /** A snapshot is whole. */
  whole: 10,
  /** Nothing: there is room to write. */
  mark: 11,
} as const;

/** A token, frame or text that belongs to a snapshot. Others of that turn may stand between them. */
export const OF_SNAPSHOT = 0x40;
/** A token's or text's bytes are UTF-16, because UTF-8 could not say it: half of a surrogate pair is no character. */
export const AS_UTF16 = 0x80;
/** The type without those. */
export const TYPE_MASK = 0x3f;

/** Of a frame. */
export const FrameFlag = { terminal: 1, hasDelta: 2, deltaIsUtf16: 4, textIsUtf16: 8, leaps: 16 } as const;

/** Bytes of a frame before its delta, or before what is before that. */
export const FRAME_HEADER = 5;
/** Bytes of the `seq` before it, where that is said. */
export const LEAP_BYTES = 8;

/** What a block says of itself. */
export interface BlockInfo {
  /** Bytes, with its header. */
  readonly size: number;
  readonly lsn: number;
  readonly synced: number;
}

/**
 * What each block of a segment begins with. Its seed is random: nothing that anybody has said looks like a block's beginning,
 * not even text that was made to, and blocks of before do not.
 */
export const magicOf = (seed: number): number => (MAGIC ^ seed) >>> 0;

/** Makes a block of bytes whose records stand there already. */
export function sealBlock(block: Buffer, { lsn, synced, seed }: { lsn: number; synced: number; seed: number }): void {
  block.writeUInt32LE(magicOf(seed), 0);
  block.writeUInt32LE(block.length - BLOCK_HEADER, 4);
  block.writeUIntLE(lsn, 12, 6);
  block.writeUIntLE(synced, 18, 6);
  block.writeUInt32LE(crcOf(block, seed), 8);
}

const crcOf = (block: Buffer, seed: number): number => crc32(block.subarray(12), crc32(block.subarray(4, 8), seed));

/** What a block's header says that begins there; undefined where none does. Whether it is whole, only {@link isWhole} knows. */
export function headerAt(bytes: Buffer, at: number, seed: number): BlockInfo | undefined {
  if (at + BLOCK_HEADER > bytes.length || bytes.readUInt32LE(at) !== magicOf(seed)) return undefined;
  return {
    size: BLOCK_HEADER + bytes.readUInt32LE(at + 4),
    lsn: bytes.readUIntLE(at + 12, 6),
    synced: bytes.readUIntLE(at + 18, 6),
  };
}

/** Whether these are all bytes of a block, as they were written. */
export function isWhole(block: Buffer, seed: number): boolean {
  return block.readUInt32LE(8) === crcOf(block, seed);
}
