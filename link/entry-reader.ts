import {
  AS_UTF16,
  ENTRY_HEADER,
  type Entry,
  type EntryHandlers,
  EntryKind,
  FLUSH_BYTES,
  KIND_MASK,
  TOKEN_HEADER,
} from './entries.ts';

const NAMES = new Map<number, 'open' | 'close' | 'text' | 'head'>([
  [EntryKind.open, 'open'],
  [EntryKind.close, 'close'],
  [EntryKind.text, 'text'],
  [EntryKind.head, 'head'],
]);
/** The least `i32`: there is no stream of the opposite sign. */
const NO_STREAM = -(2 ** 31);

/** Reads the entries of batches that arrive in order. What is no entry is never guessed at. */
export class EntryReader {
  readonly #maxEntryBytes: number;
  readonly #handlers: EntryHandlers;
  #parts: Buffer[] = [];
  #partBytes = 0;

  /** @param maxEntryBytes - of an entry that comes in parts; one that does not is bounded by its frame */
  constructor(maxEntryBytes: number, handlers: EntryHandlers) {
    this.#maxEntryBytes = maxEntryBytes;
    this.#handlers = handlers;
  }

  /**
   * Tells the handlers of each entry of a batch.
   * @param goesOn - asked after each: whoever heard of it may have given up the link
   * @returns false where the batch is malformed; what stood before that was told
   */
  read(batch: Buffer, from: number, goesOn: () => boolean): boolean {
    let at = from;
    while (at < batch.length) {
      if (at + ENTRY_HEADER > batch.length) return false;
      const begin = at + ENTRY_HEADER;
      const end = begin + batch.readUInt32LE(at + 1);
      if (end > batch.length || !this.#one(batch, at, begin, end)) return false;
      if (!goesOn()) return true;
      at = end;
    }
    return true;
  }

  #one(batch: Buffer, at: number, begin: number, end: number): boolean {
    const kind = batch[at] as number;
    if (kind === EntryKind.part || kind === EntryKind.last) return this.#part(kind, batch.subarray(begin, end));
    return this.#parts.length === 0 && this.#whole(batch, at, begin, end);
  }

  #part(kind: number, part: Buffer): boolean {
    this.#partBytes += part.length;
    // Each but the last is full, so that the bytes bound how many there are.
    const isFull = part.length === FLUSH_BYTES;
    if (part.length === 0 || (kind === EntryKind.part && !isFull) || this.#partBytes > this.#maxEntryBytes)
      return false;
    // A copy: the batch is a piece of what was read at once, and would be held whole.
    this.#parts.push(Buffer.from(part));
    if (kind === EntryKind.part) return true;
    const entry = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    const isWhole = entry.length >= ENTRY_HEADER && entry.length - ENTRY_HEADER === entry.readUInt32LE(1);
    return isWhole && this.#whole(entry, 0, ENTRY_HEADER, entry.length);
  }

  /** One entry. Its stream has the other sign here. */
  #whole(bytes: Buffer, at: number, begin: number, end: number): boolean {
    const first = bytes[at] as number;
    const sent = bytes.readInt32LE(at + 5);
    if (sent === NO_STREAM) return false;
    const stream = sent === 0 ? 0 : -sent;
    const isUtf16 = (first & AS_UTF16) !== 0;
    const kind = first & KIND_MASK;
    const text = (from: number) => bytes.toString(isUtf16 ? 'ucs2' : 'utf8', from, end);
    if (kind === EntryKind.token) {
      if (begin + TOKEN_HEADER > end) return false;
      const seq = bytes.readUIntLE(begin, 6);
      const seqFrom = seq - bytes.readUInt32LE(begin + 6);
      if (seqFrom < 1) return false;
      this.#handlers.token({ stream, seq, seqFrom, delta: text(begin + TOKEN_HEADER) });
      return true;
    }
    const entry = otherOf(kind, stream, bytes, begin, end, text);
    if (entry) this.#handlers.entry(entry);
    return entry !== undefined;
  }
}

function otherOf(
  kind: number,
  stream: number,
  bytes: Buffer,
  begin: number,
  end: number,
  text: (from: number) => string,
): Entry | undefined {
  const name = NAMES.get(kind);
  if (name) return { kind: name, stream, body: text(begin) };
  if (begin + 5 > end) return;
  const id = bytes.readUInt32LE(begin);
  const extra = bytes[begin + 4] as number;
  if (kind === EntryKind.reply) {
    return extra > 1 ? undefined : { kind: 'reply', stream, id, isError: extra === 1, body: text(begin + 5) };
  }
  const bodyAt = begin + 5 + extra;
  if (kind !== EntryKind.request || bodyAt > end) return;
  return { kind: 'request', stream, id, method: bytes.toString('utf8', begin + 5, bodyAt), body: text(bodyAt) };
}
