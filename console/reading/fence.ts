import type { Block } from './nodes.ts';
import { TextBlock } from './text-block.ts';

const OPENING = /^( {0,3})(`{3,}(?=[^`\n]*$)|~{3,})([^\n]*)$/;
/** A line of code that is longer is taken before its end is there. Characters. */
const LONG_LINE = 4_096;

/** Code between fences that still grows: it is no Markdown, so nothing of it is parsed anew. */
export class OpenFence {
  readonly #info: string;
  readonly #indent: RegExp | undefined;
  readonly #closing: RegExp;
  readonly #end: RegExp;
  readonly #text = new TextBlock();
  #isInLine = false;
  #isClosed = false;

  private constructor(indent: string, fence: string, info: string) {
    this.#info = info.trim();
    this.#indent = indent === '' ? undefined : new RegExp(`^ {1,${indent.length}}`, 'gm');
    const closing = `^ {0,3}[${fence[0]}]{${fence.length},}[ \\t]*`;
    this.#closing = new RegExp(`${closing}\\n`, 'gm');
    this.#end = new RegExp(`${closing}$`);
  }

  /** The fence that a text's first line opens; undefined where it is none. */
  static at(text: string): OpenFence | undefined {
    const [, indent, fence, info] = OPENING.exec(text.split('\n', 1)[0] ?? '') ?? [];
    if (indent === undefined || fence === undefined || info === undefined) return undefined;
    return new OpenFence(indent, fence, info);
  }

  /** Whether its end was there. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes whole lines, up to the closing one. @returns how much of the text it has taken, that one too. */
  take(text: string): number {
    const begin = this.#isInLine ? text.indexOf('\n') + 1 : 0;
    this.#closing.lastIndex = begin;
    const closing = this.#isInLine && begin === 0 ? null : this.#closing.exec(text);
    if (closing) {
      this.#add(text.slice(0, closing.index));
      this.#isClosed = true;
      return closing.index + closing[0].length;
    }
    const lines = text.lastIndexOf('\n') + 1;
    const end = text.length - lines > LONG_LINE ? text.length : lines;
    if (end === 0) return 0;
    this.#add(text.slice(0, end));
    this.#isInLine = end > lines;
    return end;
  }

  /** Whether this is its closing line, of which the line end has not come. */
  ends(rest: string): boolean {
    return !this.#isInLine && this.#end.test(rest);
  }

  /** It as it stands. @param rest the beginning of a line that was not taken yet. */
  block(rest: string): Extract<Block, { kind: 'code' }> {
    const tail = this.#text.tail.value + (this.ends(rest) ? '' : this.#unindented(rest));
    return { kind: 'code', info: this.#info, chunks: this.#text.chunks.value, tail: tail.replace(/\n$/, '') };
  }

  #add(text: string): void {
    this.#text.append(this.#unindented(text));
    this.#text.flush();
  }

  #unindented(text: string): string {
    if (this.#indent === undefined) return text;
    const begin = this.#isInLine ? text.indexOf('\n') + 1 : 0;
    if (this.#isInLine && begin === 0) return text;
    return text.slice(0, begin) + text.slice(begin).replace(this.#indent, '');
  }
}
