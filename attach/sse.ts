import { pace } from './pace.ts';

/** Longest event of a stream, in UTF-16 units: a longer one would hold the process up while it is read. */
const MAX_EVENT = 4 * 1024 * 1024;

/** Longest stream: some say nothing for ever. Bytes. */
const MAX_STREAM_BYTES = 256 * 1024 * 1024;

/** An event, or a stream, was longer than that. */
export class TooLongError extends Error {}

/**
 * The `data` of each event of an event stream (`text/event-stream`), of which nothing else is wanted. What is unfinished when
 * the stream ends is no event.
 * @throws {TooLongError} @throws whatever the stream throws
 */
export async function* dataOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  /** Of the line that has not ended, as it came: joined once, for a line may come in a thousand pieces. */
  let pieces: string[] = [];
  let data: string[] = [];
  let size = 0;
  let read = 0;
  let endsWithReturn = false;
  for await (const bytes of stream) {
    let text = decoder.decode(bytes, { stream: true });
    // Both halves of one line's end.
    if (endsWithReturn && text.startsWith('\n')) text = text.slice(1);
    endsWithReturn = text === '' ? endsWithReturn : text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    read += bytes.length;
    if (read > MAX_STREAM_BYTES) throw new TooLongError(`a stream is longer than ${MAX_STREAM_BYTES} bytes`);
    for (const [at, piece] of lines.entries()) {
      // However fast it comes, and however little is in it.
      if (pace.isUsedUp) await pace.breathe();
      size += piece.length;
      if (size > MAX_EVENT) throw new TooLongError(`an event is longer than ${MAX_EVENT} characters`);
      pieces.push(piece);
      if (at === lines.length - 1) break;
      const line = pieces.join('');
      pieces = [];
      if (line !== '') {
        const value = /^data(?:: ?|$)/.exec(line);
        if (value) data.push(line.slice(value[0].length));
        else size -= line.length;
        continue;
      }
      if (data.length > 0) yield data.join('\n');
      data = [];
      size = 0;
    }
  }
}
