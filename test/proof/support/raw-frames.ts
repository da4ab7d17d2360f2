/** What the first byte of a WebSocket frame says (RFC 6455, section 5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame as it should be, or, with these, as it should not. */
export interface FrameOptions {
  opcode?: number;
  /** Default true. */
  fin?: boolean;
  /** The three reserved bits, as `0x70` masks them. */
  reserved?: number;
  /** Four bytes; `false`: none, which is forbidden to clients. Default all zero. */
  mask?: Buffer | false;
  /** What the header says, whatever the payload has. */
  length?: number | bigint;
  /** Bytes of the length: 1, 3 or 9. Default the least that do. */
  lengthBytes?: 1 | 3 | 9;
}

const NO_MASK = Buffer.alloc(4);

/** One frame from a client, byte by byte. */
export function rawFrame(payload: Buffer | string, options: FrameOptions = {}): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const { opcode = Opcode.text, fin = true, reserved = 0, mask = NO_MASK, length = body.length } = options;
  const lengthBytes = options.lengthBytes ?? (length < 126 ? 1 : length < 65_536 ? 3 : 9);
  const head = Buffer.alloc(1 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | reserved | opcode;
  const masked = mask === false ? 0 : 0x80;
  if (lengthBytes === 1) head[1] = masked | Number(length);
  else if (lengthBytes === 3) {
    head[1] = masked | 126;
    head.writeUInt16BE(Number(length), 2);
  } else {
    head[1] = masked | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  if (mask === false) return Buffer.concat([head, body]);
  if (mask === NO_MASK) return Buffer.concat([head, mask, body]);
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}
