import { AS_UTF16, BLOCK_HEADER, FRAME_HEADER, FrameFlag, LEAP_BYTES, RECORD_HEADER } from './format.ts';

/** What it can hold at first, and again after more was needed. Bytes. */
const CAPACITY = 512 * 1024;

/** From so many UTF-16 units on it is looked how long a text is. */
const EXACT_FROM = 16 * 1024;

/** What an event is besides its numbers. */
export interface FrameText {
  readonly text: string;
  readonly delta: string | undefined;
  readonly isTerminal: boolean;
  /** The `seq` of the event before it. Default: one less than its own. */
  readonly before?: number | undefined;
}

/** The block that is being made: records are written where they will stand, and nothing is allocated for any of them. */
export class BlockBuffer {
  #bytes: Buffer | undefined;
  #view = new DataView(new ArrayBuffer(0));
  #end = BLOCK_HEADER;

  get isEmpty(): boolean {
    return this.#end === BLOCK_HEADER;
  }

  /** Bytes of it so far. */
  get size(): number {
    return this.#end;
  }

  /** The block, its header not yet written. Stands until something is added. */
  get block(): Buffer {
    return this.#reserve(0).subarray(0, this.#end);
  }

  clear(): void {
    this.#end = BLOCK_HEADER;
    if (this.#bytes && this.#bytes.length > CAPACITY) this.#bytes = undefined;
  }

  /** A record without bytes of its own. */
  bare(type: number, turn: number, seq: number, aseq: number): void {
    this.#reserve(RECORD_HEADER);
    this.#head(type, 0, turn, seq, aseq);
    this.#end += RECORD_HEADER;
  }

  /** One whose bytes are a text of any characters. */
  text(type: number, turn: number, seq: number, aseq: number, text: string): void {
    const bytes = this.#reserve(RECORD_HEADER + most(text));
    const isUtf8 = text.isWellFormed();
    const length = bytes.write(text, this.#end + RECORD_HEADER, isUtf8 ? 'utf8' : 'utf16le');
    this.#head(isUtf8 ? type : type | AS_UTF16, length, turn, seq, aseq);
    this.#end += RECORD_HEADER + length;
  }

  /** An event that is no plain token. */
  frame(
    type: number,
    turn: number,
    seq: number,
    aseq: number,
    { text, delta, isTerminal, before = seq - 1 }: FrameText,
  ): void {
    const bytes = this.#reserve(RECORD_HEADER + FRAME_HEADER + LEAP_BYTES + most(delta ?? '') + most(text));
    const begin = this.#end + RECORD_HEADER;
    let flags = isTerminal ? FrameFlag.terminal : 0;
    let at = begin + FRAME_HEADER;
    if (before !== seq - 1) {
      flags |= FrameFlag.leaps;
      at = bytes.writeDoubleLE(before, at);
    }
    let deltaLength = 0;
    if (delta !== undefined) {
      const isUtf8 = delta.isWellFormed();
      flags |= FrameFlag.hasDelta | (isUtf8 ? 0 : FrameFlag.deltaIsUtf16);
      deltaLength = bytes.write(delta, at, isUtf8 ? 'utf8' : 'utf16le');
    }
    const isUtf8 = text.isWellFormed();
    if (!isUtf8) flags |= FrameFlag.textIsUtf16;
    at += deltaLength;
    const end = at + bytes.write(text, at, isUtf8 ? 'utf8' : 'utf16le');
    bytes[begin] = flags;
    bytes.writeUInt32LE(deltaLength, begin + 1);
    this.#head(type, end - begin, turn, seq, aseq);
    this.#end = end;
  }

  #head(type: number, length: number, turn: number, seq: number, aseq: number): void {
    const view = this.#view;
    const at = this.#end;
    view.setUint8(at, type);
    view.setUint32(at + 1, length, true);
    view.setUint32(at + 5, turn, true);
    view.setFloat64(at + 9, seq, true);
    view.setFloat64(at + 17, aseq, true);
  }

  #reserve(length: number): Buffer {
    const needed = this.#end + length;
    const before = this.#bytes;
    if (before && needed <= before.length) return before;
    const bytes = Buffer.allocUnsafeSlow(Math.max(CAPACITY, needed, needed > CAPACITY ? 2 * (before?.length ?? 0) : 0));
    before?.copy(bytes, 0, 0, this.#end);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return bytes;
  }
}

/** Bytes that a text may take, in UTF-8 or UTF-16. Of a long one it is worth knowing. */
const most = (text: string): number =>
  text.length < EXACT_FROM ? text.length * 3 : Math.max(Buffer.byteLength(text), text.length * 2);
