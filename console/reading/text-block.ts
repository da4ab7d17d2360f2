import { signal } from '@preact/signals';

/** From so many characters on, a text is closed at its next line end, so that the page lays out only what still grows. */
const SPLIT_AT = 4_096;
/** A text without line ends is closed here all the same. */
const SPLIT_HARD = 16_384;
/** Laying out an unbroken word takes time that grows with the square of its length: so often it may be broken. */
const PIECE = 512;

/** A part of a text that will not change any more. */
export interface Chunk {
  readonly key: number;
  readonly text: string;
  /** What stood between this chunk and the next, and is not in either. */
  readonly end: '\n' | '';
}

/** A streamed text: closed chunks, and a short tail that grows. What one delta costs does not depend on the whole. */
export class TextBlock {
  readonly chunks = signal<readonly Chunk[]>([]);
  readonly tail = signal('');
  #pending = '';
  #key = 0;
  #size = 0;
  #forgotten = 0;

  /** Characters that were shown and are not kept any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Characters held, those that are not shown yet apart. */
  get size(): number {
    return this.#size;
  }

  /** Takes a delta; it is shown by the next {@link TextBlock.flush}. */
  append(delta: string): void {
    this.#pending += delta;
  }

  /** Shows what was appended. @returns by how many characters it grew. */
  flush(): number {
    const grown = this.#pending.length;
    if (grown === 0) return 0;
    let text = this.tail.value + this.#pending;
    this.#pending = '';
    const closed: Chunk[] = [];
    for (let cut = findCut(text); cut; cut = findCut(text)) {
      closed.push({ key: this.#key++, text: text.slice(0, cut.at), end: cut.end });
      text = text.slice(cut.at + cut.end.length);
    }
    if (closed.length > 0) this.chunks.value = [...this.chunks.value, ...closed];
    this.tail.value = text;
    this.#size += grown;
    return grown;
  }

  /** Forgets closed chunks from the beginning until so many characters are gone. @returns how many really are. */
  forget(characters: number): number {
    const chunks = this.chunks.value;
    let gone = 0;
    let count = 0;
    for (; count < chunks.length && gone < characters; count++) gone += lengthOf(chunks[count]);
    if (count > 0) this.chunks.value = chunks.slice(count);
    this.#size -= gone;
    this.#forgotten += gone;
    return gone;
  }

  /** What is shown from a place on. @param place characters from the beginning, forgotten ones too. */
  since(place: number): string {
    const after = [this.tail.value];
    let begin = this.#forgotten + this.#size - this.tail.value.length;
    for (const chunk of this.chunks.value.toReversed()) {
      if (begin <= place) break;
      begin -= lengthOf(chunk);
      after.push(chunk.text + chunk.end);
    }
    return after
      .reverse()
      .join('')
      .slice(Math.max(0, place - begin));
  }

  /** The text as it came, its forgotten beginning apart. */
  toString(): string {
    return this.chunks.value.map(({ text, end }) => text + end).join('') + this.tail.value + this.#pending;
  }
}

const lengthOf = (chunk: Chunk | undefined): number => (chunk ? chunk.text.length + chunk.end.length : 0);

function findCut(text: string): { at: number; end: Chunk['end'] } | undefined {
  if (text.length <= SPLIT_AT) return undefined;
  const line = text.indexOf('\n', SPLIT_AT);
  if (line !== -1 && line <= SPLIT_HARD) return { at: line, end: '\n' };
  if (text.length <= SPLIT_HARD) return undefined;
  const space = text.lastIndexOf(' ', SPLIT_HARD);
  const at = space > SPLIT_AT ? space + 1 : SPLIT_HARD;
  return { at: wholeAt(text, at), end: '' };
}

/** A text in pieces between which a line may end: behind a space where there is one, inside a word where there is none. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  while (text.length - from > PIECE) {
    const space = text.lastIndexOf(' ', from + PIECE - 1);
    const at = space > from ? space + 1 : from + PIECE;
    const whole = wholeAt(text, at);
    const to = whole > from ? whole : at;
    pieces.push(text.slice(from, to));
    from = to;
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** What belongs to the character before it: its marks, how it is drawn, and what joins it to the next. */
const GOES_ON = /[\p{M}\p{Cf}\p{Emoji_Modifier}]/uy;
/** So far back, at most, such a character begins. */
const LONGEST = 32;

/** A character stays whole, however many code units and joined parts it has. */
export function wholeAt(text: string, at: number): number {
  let start = at;
  while (at - start < LONGEST && start > 0 && goesOn(text, start)) start--;
  return start > 0 && at - start < LONGEST ? start : pairAt(text, at);
}

/** One of two code units stays whole. */
function pairAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}

function goesOn(text: string, at: number): boolean {
  if (pairAt(text, at) !== at || text[at - 1] === '\u200d') return true;
  GOES_ON.lastIndex = at;
  return GOES_ON.test(text);
}
