import { type Token, tokenText } from '../protocol/token.ts';

/** FIN and opcode 1: a text frame in one piece. Frames of a server are not masked (RFC 6455, section 5.2). */
const TEXT = 0x81;
/** The same with opcode 2: a binary frame. */
const BINARY = 0x82;
/** The longest header: two bytes and a 64-bit length. */
const MAX_HEADER = 10;
/** UTF-8 takes so many bytes for a UTF-16 unit, at most. */
const MAX_UNIT = 3;

/** The text of a frame that a newer one makes needless; undefined once it was dropped, and no frame any more. */
export interface PartialText {
  text: string | undefined;
}

/** A binary frame's payload that somebody counts. */
export interface CountedBytes {
  data: Uint8Array;
}

/** One frame: a text, a token, a text that may be dropped, or a binary frame's payload. */
export type Outbound = string | Token | PartialText | CountedBytes | Uint8Array;

/** Where frames are put together; used within one call only. */
const scratch = Buffer.allocUnsafeSlow(1024 * 1024);

/** Encodes `entries` from `from` up to `to`, as WebSocket frames, into one buffer: one write for all of them. */
export function encodeFrames(entries: readonly Outbound[], from: number, to: number): Buffer {
  const frames: (string | Uint8Array)[] = [];
  let capacity = 0;
  for (let at = from; at < to; at += 1) {
    const frame = contentOf(entries[at] as Outbound);
    if (frame === undefined) continue;
    frames.push(frame);
    capacity += MAX_HEADER + frame.length * (typeof frame === 'string' ? MAX_UNIT : 1);
  }
  if (capacity <= scratch.length) {
    let end = 0;
    for (const frame of frames) {
      end = typeof frame === 'string' ? encodeFrame(scratch, end, frame) : encodeBinary(scratch, end, frame);
    }
    // Copied, so that what waits in the socket takes no more memory than it has to.
    return Buffer.from(scratch.subarray(0, end));
  }
  // Three times a message of 16 MiB would be much to ask for, and then to copy: here measuring is the cheaper way.
  let size = 0;
  for (const frame of frames)
    size += MAX_HEADER + (typeof frame === 'string' ? Buffer.byteLength(frame) : frame.length);
  const buffer = Buffer.allocUnsafeSlow(size);
  let end = 0;
  for (const frame of frames) {
    end = typeof frame === 'string' ? encodeMeasured(buffer, end, frame) : encodeBinary(buffer, end, frame);
  }
  return buffer.subarray(0, end);
}

function contentOf(entry: Outbound): string | Uint8Array | undefined {
  if (typeof entry === 'string') return entry;
  if ('head' in entry) return tokenText(entry);
  if ('data' in entry) return entry.data;
  return entry instanceof Uint8Array ? entry : entry.text;
}

/** Writes one binary frame and gives the place after it. */
function encodeBinary(buffer: Buffer, start: number, data: Uint8Array): number {
  buffer[start] = BINARY;
  const at = start + writeHeader(buffer, start, data.length);
  buffer.set(data, at);
  return at + data.length;
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
