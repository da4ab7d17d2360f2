import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/*
 * The bytes of a segment, all numbers little-endian.
 *
 *   segment   SWBJRNL1 · seed u32 · crc u32 of the twelve bytes before, then blocks
 *   block     magic u32 · length u32 · synced u32 · crc u32 of length, synced and what follows, begun with the seed
 *             · so many bytes of records
 *   record    length u32 · bytes
 *
 * A block is what was written and synced in one go. `synced` is how much of the segment was on disk before. The seed is
 * random: nothing that anybody has stored looks like a block.
 */

const NAME = Buffer.from('SWBJRNL1');
const MAGIC = 0x9cb70afe;

/** Bytes before the first block. */
export const SEGMENT_HEADER = 16;
/** Bytes of a block before its records. */
export const BLOCK_HEADER = 16;
/** Bytes of a record before its own. */
export const RECORD_HEADER = 4;

/** The beginning of a new segment. @param name - eight bytes that say what kind of one */
export function segmentHeader(name = NAME): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER);
  name.copy(header);
  randomBytes(4).copy(header, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** A segment's seed; `undefined` where its beginning is none. */
export function seedOf(segment: Buffer, name = NAME): number | undefined {
  if (segment.length < SEGMENT_HEADER || !segment.subarray(0, 8).equals(name)) return undefined;
  if (segment.readUInt32LE(12) !== crc32(segment.subarray(0, 12))) return undefined;
  return segment.readUInt32LE(8);
}

/** @param synced - how much of the segment is on disk. */
export function encodeBlock(records: readonly Buffer[], seed: number, synced: number): Buffer {
  const length = records.reduce((sum, record) => sum + RECORD_HEADER + record.length, 0);
  const block = Buffer.allocUnsafe(BLOCK_HEADER + length);
  block.writeUInt32LE(MAGIC, 0);
  block.writeUInt32LE(length, 4);
  block.writeUInt32LE(synced, 8);
  let at = BLOCK_HEADER;
  for (const record of records) {
    block.writeUInt32LE(record.length, at);
    record.copy(block, at + RECORD_HEADER);
    at += RECORD_HEADER + record.length;
  }
  block.writeUInt32LE(crcOf(block, seed), 12);
  return block;
}

function crcOf(block: Buffer, seed: number): number {
  return crc32(block.subarray(BLOCK_HEADER), crc32(block.subarray(4, 12), seed));
}

/** The block that begins there, if a whole one does. */
export function blockAt(segment: Buffer, at: number, seed: number): Buffer | undefined {
  if (at + BLOCK_HEADER > segment.length || segment.readUInt32LE(at) !== MAGIC) return undefined;
  const end = at + BLOCK_HEADER + segment.readUInt32LE(at + 4);
  if (end > segment.length) return undefined;
  const block = segment.subarray(at, end);
  return block.readUInt32LE(12) === crcOf(block, seed) ? block : undefined;
}

/** Calls `each` with a block's records, and where in the block each begins. */
export function readRecords(block: Buffer, each: (record: Buffer, at: number) => void): void {
  for (let at = BLOCK_HEADER; at + RECORD_HEADER <= block.length; ) {
    const begin = at + RECORD_HEADER;
    const end = begin + block.readUInt32LE(at);
    each(block.subarray(begin, end), begin);
    at = end;
  }
}

/**
 * Where the whole blocks of a segment end, each of which `each` is told.
 *
 * @returns `isDamaged`: what follows was on disk once, for a later block says so. Else it is what a crash has left of the
 *   last one, or nothing.
 */
export function readBlocks(
  segment: Buffer,
  seed: number,
  each: (block: Buffer, at: number) => void,
): { end: number; isDamaged: boolean } {
  let end = SEGMENT_HEADER;
  for (let block = blockAt(segment, end, seed); block; block = blockAt(segment, end, seed)) {
    each(block, end);
    end += block.length;
  }
  return { end, isDamaged: isFollowed(segment, end, seed) };
}

/** Whether a whole block lies behind `end` that was written when `end` had been synced. */
function isFollowed(segment: Buffer, end: number, seed: number): boolean {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC, 0);
  for (let at = segment.indexOf(magic, end + 1); at >= 0; at = segment.indexOf(magic, at + 1)) {
    const block = blockAt(segment, at, seed);
    if (block && block.readUInt32LE(8) > end) return true;
  }
  return false;
}
