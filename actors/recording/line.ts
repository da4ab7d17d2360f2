import { writeJson } from '../../protocol/write-json.ts';
import { bytesOfText, type KeptText, type TextBlocks, textOf } from './text-blocks.ts';
import type { Run } from './text-run.ts';

/** What a kept line takes besides its characters; of a run of text some more. Bytes. */
const LINE_BYTES = 48;
const RUN_BYTES = 256;

/** A record as a tape keeps it: as JSON without its `{` and its number; or, of most that it keeps, what that is made of. */
export type Line = string | TextLine;

/** Who said something, and how much of it is not kept. */
interface Saying {
  readonly actor: string;
  readonly from: string | null;
  /** Characters that were left out at its end. */
  readonly cut: number;
}

/** A run of text, secrets masked. Written as JSON only for whoever reads it: hardly any is. */
export class TextLine {
  readonly at: number;
  readonly #until: number;
  readonly #count: number;
  readonly #saying: Saying;
  readonly #blocks: TextBlocks;
  #text: string | KeptText;

  constructor({ at, until, count, text }: Run, saying: Saying, blocks: TextBlocks) {
    this.at = Math.round(at);
    this.#until = Math.round(until);
    this.#count = count;
    this.#saying = saying;
    this.#blocks = blocks;
    this.#text = blocks.put(text) ?? text;
  }

  /** Nothing, once it is kept no longer: somebody may still be looking through its turn. */
  get text(): string {
    return typeof this.#text === 'string' ? this.#text : textOf(this.#text);
  }

  /** What it takes, about. */
  get bytes(): number {
    return RUN_BYTES + (typeof this.#text === 'string' ? charactersOf(this.#text) : bytesOfText(this.#text));
  }

  /** So many characters at its end go. */
  shorten(by: number): void {
    const text = this.text.slice(0, -by);
    this.release();
    this.#text = this.#blocks.put(text) ?? text;
  }

  /** It is kept no longer. */
  release(): void {
    if (typeof this.#text !== 'string') this.#blocks.release(this.#text);
    this.#text = '';
  }

  /** As the others are. */
  toString(): string {
    const { actor, from, cut } = this.#saying;
    const head = { type: 'text', actor, from, until: this.#until, count: this.#count, text: this.text };
    return lineOf(cut === 0 ? head : { ...head, cut }, this.at);
  }
}

/** A record as JSON, without its `{`. `at`: in milliseconds. */
export function lineOf(record: object, at: number): string {
  return writeJson({ at: Math.round(at), ...record }).slice(1);
}

/** What a line takes, in bytes, about. */
export function bytesOf(line: Line): number {
  return typeof line === 'string' ? LINE_BYTES + charactersOf(line) : line.bytes;
}

/** The same of several. */
export function bytesOfAll(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + bytesOf(line), 0);
}

/** Lets go of lines that are kept no longer. */
export function releaseAll(lines: readonly Line[]): void {
  for (const line of lines) if (typeof line !== 'string') line.release();
}

/** Two bytes a character where one of them is beyond Latin-1. */
function charactersOf(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : text.length * 2;
}

/** When a line's record was. */
export function timeOf(line: Line): number {
  return typeof line === 'string' ? Number(/^"at":(\d+)/.exec(line)?.[1] ?? 0) : line.at;
}

/** How many records a line stands for. */
export function countOf(line: Line): number {
  const dropped = typeof line === 'string' ? /^"at":\d+,"type":"dropped","count":(\d+)}$/.exec(line) : null;
  return dropped ? Number(dropped[1]) : 1;
}
