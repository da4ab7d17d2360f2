import { writeJson } from '../../protocol/write-json.ts';
import { JsonText } from '../kernel/json-text.ts';

/**
 * Bytes of an answer that lists what is kept: clients of Python's and Apple's libraries close at 1 MiB, whatever the
 * largest message here is (`wire.md` section 1).
 */
const MAX_LISTING_BYTES = 768 * 1024;
/** What stands around the lists: the envelope with an id, `truncated`, counts. */
const FRAME_BYTES = 4 * 1024;

/** Puts together an answer that has an end: rows, as JSON, as long as there is room for them. */
export class Fitting {
  /** Whether something had no room. */
  isTruncated = false;
  #room = MAX_LISTING_BYTES - FRAME_BYTES;

  /** The first of these rows that fit, in their order: after one that does not, none is looked at. */
  first(rows: Iterable<unknown>): string[] {
    const texts: string[] = [];
    for (const row of rows) {
      const text = row instanceof JsonText ? row.text : writeJson(row);
      const bytes = Buffer.byteLength(text) + 1;
      if (bytes > this.#room) {
        this.isTruncated = true;
        break;
      }
      this.#room -= bytes;
      texts.push(text);
    }
    return texts;
  }

  /**
   * Of each list, whose rows come the newest first, the newest that fit: one of each in turn, so that none takes all of
   * the room. As JSON arrays, the oldest first.
   */
  newest(...lists: Iterator<unknown>[]): string[][] {
    const taken = lists.map((rows) => ({ rows, texts: [] as string[], isOver: false }));
    for (let at = 0; taken.some(({ isOver }) => !isOver) && !this.isTruncated; at += 1) {
      const list = taken[at % taken.length] as (typeof taken)[number];
      const { done, value } = list.rows.next();
      if (done) list.isOver = true;
      else list.texts.push(...this.first([value]));
    }
    return taken.map(({ texts }) => texts.reverse());
  }

  /**
   * The newest that fit of rows that stand with the oldest first. First of all heads of them, what can be left out left
   * out: that one is there says more than all that another has to say. Then the newest get the rest, as long as it fits.
   * @param toHead a row without what it can do without; the row itself, or nothing given, where that is all of it.
   */
  newestOf<T>(rows: readonly T[], toHead: (row: T) => T = (row) => row): string[] {
    const heads = rows.toReversed();
    const texts = this.first(heads.map(toHead));
    for (const [at, text] of texts.entries()) {
      const row = heads[at] as T;
      if (toHead(row) === row) continue;
      const whole = writeJson(row);
      const more = Buffer.byteLength(whole) - Buffer.byteLength(text);
      if (more > this.#room) {
        this.isTruncated = true;
        break;
      }
      this.#room -= more;
      texts[at] = whole;
    }
    return texts.reverse();
  }

  /** `,"truncated":true`, where something had no room. */
  get mark(): string {
    return this.isTruncated ? ',"truncated":true' : '';
  }
}

/** Rows that are JSON already as an array of them. */
export function jsonArray(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

/** The first so many. */
export function* atMost<T>(most: number, rows: Iterable<T>): Generator<T> {
  let count = 0;
  for (const row of rows) {
    if (count === most) return;
    count += 1;
    yield row;
  }
}
