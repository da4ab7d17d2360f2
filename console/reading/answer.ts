import { batch, signal } from '@preact/signals';
import { OpenFence } from './fence.ts';
import { type Block, codeOf, type Parsed } from './nodes.ts';
import { CODE_PARTS, parse, parseLine } from './parse.ts';
import { wholeAt } from './text-block.ts';

/** So much is parsed together at most. What one delta costs does not depend on the whole. Characters. */
const WINDOW = 8_192;
/** So many parts of an answer are drawn as such: every one of them is an element of the page. */
const MOST_PARTS = 30_000;
/** Code of an answer that is coloured, in blocks and characters. */
const MOST_COLOURED = 200;
const MOST_COLOURED_CHARACTERS = 262_144;
const LONGEST_COLOURED = 20_000;

/** Blocks that are drawn together, so that what grows behind them draws none of them anew. */
const GROUP = 64;
const GROUP_CHARACTERS = 16_384;

/** A block that will not change any more. */
export interface ClosedBlock {
  readonly key: number;
  readonly block: Block;
  /** Code that is short enough to be coloured. */
  readonly isColoured: boolean;
  /** From here on it is shown as it was written: its formatting is too much. */
  readonly isTooMuch: boolean;
}

/** Some of them. The last group grows, and is another one then. */
export interface Group {
  readonly key: number;
  readonly blocks: readonly ClosedBlock[];
  /** Where it begins and ends in the answer. Characters, of what is not kept any more too. */
  readonly begin: number;
  readonly end: number;
}

/**
 * A streamed answer in blocks: those that will not change any more, and what is at its end. The end alone is parsed anew, and
 * what comes of an answer is the same however it was cut.
 */
export class Answer {
  readonly closed = signal<readonly Group[]>([]);
  /** What still grows. */
  readonly open = signal<readonly Block[]>([]);
  /** What still grows is code that seems to be over, and is short enough to be coloured. */
  readonly isOpenColoured = signal(false);
  #groups: Group[] = [];
  /** What is not in a closed block. Lines end with a line feed. */
  #rest = '';
  /** A carriage return, of which the next character says whether it is a line end of its own. */
  #held = '';
  #fence: OpenFence | undefined;
  /** The rest is that of a line whose beginning is in a closed block. */
  #isInLine = false;
  /** The head of a table that goes on, in its two lines. */
  #head = '';
  #key = 0;
  #parts = 0;
  #coloured = 0;
  #colouredCharacters = 0;
  #received = 0;
  #changed = false;

  /** Up to where it has the answer. Characters. */
  get received(): number {
    return this.#received;
  }

  /**
   * Takes what comes next; {@link Answer.step} closes blocks, and {@link Answer.show} shows them.
   * @param end up to where it has the answer then. Characters.
   */
  append(delta: string, end = this.#received + delta.length): void {
    this.#received = end;
    const text = this.#held + delta;
    this.#held = text.endsWith('\r') ? '\r' : '';
    this.#rest += text.slice(0, text.length - this.#held.length).replace(/\r\n?/g, '\n');
  }

  /** Closes the next blocks. @returns whether there may be more to close. */
  step(): boolean {
    if (this.#fence) return this.#stepFence(this.#fence);
    if (this.#isTooMuch) return this.#stepPlain();
    if (this.#isInLine) return this.#stepLine();
    const window = this.#rest.slice(0, WINDOW);
    const lines = window.slice(0, window.lastIndexOf('\n') + 1);
    if (lines === '') return this.#rest.length > WINDOW && this.#cutLine();
    return this.#stepBlocks(lines);
  }

  /** Shows what {@link Answer.step} has closed, and what is open behind it. */
  show(): void {
    batch(() => {
      if (this.#changed) this.closed.value = [...this.#groups];
      this.#changed = false;
      const open = this.#openBlocks();
      this.open.value = open;
      this.isOpenColoured.value = (this.#fence?.ends(this.#rest) ?? false) && open.every((one) => this.#mayColour(one));
    });
  }

  /** Forgets the groups that end before. @param end characters of the answer. */
  forget(end: number): void {
    const gone = this.#groups.findIndex((group) => group.end > end);
    if (gone === 0 || this.#groups.length === 0) return;
    this.#groups.splice(0, gone === -1 ? this.#groups.length : gone);
    this.#changed = true;
  }

  get #isTooMuch(): boolean {
    return this.#parts >= MOST_PARTS;
  }

  #openBlocks(): readonly Block[] {
    const rest = this.#rest.slice(0, WINDOW);
    if (this.#fence) return [this.#fence.block(rest.includes('\n') ? '' : rest)];
    if (rest === '') return [];
    if (this.#isTooMuch) return [{ kind: 'plain', text: rest }];
    if (this.#isInLine) return [{ kind: 'paragraph', isPart: true, children: parseLine(rest) }];
    return parse(this.#head + rest).map(({ block }, place) => (place === 0 ? this.#withoutHead(block) : block));
  }

  #stepFence(fence: OpenFence): boolean {
    const taken = fence.take(this.#rest);
    this.#rest = this.#rest.slice(taken);
    if (!fence.isClosed) return false;
    this.#fence = undefined;
    this.#close(fence.block(''), CODE_PARTS);
    return true;
  }

  #stepPlain(): boolean {
    if (this.#rest.length <= WINDOW) return false;
    const at = cutOf(this.#rest);
    this.#take(at, { kind: 'plain', text: this.#rest.slice(0, at).replace(/\n$/, '') }, 1);
    return true;
  }

  /** The rest of a line whose beginning was cut off. */
  #stepLine(): boolean {
    const end = this.#rest.indexOf('\n');
    if (end === -1 || end > WINDOW) return this.#rest.length > WINDOW && this.#cutLine();
    if (end === 0) this.#rest = this.#rest.slice(1);
    else this.#takePart(end + 1, this.#rest.slice(0, end));
    this.#isInLine = false;
    return true;
  }

  /** A line, or what is left of one, is too long to be parsed in one. */
  #cutLine(): boolean {
    const at = cutOf(this.#rest);
    this.#takePart(at, this.#rest.slice(0, at));
    this.#isInLine = true;
    return true;
  }

  #takePart(length: number, text: string): void {
    const children = parseLine(text);
    this.#head = '';
    this.#take(length, { kind: 'paragraph', isPart: true, children }, children.length + 1);
  }

  /** Closes each block that another one stands behind. @param lines whole ones. */
  #stepBlocks(lines: string): boolean {
    const blocks = parse(this.#head + lines);
    if (blocks.length === 0) {
      this.#rest = this.#rest.slice(lines.length);
      return true;
    }
    const above = linesIn(this.#head);
    let line = 0;
    let taken = 0;
    for (const [place, { block, from, parts }] of blocks.entries()) {
      const next = blocks[place + 1];
      if (!next) {
        const begin = placeOf(lines.slice(taken), from - above - line);
        if (block.kind === 'code' && this.#openFence(lines.slice(taken + begin), begin)) return true;
        break;
      }
      const to = Math.max(0, next.from - above);
      const length = placeOf(lines.slice(taken), to - line);
      taken += length;
      line = to;
      this.#takeBlock(length, block, parts);
      if (this.#isTooMuch) return true;
    }
    if (taken > 0) return true;
    const [first] = blocks;
    return this.#rest.length > WINDOW && first !== undefined && this.#cutBlock(lines, first, above);
  }

  /** @param begin where the fence stands in the rest. @returns whether there is one. */
  #openFence(lines: string, begin: number): boolean {
    this.#fence = OpenFence.at(lines);
    if (!this.#fence) return false;
    this.#head = '';
    this.#rest = this.#rest.slice(begin + lines.indexOf('\n') + 1);
    return true;
  }

  /** A block is too long: what follows is one of its own, of the same kind where that can be. */
  #cutBlock(lines: string, { block, from, lastItem, parts }: Parsed, above: number): boolean {
    const item = placeOf(lines, lastItem - above);
    if (item > 0) {
      const [list] = parse(lines.slice(0, item));
      if (list) this.#takeBlock(item, list.block, list.parts);
      return true;
    }
    const head = this.#head || lines.slice(placeOf(lines, from), placeOf(lines, from + 2));
    this.#takeBlock(lines.length, block, parts);
    if (block.kind === 'table') this.#head = head;
    return true;
  }

  #takeBlock(length: number, block: Block, parts: number): void {
    const own = this.#withoutHead(block);
    this.#head = '';
    // Of a table that went on, no row was left.
    if (own.kind === 'table' && own.head.length === 0 && own.rows.length === 0) this.#rest = this.#rest.slice(length);
    else this.#take(length, own, parts);
  }

  #withoutHead(block: Block): Block {
    return this.#head !== '' && block.kind === 'table' ? { ...block, head: [] } : block;
  }

  #take(length: number, block: Block, parts: number): void {
    this.#rest = this.#rest.slice(length);
    this.#close(block, parts);
  }

  #close(block: Block, parts: number): void {
    const wasTooMuch = this.#isTooMuch;
    this.#parts += parts;
    const isTooMuch = !wasTooMuch && this.#isTooMuch;
    const closed = { key: this.#key++, block, isColoured: this.#colours(block), isTooMuch };
    const end = this.#received - this.#rest.length;
    const last = this.#groups.at(-1);
    this.#changed = true;
    if (last && last.blocks.length < GROUP && last.end - last.begin < GROUP_CHARACTERS) {
      this.#groups[this.#groups.length - 1] = { ...last, blocks: [...last.blocks, closed], end };
    } else this.#groups.push({ key: closed.key, blocks: [closed], begin: last?.end ?? 0, end });
  }

  #colours(block: Block): boolean {
    if (block.kind !== 'code' || !this.#mayColour(block)) return false;
    this.#coloured++;
    this.#colouredCharacters += codeOf(block).length;
    return true;
  }

  #mayColour(block: Block): boolean {
    if (block.kind !== 'code' || this.#coloured >= MOST_COLOURED) return false;
    const { length } = codeOf(block);
    return length <= LONGEST_COLOURED && this.#colouredCharacters + length <= MOST_COLOURED_CHARACTERS;
  }
}

/** Where a text that is too long is cut: at a line's end, behind a space, or within a word; never within a character. */
function cutOf(text: string): number {
  const line = text.lastIndexOf('\n', WINDOW - 1);
  if (line > 0) return line + 1;
  const space = text.lastIndexOf(' ', WINDOW - 1);
  return space > WINDOW / 2 ? space + 1 : wholeAt(text, WINDOW);
}

/** Where a line begins. */
function placeOf(text: string, line: number): number {
  let at = 0;
  for (let left = line; left > 0; left--) at = text.indexOf('\n', at) + 1;
  return at;
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}
