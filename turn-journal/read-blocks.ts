import { SEGMENT_HEADER, seedOf } from '../journal/blocks.ts';
import type { JournalFiles } from './files.ts';
import { BLOCK_HEADER, type BlockInfo, headerAt, isWhole, magicOf, SEGMENT_NAME } from './format.ts';
import type { Segment } from './segment.ts';

/** So much is read at a time, and what is in it is told in one turn of the event loop. A block may be larger. */
const CHUNK = 256 * 1024;

/** A segment that is open, to be read. */
export interface Source extends Segment {
  readonly file: number;
  /** Undefined where its beginning cannot be read: then nothing of it can. */
  readonly seed: number | undefined;
}

/** Told of each block: its bytes, good for this call, and where in the file they are. */
export type EachBlock = (block: Buffer, at: number, info: BlockInfo) => void;

/** A whole block, and where it is. */
export interface FoundBlock {
  readonly at: number;
  readonly info: BlockInfo;
}

/** @throws a system error */
export async function openSource(files: JournalFiles, segment: Segment): Promise<Source> {
  const file = await files.openRead(segment.path);
  try {
    const header = Buffer.alloc(SEGMENT_HEADER);
    const length = await files.read(file, header, 0);
    return { ...segment, file, seed: seedOf(header.subarray(0, length), SEGMENT_NAME) };
  } catch (error) {
    await files.close(file);
    throw error;
  }
}

/**
 * Tells the blocks of a segment one after the other, from `begin` on, up to the first that is not whole or not the next.
 *
 * @param next - the number of the first; undefined: whatever it is
 * @param isKnown - they are whole, for somebody has looked at them; up to `source.size` all are told
 * @returns where they end, and the number that the next one would have
 */
export async function readBlocks(
  files: JournalFiles,
  source: Source,
  { begin, next, isKnown = false }: { begin: number; next: number | undefined; isKnown?: boolean },
  each: EachBlock,
): Promise<{ end: number; next: number | undefined }> {
  const { file, seed, size } = source;
  if (seed === undefined) return { end: begin, next };
  let bytes = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(size - begin, BLOCK_HEADER)));
  /** How much of `bytes` is read, and where in the file it begins. */
  let length = 0;
  let base = begin;
  for (;;) {
    const got = await files.read(file, bytes.subarray(length), base + length);
    length += got;
    let at = 0;
    let wanted = 0;
    for (;;) {
      const info = headerAt(bytes.subarray(0, length), at, seed);
      if (!info) {
        wanted = at + BLOCK_HEADER > length ? BLOCK_HEADER : 0;
        break;
      }
      if ((next !== undefined && info.lsn !== next) || base + at + info.size > size) break;
      if (at + info.size > length) {
        wanted = info.size;
        break;
      }
      const block = bytes.subarray(at, at + info.size);
      if (!isKnown && !isWhole(block, seed)) break;
      each(block, base + at, info);
      next = info.lsn + 1;
      at += info.size;
    }
    base += at;
    if (wanted === 0 || got === 0) return { end: base, next };
    const rest = bytes.subarray(at, length);
    const room = wanted > bytes.length ? Buffer.allocUnsafe(wanted + CHUNK) : bytes;
    rest.copy(room);
    bytes = room;
    length = rest.length;
  }
}

/** The first whole block that begins at `from` or behind it, with at least this number. */
export async function findBlock(
  files: JournalFiles,
  source: Source,
  from: number,
  least: number,
): Promise<FoundBlock | undefined> {
  const { seed } = source;
  if (seed === undefined) return undefined;
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(magicOf(seed));
  const bytes = Buffer.allocUnsafe(CHUNK);
  for (let base = from; base < source.size; ) {
    const window = bytes.subarray(0, await files.read(source.file, bytes, base));
    for (let at = window.indexOf(magic); at >= 0; at = window.indexOf(magic, at + 1)) {
      const info = headerAt(window, at, seed);
      if (info && info.lsn < least) continue;
      const found = await blockAt(files, source, base + at);
      if (found && found.info.lsn >= least) return found;
    }
    if (window.length < BLOCK_HEADER) return undefined;
    // A block's beginning may lie across two windows.
    base += window.length - magic.length + 1;
  }
  return undefined;
}

/** The whole block that begins just there. */
export async function blockAt(files: JournalFiles, source: Source, at: number): Promise<FoundBlock | undefined> {
  const { file, seed, size } = source;
  if (seed === undefined) return undefined;
  const info = await beginningAt(files, source, at);
  if (!info || at + info.size > size) return undefined;
  const block = Buffer.allocUnsafe(info.size);
  return (await files.read(file, block, at)) === info.size && isWhole(block, seed) ? { at, info } : undefined;
}

/** What a block's header says there, whether it is whole or not. */
export async function beginningAt(
  files: JournalFiles,
  { file, seed }: Source,
  at: number,
): Promise<BlockInfo | undefined> {
  const header = Buffer.allocUnsafe(BLOCK_HEADER);
  if (seed === undefined || (await files.read(file, header, at)) !== BLOCK_HEADER) return undefined;
  return headerAt(header, 0, seed);
}
