import { type Token, tokenText } from '../protocol/token.ts';

/** FIN and opcode 1: a text frame in one piece. Frames of a server are not masked (RFC 6455, section 5.2). */
const TEXT = 0x81;
/** The longest header: two bytes and a 64-bit length. */
const MAX_HEADER = 10;
/** UTF-8 takes so many bytes for a UTF-16 unit, at most. */
const MAX_UNIT = 3;

/** Where frames are put together; used within one call only. */
const scratch = Buffer.allocUnsafeSlow(1024 * 1024);

/** Encodes `entries` from `from` up to `to`, as WebSocket text frames, into one buffer: one write for all of them. */
export function encodeFrames(entries: readonly (string | Token)[], from: number, to: number): Buffer {
  const texts: string[] = [];
  let capacity = 0;
  for (let at = from; at < to; at += 1) {
    const entry = entries[at] as string | Token;
    const text = typeof entry === 'string' ? entry : tokenText(entry);
    texts.push(text);
    capacity += MAX_HEADER + text.length * MAX_UNIT;
  }
  if (capacity <= scratch.length) {
    let end = 0;
    for (const text of texts) end = encodeFrame(scratch, end, text);
    // Copied, so that what waits in the socket takes no more memory than it has to.
    return Buffer.from(scratch.subarray(0, end));
  }
  // Three times a message of 16 MiB would be much to ask for, and then to copy: here measuring is the cheaper way.
  let size = 0;
  for (const text of texts) size += MAX_HEADER + Buffer.byteLength(text);
  const buffer = Buffer.allocUnsafeSlow(size);
  let end = 0;
  for (const text of texts) end = encodeMeasured(buffer, end, text);
  return buffer.subarray(0, end);
}

/** Writes one frame and gives the place after it. The buffer has room for its longest. */
function encodeFrame(buffer: Buffer, start: number, text: string): number {
  buffer[start] = TEXT;
  // Most frames are short whatever their characters are, and then the header's length is known beforehand.
  if (text.length * MAX_UNIT < 126) {
    const length = buffer.write(text, start + 2);
    buffer[start + 1] = length;
    return start + 2 + length;
  }
  if (text.length >= 126 && text.length * MAX_UNIT < 65536) {
    const length = buffer.write(text, start + 4);
    buffer[start + 1] = 126;
    buffer.writeUInt16BE(length, start + 2);
    return start + 4 + length;
  }
  return encodeMeasured(buffer, start, text);
}

/** The same for a frame of any length: the text is measured first. */
function encodeMeasured(buffer: Buffer, start: number, text: string): number {
  buffer[start] = TEXT;
  const length = Buffer.byteLength(text);
  const at = start + writeHeader(buffer, start, length);
  buffer.write(text, at, length);
  return at + length;
}

function writeHeader(buffer: Buffer, start: number, length: number): number {
  if (length < 126) {
    buffer[start + 1] = length;
    return 2;
  }
  if (length < 65536) {
    buffer[start + 1] = 126;
    buffer.writeUInt16BE(length, start + 2);
    return 4;
  }
  buffer[start + 1] = 127;
  buffer.writeBigUInt64BE(BigInt(length), start + 2);
  return MAX_HEADER;
}
