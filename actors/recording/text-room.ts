/** Characters that the smallest room holds; each further size is twice the one before. */
const LEAST = 256;
/** Rooms of one size that are kept for whoever needs one next. */
const MAX_SPARE = 32;

/** By size: 0 is {@link LEAST}. */
const spare: Buffer[][] = [];

/**
 * Room for so many characters and some more, two bytes each, outside the heap: what is written into it is nothing that a
 * collection has to copy, and hardly ever does a new one have to be made.
 */
export function takeRoom(characters: number): Buffer {
  const size = sizeOf(characters);
  return spare[size]?.pop() ?? Buffer.allocUnsafeSlow(2 * LEAST * 2 ** size);
}

/** Gives room back; nobody may use it any more. */
export function giveRoom(room: Buffer): void {
  const size = sizeOf(room.length / 2);
  const rooms = spare[size] ?? [];
  spare[size] = rooms;
  if (rooms.length < MAX_SPARE) rooms.push(room);
}

function sizeOf(characters: number): number {
  return Math.max(0, Math.ceil(Math.log2(characters / LEAST)));
}
