import {
  AS_UTF16,
  BLOCK_HEADER,
  FRAME_HEADER,
  FrameFlag,
  LEAP_BYTES,
  OF_SNAPSHOT,
  RECORD_HEADER,
  RecordType,
  TYPE_MASK,
} from './format.ts';

/** A record that is being read: one object for all of them, good until the next. */
export class RecordView {
  /** See `RecordType`. */
  type = 0;
  isOfSnapshot = false;
  turn = 0;
  seq = 0;
  aseq = 0;
  #isUtf16 = false;
  #bytes: Buffer = Buffer.alloc(0);
  #begin = 0;
  #end = 0;

  /** Bytes of its own. */
  get length(): number {
    return this.#end - this.#begin;
  }

  /** @returns where the next one begins; undefined where the block has none, or not all of it. */
  read(block: Buffer, at: number): number | undefined {
    if (at + RECORD_HEADER > block.length) return undefined;
    const begin = at + RECORD_HEADER;
    const end = begin + block.readUInt32LE(at + 1);
    if (end > block.length) return undefined;
    const type = block[at] as number;
    this.type = type & TYPE_MASK;
    this.isOfSnapshot = (type & OF_SNAPSHOT) !== 0;
    this.#isUtf16 = (type & AS_UTF16) !== 0;
    this.turn = block.readUInt32LE(at + 5);
    this.seq = block.readDoubleLE(at + 9);
    this.aseq = block.readDoubleLE(at + 17);
    this.#bytes = block;
    this.#begin = begin;
    this.#end = end;
    return end;
  }

  /** All its bytes, as a text. */
  get text(): string {
    return this.#string(this.#begin, this.#end, this.#isUtf16);
  }

  /** It is the turn's terminal. */
  get isTerminal(): boolean {
    return this.type === RecordType.frame && (this.#flags & FrameFlag.terminal) !== 0;
  }

  /** Of an event: the `seq` of the one before it. */
  get before(): number {
    const leaps = this.type === RecordType.frame && (this.#flags & FrameFlag.leaps) !== 0;
    return leaps ? this.#bytes.readDoubleLE(this.#begin + FRAME_HEADER) : this.seq - 1;
  }

  /** Of a frame. */
  get delta(): string | undefined {
    if ((this.#flags & FrameFlag.hasDelta) === 0) return undefined;
    const isUtf16 = (this.#flags & FrameFlag.deltaIsUtf16) !== 0;
    return this.#string(this.#deltaBegin, this.#frameBegin, isUtf16);
  }

  /** Of a frame: as it is sent. */
  get frame(): string {
    return this.#string(this.#frameBegin, this.#end, (this.#flags & FrameFlag.textIsUtf16) !== 0);
  }

  get #flags(): number {
    return this.#bytes[this.#begin] ?? 0;
  }

  get #frameBegin(): number {
    return this.#deltaBegin + this.#bytes.readUInt32LE(this.#begin + 1);
  }

  get #deltaBegin(): number {
    return this.#begin + FRAME_HEADER + ((this.#flags & FrameFlag.leaps) === 0 ? 0 : LEAP_BYTES);
  }

  #string(begin: number, end: number, isUtf16: boolean): string {
    return this.#bytes.toString(isUtf16 ? 'utf16le' : 'utf8', begin, end);
  }
}

/** Reads a block's records one after the other into `record`, and calls `each` for it with where in the block it begins. */
export function readRecords(block: Buffer, record: RecordView, each: (record: RecordView, at: number) => void): void {
  let at = BLOCK_HEADER;
  for (let next = record.read(block, at); next !== undefined; next = record.read(block, at)) {
    each(record, at);
    at = next;
  }
}
