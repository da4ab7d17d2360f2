/*
 * What two brokers say to each other, entry by entry. The link gives each its place in the order and looks into none: a
 * body is a text, most often JSON, that whoever is behind the link has written and reads.
 *
 *   entry    kind u8 · length u32 of what follows the stream · stream i32 · so many bytes
 *   token    seq u48 · how many before it were merged into it u32 · the delta
 *   request  id u32 · length of the method u8 · the method · the body
 *   reply    id u32 · whether it is an error u8 · the body
 *   the others are their body
 *
 * A text is UTF-8, or UTF-16 where half of a surrogate pair stands alone in it ({@link AS_UTF16}).
 */

/** What stands in an entry's first byte. */
export const EntryKind = {
  open: 1,
  close: 2,
  text: 3,
  token: 4,
  head: 5,
  request: 6,
  reply: 7,
  /** Bytes of an entry that is longer than a batch; nothing else comes between its parts. */
  part: 8,
  /** The last part. */
  last: 9,
} as const;

/** A batch that has so many bytes is sent at once; an entry that has more is cut into parts of so many. */
export const FLUSH_BYTES = 64 * 1024;

/** The text is UTF-16. */
export const AS_UTF16 = 0x80;
/** The kind without that. */
export const KIND_MASK = 0x7f;
/** Bytes of an entry before its own. */
export const ENTRY_HEADER = 9;
/** Bytes of a token before its delta. */
export const TOKEN_HEADER = 10;

/** The stream of what the brokers themselves have to say. */
export const OWN = 0;

/**
 * Whatever is no token. `stream` is positive where this end has opened it, negative where the other has, or {@link OWN}. Both ends
 * count from 1; no number is used again on one link.
 */
export type Entry =
  /** Something begins: a turn, or reading one. */
  | { kind: 'open'; stream: number; body: string }
  /** It is over, for whoever hears of it. */
  | { kind: 'close'; stream: number; body: string }
  /** A frame for whoever is behind the stream, to be passed on as it is. */
  | { kind: 'text'; stream: number; body: string }
  /** What all token frames of the stream begin with, from now on. */
  | { kind: 'head'; stream: number; body: string }
  /** Somebody behind the stream is asked; `id` is the asker's, 0 to 2^32 − 1. */
  | { kind: 'request'; stream: number; id: number; method: string; body: string }
  | { kind: 'reply'; stream: number; id: number; isError: boolean; body: string };

/**
 * How an entry is written: `bounded`, whoever writes it sees to it that little waits, so that it costs nobody the link; `news`, it may
 * wait for what is said next, two milliseconds at most by default.
 */
export type Manner = 'bounded' | 'news';

/** A token of a stream that has its head. Merged ones go from `seqFrom` to `seq`. */
export interface StreamToken {
  readonly stream: number;
  readonly seq: number;
  readonly seqFrom: number;
  readonly delta: string;
}

/** Who hears of entries. */
export interface EntryHandlers {
  entry(entry: Entry): void;
  token(token: StreamToken): void;
}
