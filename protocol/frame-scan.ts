import { isRpcId, type RpcId } from './frame.ts';
import { MAX_DEPTH } from './json.ts';
import { endOfString, isDigit, isSpace, LONG, skipSpace } from './json-scan.ts';
import { parseJson } from './parse-json.ts';

/*
 * What a large frame holds, counted before anything is parsed (`wire.md` section 1): `JSON.parse` needs seconds for
 * sixteen megabytes of keys, and hundreds of megabytes for what it makes of them.
 */

/**
 * Members of objects and elements of arrays that one frame may have, all together. An integer of {@link LONG} digits or more
 * counts as {@link LONG_COUNTS}.
 */
export const MAX_MEMBERS = 100_000;
/** Keeping the digits of a long integer costs so many times what reading a member does. */
const LONG_COUNTS = 4;
/** The message itself, and in it as many levels as may be passed on. */
const MAX_LEVELS = MAX_DEPTH + 1;
/**
 * A shorter frame cannot hold as many: each takes two characters. It may nest too deeply, which is seen when it has been
 * parsed, and costs little.
 */
const LEAST_SCANNED = 2 * MAX_MEMBERS;

// Its own: what is imported may be looked up anew for each character, which is felt.
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const POINT = 0x2e;

/** A frame that is refused unread: why, and as much of it as can be known without parsing it. */
export interface Unread {
  reason: string;
  /** What its outermost value is. */
  shape: 'object' | 'array' | 'other';
  /** Its own `id`, where it has a good one; null where it has one that is none. */
  id: RpcId | null | undefined;
  /** Whether it has a `method`. */
  hasMethod: boolean;
  /** Whether it ends where its outermost value does. If not, it is no JSON. */
  isWhole: boolean;
}

/**
 * Why a frame is not to be parsed, if so. What is no JSON may pass, or not: parsing says what it is.
 * @param counted is told how many members and elements a large frame has: what parsing it costs
 */
export function unread(text: string, counted?: (members: number) => void): Unread | undefined {
  if (text.length < LEAST_SCANNED) return undefined;
  const reason = excess(text, counted);
  return reason === undefined ? undefined : { reason, ...headOf(text) };
}

/** Linear in the text, whatever it is: strings are skipped by the engine's own search. */
function excess(text: string, counted?: (members: number) => void): string | undefined {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case COMMA:
        members += endsLong(text, at) ? LONG_COUNTS : 1;
        if (members > MAX_MEMBERS) return TOO_MANY;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        if (depth > MAX_LEVELS) return TOO_DEEP;
        if (!isEmpty(text, at)) members += 1;
        if (members > MAX_MEMBERS) return TOO_MANY;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
        if (endsLong(text, at)) members += LONG_COUNTS - 1;
        if (members > MAX_MEMBERS) return TOO_MANY;
        break;
    }
  }
  counted?.(members);
  return undefined;
}

const TOO_MANY = `more than ${MAX_MEMBERS} members and elements in one message`;
const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`;

/** Whether an integer of {@link LONG} digits or more ends before this place, which is behind an element or a member. */
function endsLong(text: string, end: number): boolean {
  let last = end - 1;
  while (isSpace(text.charCodeAt(last))) last -= 1;
  // Two of the digits are looked at first: nearly always that is all.
  if (!isDigit(text.charCodeAt(last)) || !isDigit(text.charCodeAt(last - LONG + 1))) return false;
  let first = last;
  while (isDigit(text.charCodeAt(first - 1))) first -= 1;
  return last - first >= LONG - 1 && text.charCodeAt(first - 1) !== POINT;
}

/** Whether nothing but white space follows until a container ends. */
function isEmpty(text: string, open: number): boolean {
  const next = text.charCodeAt(skipSpace(text, open + 1));
  return next === CLOSE_ARRAY || next === CLOSE_OBJECT;
}

/** The outermost members that say what a message is. Of duplicate keys the last counts, as where it is parsed. */
function headOf(text: string): Omit<Unread, 'reason'> {
  const start = skipSpace(text, 0);
  const first = text.charCodeAt(start);
  const shape = first === OPEN_OBJECT ? 'object' : first === OPEN_ARRAY ? 'array' : 'other';
  const head: Omit<Unread, 'reason'> = { shape, id: undefined, hasMethod: false, isWhole: false };
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (depth === 1) readMember(text, at, end, head);
      at = end;
    } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth += 1;
    else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      depth -= 1;
      if (depth === 0) return { ...head, isWhole: skipSpace(text, at + 1) === text.length };
    }
  }
  return head;
}

/** Longest key that is looked at, and longest id: each character of it may be written as `\u0000`. */
const MAX_KEY = 6 * 'method'.length + 2;
const MAX_ID = 6 * 256 + 2;

function readMember(text: string, start: number, end: number, head: Omit<Unread, 'reason'>): void {
  const colon = skipSpace(text, end + 1);
  if (text.charCodeAt(colon) !== COLON || end - start > MAX_KEY) return;
  const key = jsonValue(text.slice(start, end + 1));
  if (key === 'method') head.hasMethod = true;
  if (key !== 'id') return;
  const from = skipSpace(text, colon + 1);
  const to = text.charCodeAt(from) === QUOTE ? endOfString(text, from) + 1 : endOfNumber(text, from);
  const id = to - from > MAX_ID ? undefined : jsonValue(text.slice(from, to));
  head.id = isRpcId(id) ? id : null;
}

function endOfNumber(text: string, from: number): number {
  let at = from;
  while (/[-+.eE0-9]/.test(text.charAt(at)) && at - from <= MAX_ID) at += 1;
  return at;
}

/** A short JSON value; undefined where it is none. */
function jsonValue(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
