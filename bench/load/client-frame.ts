/** A masking key: any four bytes will do (RFC 6455 section 5.3), and with zeros the server would be spared its work. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** WebSocket opcodes (RFC 6455 section 11.8). */
export const Opcode = { Text: 0x1, Close: 0x8, Ping: 0x9, Pong: 0xa } as const;

/** One whole client frame, masked as RFC 6455 demands of a client. */
export function clientFrame(payload: string | Buffer, opcode: number = Opcode.Text): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const { length } = bytes;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + extended + MASK.length;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  MASK.copy(frame, 2 + extended);
  for (let index = 0; index < length; index += 1) {
    frame[start + index] = (bytes[index] as number) ^ (MASK[index & 3] as number);
  }
  return frame;
}
