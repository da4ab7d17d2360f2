import {
  AS_UTF16,
  ENTRY_HEADER,
  type Entry,
  EntryKind,
  FLUSH_BYTES,
  type StreamToken,
  TOKEN_HEADER,
} from './entries.ts';

/** From so many UTF-16 units on it is looked how long a text is. */
const EXACT_FROM = 4 * 1024;

/** Puts entries together to batches: each is written where it will stand, and nothing is allocated for any of them. */
export class EntryWriter {
  readonly #headRoom: number;
  readonly #full: () => void;
  #bytes: Buffer;
  #end: number;
  #isBounded = false;
  #bounded = 0;
  #countedTo: number;

  /**
   * @param headRoom - bytes that a batch has before its entries
   * @param full - the batch is large enough, and is to be taken
   */
  constructor(headRoom: number, full: () => void) {
    this.#headRoom = headRoom;
    this.#full = full;
    this.#bytes = Buffer.allocUnsafeSlow(16 * 1024);
    this.#end = headRoom;
    this.#countedTo = headRoom;
  }

  get isEmpty(): boolean {
    return this.#end === this.#headRoom;
  }

  /** Bytes of the batch whose writer bounds what waits. */
  get bounded(): number {
    this.#count();
    return this.#bounded;
  }

  /** Whether whoever writes from now on does. */
  set isBounded(is: boolean) {
    if (is === this.#isBounded) return;
    this.#count();
    this.#isBounded = is;
  }

  /** The batch, with room for its head. It is the caller's; the next one begins. */
  take(): Buffer {
    const batch = Buffer.allocUnsafe(this.#end);
    this.#bytes.copy(batch, this.#headRoom, this.#headRoom, this.#end);
    this.#end = this.#headRoom;
    this.#countedTo = this.#headRoom;
    this.#bounded = 0;
    return batch;
  }

  token({ stream, seq, seqFrom, delta }: StreamToken): void {
    const bytes = this.#reserve(TOKEN_HEADER + most(delta));
    if (bytes) {
      const begin = this.#end + ENTRY_HEADER;
      bytes.writeUIntLE(seq, begin, 6);
      bytes.writeUInt32LE(seq - seqFrom, begin + 6);
      this.#finish(bytes, EntryKind.token, stream, begin + TOKEN_HEADER, delta);
    } else {
      const fields = Buffer.allocUnsafe(TOKEN_HEADER);
      fields.writeUIntLE(seq, 0, 6);
      fields.writeUInt32LE(seq - seqFrom, 6);
      this.#long(EntryKind.token, stream, fields, delta);
    }
  }

  /** @throws {RangeError} where a request's method has more than 255 bytes */
  entry(entry: Entry): void {
    const fields = fieldsOf(entry);
    const bytes = this.#reserve(fields.length + most(entry.body));
    if (!bytes) {
      this.#long(EntryKind[entry.kind], entry.stream, fields, entry.body);
      return;
    }
    const begin = this.#end + ENTRY_HEADER;
    fields.copy(bytes, begin);
    this.#finish(bytes, EntryKind[entry.kind], entry.stream, begin + fields.length, entry.body);
  }

  /** Writes the text at the end, and the header that is known then. */
  #finish(bytes: Buffer, kind: number, stream: number, at: number, text: string): void {
    const isUtf8 = text.isWellFormed();
    const end = at + bytes.write(text, at, isUtf8 ? 'utf8' : 'ucs2');
    writeHeader(bytes, this.#end, isUtf8 ? kind : kind | AS_UTF16, end - this.#end - ENTRY_HEADER, stream);
    this.#end = end;
    this.#sendIfFull();
  }

  /** One that no batch holds: written by itself, then cut. */
  #long(kind: number, stream: number, fields: Buffer, text: string): void {
    const isUtf8 = text.isWellFormed();
    const body = Buffer.from(text, isUtf8 ? 'utf8' : 'utf16le');
    const header = Buffer.allocUnsafe(ENTRY_HEADER);
    writeHeader(header, 0, isUtf8 ? kind : kind | AS_UTF16, fields.length + body.length, stream);
    const whole = Buffer.concat([header, fields, body]);
    for (let at = 0; at < whole.length; at += FLUSH_BYTES) {
      const part = whole.subarray(at, at + FLUSH_BYTES);
      const bytes = this.#roomFor(ENTRY_HEADER + part.length);
      const isLast = at + FLUSH_BYTES >= whole.length;
      writeHeader(bytes, this.#end, isLast ? EntryKind.last : EntryKind.part, part.length, 0);
      part.copy(bytes, this.#end + ENTRY_HEADER);
      this.#end += ENTRY_HEADER + part.length;
      this.#sendIfFull();
    }
  }

  #count(): void {
    if (this.#isBounded) this.#bounded += this.#end - this.#countedTo;
    this.#countedTo = this.#end;
  }

  #sendIfFull(): void {
    if (this.#end - this.#headRoom >= FLUSH_BYTES) this.#full();
  }

  /** Room for an entry of so many bytes; undefined where it is too long for a batch. */
  #reserve(length: number): Buffer | undefined {
    return length > FLUSH_BYTES ? undefined : this.#roomFor(ENTRY_HEADER + length);
  }

  #roomFor(length: number): Buffer {
    const needed = this.#end + length;
    if (needed <= this.#bytes.length) return this.#bytes;
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(bytes, 0, 0, this.#end);
    this.#bytes = bytes;
    return bytes;
  }
}

function writeHeader(bytes: Buffer, at: number, kind: number, length: number, stream: number): void {
  bytes[at] = kind;
  bytes.writeUInt32LE(length, at + 1);
  bytes.writeInt32LE(stream, at + 5);
}

const NOTHING = Buffer.alloc(0);

/** What an entry has before its body. */
function fieldsOf(entry: Entry): Buffer {
  if (entry.kind === 'request') {
    const method = Buffer.from(entry.method);
    if (method.length > 255) throw new RangeError(`the name of a method has ${method.length} bytes, 255 at most`);
    const fields = Buffer.allocUnsafe(5 + method.length);
    fields.writeUInt32LE(entry.id, 0);
    fields[4] = method.length;
    method.copy(fields, 5);
    return fields;
  }
  if (entry.kind !== 'reply') return NOTHING;
  const fields = Buffer.allocUnsafe(5);
  fields.writeUInt32LE(entry.id, 0);
  fields[4] = entry.isError ? 1 : 0;
  return fields;
}

/** Bytes that a text may take, in UTF-8 or UTF-16. Of a long one it is worth knowing. */
const most = (text: string): number =>
  text.length < EXACT_FROM ? text.length * 3 : Math.max(Buffer.byteLength(text), text.length * 2);
