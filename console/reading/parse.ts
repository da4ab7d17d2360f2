import MarkdownIt, { type Token } from 'markdown-it';
import { type Align, type Block, type Inline, type Parsed, textOf } from './nodes.ts';

/** Quotes and lists in each other, at most; what is deeper is shown as it was written. */
const DEEPEST = 24;
/** Elements that code is drawn of, its bar and its button among them. */
export const CODE_PARTS = 6;

/*
 * Nothing in it may be lost: no HTML, and no definitions, which show nothing and would have to be waited for. Where an address
 * leads is decided where it is drawn, so that one that leads nowhere is shown too.
 */
const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: DEEPEST * 2 });
markdown.disable(['reference', 'html_block', 'html_inline']);
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
markdown.validateLink = () => true;
markdown.normalizeLink = (address) => address;
markdown.normalizeLinkText = (address) => address;

/** The blocks of a text, in order. */
export function parse(text: string): readonly Parsed[] {
  const tokens = new Tokens(markdown.parse(text, {}));
  const blocks: Parsed[] = [];
  let lines: string[] | undefined;
  while (tokens.peek()) {
    const begin = tokens.at;
    const [from = 0, to = 0] = tokens.peek()?.map ?? [];
    const block = readBlock(tokens);
    const own = tokens.between(begin);
    // Below that depth the library leaves out what it does not read.
    const isTooDeep = own.some(({ nesting, level }) => nesting === 1 && level >= DEEPEST);
    const hasTable = own.some(({ type }) => type === 'table_open');
    if (isTooDeep || hasTable) lines ??= text.split('\n');
    const isPlain = isTooDeep || (hasTable && losesCells(own, lines ?? []));
    blocks.push({
      block: isPlain ? { kind: 'plain', text: (lines ?? []).slice(from, to).join('\n') } : block,
      from,
      lastItem: lastItemOf(own),
      parts: own.reduce((sum, token) => sum + partsOf(token), 0),
    });
  }
  return blocks;
}

/** Whether a row of a table has more cells than its head: those would not be shown. */
function losesCells(tokens: readonly Token[], lines: readonly string[]): boolean {
  let columns = 0;
  for (const { type, map } of tokens) {
    if (type === 'table_open') columns = 0;
    else if (type === 'th_open') columns++;
    else if (type === 'tr_open' && map && columns > 0 && cellsIn(lines[map[0]] ?? '') > columns) return true;
  }
  return false;
}

/** @param line of a table, with what stands before it where that is in a list or a quote. */
function cellsIn(line: string): number {
  const row = line.replace(/^[\s>*+-]*(?:\d+[.)]\s+)?/, '').trimEnd();
  return row
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/).length;
}

function partsOf({ type, children }: Token): number {
  return type === 'fence' || type === 'code_block' ? CODE_PARTS : 1 + (children?.length ?? 0);
}

/** The parts of one line. */
export function parseLine(text: string): readonly Inline[] {
  return markdown.parseInline(text, {}).flatMap(({ children }) => readInlines(new Tokens(children ?? [])));
}

/** Tokens, read one after the other. */
class Tokens {
  at = 0;
  readonly #tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token | undefined {
    return this.#tokens[this.at];
  }

  next(): Token | undefined {
    return this.#tokens[this.at++];
  }

  between(begin: number): readonly Token[] {
    return this.#tokens.slice(begin, this.at);
  }
}

function lastItemOf(tokens: readonly Token[]): number {
  const level = tokens[0]?.level;
  const item = tokens.findLast(({ type, level: at }) => type === 'list_item_open' && at === (level ?? 0) + 1);
  return item?.map?.[0] ?? 0;
}

function readBlock(tokens: Tokens): Block {
  const token = tokens.next();
  switch (token?.type) {
    case 'paragraph_open':
      return { kind: 'paragraph', children: readLine(tokens, 'paragraph_close') };
    case 'heading_open':
      return { kind: 'heading', level: Number(token.tag.slice(1)), children: readLine(tokens, 'heading_close') };
    case 'blockquote_open':
      return { kind: 'quote', children: readBlocks(tokens, 'blockquote_close') };
    case 'bullet_list_open':
      return readList(tokens, 'bullet_list_close', undefined);
    case 'ordered_list_open':
      return readList(tokens, 'ordered_list_close', Number(token.attrGet('start') ?? 1));
    case 'hr':
      return { kind: 'rule' };
    case 'fence':
    case 'code_block':
      return { kind: 'code', info: token.info.trim(), chunks: [], tail: token.content.replace(/\n$/, '') };
    case 'table_open':
      return readTable(tokens);
    default:
      return { kind: 'plain', text: token?.content ?? '' };
  }
}

/** @param end the type of the token behind the last one. */
function readBlocks(tokens: Tokens, end: string): Block[] {
  const blocks: Block[] = [];
  while (tokens.peek() && tokens.peek()?.type !== end) blocks.push(readBlock(tokens));
  tokens.next();
  return blocks;
}

function readLine(tokens: Tokens, end: string): readonly Inline[] {
  const children: Inline[] = [];
  for (let token = tokens.next(); token && token.type !== end; token = tokens.next()) {
    children.push(...readInlines(new Tokens(token.children ?? [])));
  }
  return children;
}

function readList(tokens: Tokens, end: string, start: number | undefined): Block {
  const items: Block[][] = [];
  const begin = tokens.at;
  while (tokens.peek() && tokens.next()?.type !== end) items.push(readBlocks(tokens, 'list_item_close'));
  const level = (tokens.between(begin)[0]?.level ?? 0) + 1;
  const own = tokens.between(begin).filter(({ type, level: at }) => type === 'paragraph_open' && at === level);
  return { kind: 'list', start, items, isTight: own.every(({ hidden }) => hidden) };
}

function readTable(tokens: Tokens): Block {
  const align: Align[] = [];
  const rows: (readonly Inline[])[][] = [];
  for (let token = tokens.next(); token && token.type !== 'table_close'; token = tokens.next()) {
    if (token.type === 'tr_open') rows.push([]);
    if (token.type !== 'th_open' && token.type !== 'td_open') continue;
    if (token.type === 'th_open') align.push(alignOf(attributeOf(token, 'style')));
    rows.at(-1)?.push(readLine(tokens, token.type.replace('open', 'close')));
  }
  const [head = [], ...others] = rows;
  return { kind: 'table', align, head, rows: others };
}

function attributeOf(token: Token, name: string): string {
  return String(token.attrGet(name) ?? '');
}

function alignOf(style: string): Align {
  const [, align] = /^text-align:(left|center|right)$/.exec(style) ?? [];
  return align as Align;
}

const WRAPS: Readonly<Record<string, 'emphasis' | 'strong' | 'deleted'>> = {
  em_open: 'emphasis',
  strong_open: 'strong',
  s_open: 'deleted',
};

function readInlines(tokens: Tokens, end?: string): Inline[] {
  const read: Inline[] = [];
  for (let token = tokens.next(); token && token.type !== end; token = tokens.next()) {
    const wrap = WRAPS[token.type];
    if (wrap) read.push({ kind: wrap, children: readInlines(tokens, token.type.replace('open', 'close')) });
    else if (token.type === 'link_open') {
      const [address, title] = [attributeOf(token, 'href'), attributeOf(token, 'title')];
      read.push({ kind: 'link', address, title, children: readInlines(tokens, 'link_close') });
    } else if (token.type === 'image') {
      const [address, title] = [attributeOf(token, 'src'), attributeOf(token, 'title')];
      read.push({ kind: 'picture', text: textOf(readInlines(new Tokens(token.children ?? []))), address, title });
    } else if (token.type === 'code_inline') read.push({ kind: 'code', text: token.content });
    else if (token.type === 'softbreak' || token.type === 'hardbreak') read.push({ kind: 'break' });
    else if (token.content !== '') join(read, token.content);
  }
  return read;
}

/** Neighbours are one text: what a character is shown as may depend on the one before it. */
function join(read: Inline[], text: string): void {
  const last = read.at(-1);
  if (typeof last === 'string') read[read.length - 1] = last + text;
  else read.push(text);
}
