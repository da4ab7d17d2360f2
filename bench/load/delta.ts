/** Bytes of one delta: `~`, five digits of turn, `:`, seven digits of sequence, `~`, and a word. */
export const DELTA_BYTES = 20;

const WORD = Buffer.from('lorem');
const TILDE = 0x7e;
const COLON = 0x3a;
const ZERO = 0x30;

/** The text of a delta, which says where it belongs: the `sequence`th (from 1) of the `turn`th turn (from 0). */
export function deltaText(turn: number, sequence: number): string {
  return `~${String(turn).padStart(5, '0')}:${String(sequence).padStart(7, '0')}~${WORD}`;
}

/** The turn of the delta at a place in some bytes, or -1 where no whole delta stands there. */
export function readTurn(data: Buffer, at: number): number {
  if (data[at] !== TILDE || data[at + 6] !== COLON || data[at + 14] !== TILDE) return -1;
  for (let index = 0; index < WORD.length; index += 1) if (data[at + 15 + index] !== WORD[index]) return -1;
  return readDigits(data, at + 1, at + 6);
}

/** The sequence number of the delta at a place in some bytes, or -1. */
export function readSequence(data: Buffer, at: number): number {
  return readDigits(data, at + 7, at + 14);
}

/** Whether a byte is a decimal digit. */
export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** A decimal number between two places, or -1 where something else is among its digits. */
export function readDigits(data: Buffer, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const digit = (data[index] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return end > start ? value : -1;
}
