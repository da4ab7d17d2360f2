import type { Artifact, Part } from '@a2a-js/sdk';
import { partSize, textPart } from './parts.ts';

/** Text is told at the latest so many milliseconds after it came, */
export const FLUSH_MS = 50;
/** or as soon as there are so many characters. */
export const FLUSH_CHARS = 1_024;

/** What an agent has answered, piece by piece: the one artifact of a task. */
export class AnswerLog {
  /** Texts and other parts, in their order; none of them ever changes. */
  readonly #pieces: (string | Part)[] = [];
  readonly #grown: () => void;
  #waiting: string[] = [];
  #waitingLength = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Characters. */
  size = 0;

  /** @param grown there is more to be told. */
  constructor(grown: () => void) {
    this.#grown = grown;
  }

  /** How many pieces there are. */
  get length(): number {
    return this.#pieces.length;
  }

  say(text: string): void {
    if (text === '') return;
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    this.size += text.length;
    if (this.#waitingLength >= FLUSH_CHARS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  add(part: Part): void {
    this.flush();
    this.size += partSize(part);
    this.#pieces.push(part);
    this.#grown();
  }

  /** Tells what waits: before anything else is told. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    this.#pieces.push(this.#waiting.join(''));
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#grown();
  }

  /** What came after the first so many pieces, as an artifact that is to be appended. */
  since(at: number): Artifact {
    const parts: Part[] = [];
    let texts: string[] = [];
    const join = () => {
      if (texts.length > 0) parts.push(textPart(texts.join('')));
      texts = [];
    };
    for (const piece of this.#pieces.slice(at)) {
      if (typeof piece === 'string') texts.push(piece);
      else {
        join();
        parts.push(piece);
      }
    }
    join();
    return artifactOf(parts);
  }

  /** All of it, with its text as one part: many read the first alone. */
  whole(): Artifact[] {
    if (this.#pieces.length === 0) return [];
    const text = this.#pieces.filter((piece) => typeof piece === 'string').join('');
    const others = this.#pieces.filter((piece) => typeof piece !== 'string');
    return [artifactOf(text === '' ? others : [textPart(text), ...others])];
  }
}

function artifactOf(parts: Part[]): Artifact {
  return { artifactId: 'answer', name: 'answer', description: '', parts, metadata: undefined, extensions: [] };
}
