/*
 * The bytes of a frame between two brokers, all numbers little-endian.
 *
 *   frame   length u32 of all that follows · kind u8 · flags u8 · ours u48 · theirs u48 · lseq u32 · ack u32 ·
 *           length of the name u8 · the sender's name · body
 *
 * `ours` and `theirs` are the two halves of the link's epoch, as the sender sees them: each end chooses its own half at
 * random, so that a frame of any link of before is known as such. `lseq` numbers batches from 1 on, `ack` is the last
 * batch that has arrived in order. Both go round: they are compared by {@link distance}.
 */

/** What a frame is. */
export const FrameKind = {
  /** Here I am: the body is the sender's own epoch. `theirs` is 0 where it has not heard from the other end. */
  hello: 1,
  /** Numbered entries. */
  batch: 2,
  /** Nothing but `ack`. */
  ack: 3,
  /** The sender leaves, and all that is on its way is gone. */
  bye: 4,
  /** Unnumbered, of no link: the body is a heartbeat. */
  heartbeat: 5,
} as const;

export type FrameKindCode = (typeof FrameKind)[keyof typeof FrameKind];

/** What is behind `ack` is missing: it is to be sent again. */
export const AGAIN = 1;

/** Bytes before the sender's name. */
const FIXED = 27;
const MAX_KIND = FrameKind.heartbeat;

/** The most bytes of one frame. A batch is flushed at 64 KiB, and what no 64 KiB hold is cut into parts. */
export const MAX_FRAME_BYTES = 160 * 1024;

/** A broker's name: a file's, and a token of a NATS subject. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a broker may be called so: 1 to 64 of `A–Z a–z 0–9 _ -`. */
export const isPeerName = (name: string): boolean => NAME.test(name);

/** What a frame says before its body. */
export interface FrameHead {
  readonly kind: FrameKindCode;
  readonly flags: number;
  /** The sender's half of the link's epoch; 0 of what belongs to no link. */
  readonly ours: number;
  /** The receiver's half, as the sender knows it. */
  readonly theirs: number;
  readonly lseq: number;
  readonly ack: number;
  readonly from: string;
  /** Where the body begins. */
  readonly bodyAt: number;
}

/** Bytes of a frame before its body, of a sender of that name. */
export const headBytes = (from: string): number => FIXED + from.length;

/** Writes everything before the body, whose bytes are there already or follow. */
export function writeHead(frame: Buffer, head: Omit<FrameHead, 'bodyAt'>): void {
  frame.writeUInt32LE(frame.length - 4, 0);
  frame[4] = head.kind;
  frame[5] = head.flags;
  frame.writeUIntLE(head.ours, 6, 6);
  frame.writeUIntLE(head.theirs, 12, 6);
  frame.writeUInt32LE(head.lseq, 18);
  frame.writeUInt32LE(head.ack, 22);
  frame[26] = head.from.length;
  frame.write(head.from, FIXED, 'latin1');
}

/** A frame whose body is a text. */
export function textFrame(head: Omit<FrameHead, 'bodyAt'>, body: string): Buffer {
  const frame = Buffer.allocUnsafe(headBytes(head.from) + Buffer.byteLength(body));
  writeHead(frame, head);
  frame.write(body, headBytes(head.from), 'utf8');
  return frame;
}

/** What a whole frame says before its body; undefined where it is none, or longer than any. */
export function readHead(frame: Buffer): FrameHead | undefined {
  if (frame.length < FIXED || frame.length > MAX_FRAME_BYTES || frame.readUInt32LE(0) !== frame.length - 4) return;
  const kind = frame[4] as FrameKindCode;
  const bodyAt = FIXED + (frame[26] as number);
  if (kind < FrameKind.hello || kind > MAX_KIND || bodyAt > frame.length) return;
  const from = frame.toString('latin1', FIXED, bodyAt);
  if (!isPeerName(from)) return;
  return {
    kind,
    flags: frame[5] as number,
    ours: frame.readUIntLE(6, 6),
    theirs: frame.readUIntLE(12, 6),
    lseq: frame.readUInt32LE(18),
    ack: frame.readUInt32LE(22),
    from,
    bodyAt,
  };
}

/** Says in a batch that is sent, perhaps again, what has arrived by now. */
export const stampAck = (frame: Buffer, ack: number): void => {
  frame.writeUInt32LE(ack, 22);
};

/** Gives a batch its number. */
export const stampNumber = (frame: Buffer, lseq: number): void => {
  frame.writeUInt32LE(lseq, 18);
};

/** How far `a` is behind `b`, of numbers that go round: negative where it is before. */
export const distance = (a: number, b: number): number => (a - b) | 0;
