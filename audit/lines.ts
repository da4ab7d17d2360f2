import { createReadStream } from 'node:fs';

const NEW_LINE = 0x0a;

/** A line of a file. */
export interface Line {
  /** Without its end; of one that is too long only the beginning. */
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  /** Its end is there. */
  readonly isWhole: boolean;
  readonly isTooLong: boolean;
}

/**
 * The lines of a file, one by one, however large it is.
 * @param maxBytes of one line: of a longer one the rest is passed over.
 * @throws the system error
 */
export async function* linesOf(path: string, maxBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;
  const take = (isWhole: boolean): Line => {
    const line = { bytes: Buffer.concat(parts), number: ++number, isWhole, isTooLong: length > maxBytes };
    parts = [];
    length = 0;
    return line;
  };
  const add = (part: Buffer) => {
    if (length <= maxBytes) parts.push(part);
    length += part.length;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEW_LINE); end >= 0; end = chunk.indexOf(NEW_LINE, from)) {
      add(chunk.subarray(from, end));
      yield take(true);
      from = end + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (length > 0) yield take(false);
}
