import { WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { isSecretField, isSecretPair, MASK, maskText } from '../kernel/preview.ts';

/** A value as watchers may see it, and about how many bytes of JSON it is. */
export interface View {
  value: unknown;
  bytes: number;
}

/** So much more of a text is searched than is shown: even if all of it is masked, that ends before the cut through a token does. */
const SEARCHED_BEYOND = 1_000;
/** Characters that one view searches in all its texts: how long that takes does not depend on what comes. */
const MAX_SEARCHED = 256 * 1024;
/** Characters of a text that are shown. */
const MAX_TEXT = 200;
/** How deep a view goes. */
const MAX_DEPTH = 8;
/** Kept back for the marks of what was left out, one for each level. */
const RESERVE = MAX_DEPTH * 16;
const CUT = '…';
/**
 * What a token of the broker's own looks like: 32 bytes in base64url. A client's id is as long; so are names of many words,
 * which have neither a capital nor a digit, as one token of 10^15 has.
 */
export const TOKEN = /(?<![A-Za-z0-9])(?!client-)(?=[a-z_-]{0,42}[A-Z0-9])[\w-]{43}(?![A-Za-z0-9])/g;

/**
 * What is shown of any value: JSON of `maxBytes` at most, secrets masked, texts cut after `maxText` characters, records of the
 * broker's by their ids. Cycles end at a depth, and whatever is no JSON has a word that stands for it.
 */
export function viewOf(value: unknown, maxBytes: number, maxText = MAX_TEXT): View {
  const budget = { left: maxBytes - RESERVE, toSearch: MAX_SEARCHED, maxText };
  const seen = show(value, budget, 0);
  return { value: seen, bytes: maxBytes - RESERVE - Math.max(0, budget.left) };
}

interface Budget {
  /** Bytes. */
  left: number;
  /** Characters. */
  toSearch: number;
  /** Characters of one text that are shown. */
  readonly maxText: number;
}

/** @param under - the key that it stands under */
function show(value: unknown, budget: Budget, depth: number, under?: string): unknown {
  switch (typeof value) {
    case 'string':
      return showText(value, budget);
    case 'number':
      budget.left -= 8;
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      budget.left -= String(value).length;
      return value;
    case 'boolean':
      budget.left -= 5;
      return value;
    case 'object':
      if (value === null) {
        budget.left -= 4;
        return null;
      }
      return depth >= MAX_DEPTH || budget.left <= 0 ? CUT : showObject(value, budget, depth, under);
    case 'undefined':
      return undefined;
    default:
      return showText(`[${typeof value}]`, budget);
  }
}

/** A text as watchers may see it. `most`: characters of it that are shown. */
export function textView(text: string, most = MAX_TEXT): string {
  return maskText(text.slice(0, most + SEARCHED_BEYOND).replace(TOKEN, MASK), most);
}

/** Keys, ids and words come again and again: what is shown of short ones is remembered, for finding that out costs most of a view. */
const SHORT = 64;
const MAX_REMEMBERED = 4_096;
const remembered = new Map<string, { readonly shown: string; readonly bytes: number }>();

function shortText(text: string): { readonly shown: string; readonly bytes: number } {
  const known = remembered.get(text);
  if (known) return known;
  const shown = textView(text);
  const found = { shown, bytes: jsonLength(shown) };
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  // A copy: a part of a long text keeps all of it.
  remembered.set(Buffer.from(text, 'utf16le').toString('utf16le'), found);
  return found;
}

function showText(text: string, budget: Budget): string {
  if (text.length <= SHORT) {
    const { shown, bytes } = shortText(text);
    if (bytes <= budget.left) {
      budget.left -= bytes;
      return shown;
    }
  }
  budget.toSearch -= Math.min(text.length, budget.maxText + SEARCHED_BEYOND);
  if (budget.toSearch < 0) budget.left = 0;
  const shown = budget.left > 0 ? textView(text, budget.maxText) : CUT;
  const bytes = jsonLength(shown);
  if (bytes > budget.left) {
    budget.left = 0;
    return CUT;
  }
  budget.left -= bytes;
  return shown;
}

function showObject(value: object, budget: Budget, depth: number, under: string | undefined): unknown {
  if (Array.isArray(value)) return showArray(value, budget, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return showText(nameOf(value as JsonObject), budget);
  const source = value as JsonObject;
  const shown: JsonObject = {};
  budget.left -= 2;
  for (const key in source) {
    // A caller's baggage is for whoever carries out the request (docs/protocol.md, section 1).
    if (source[key] === undefined || (under === '_meta' && key === 'baggage')) continue;
    if (budget.left <= 0) {
      shown[CUT] = true;
      break;
    }
    const name = showText(key, budget);
    const value = isSecretField(source, key) ? showText(MASK, budget) : show(source[key], budget, depth + 1, key);
    if (name === '__proto__') setOwn(shown, name, value);
    else shown[name] = value;
    budget.left -= 2;
  }
  return shown;
}

/** An own property whatever its name: `__proto__` is an ordinary key here. */
function setOwn(object: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function showArray(items: readonly unknown[], budget: Budget, depth: number): unknown[] {
  const shown: unknown[] = [];
  budget.left -= 2;
  if (isSecretPair(items)) return [showText(items[0] as string, budget), showText(MASK, budget)];
  for (const item of items) {
    if (budget.left <= 0) {
      shown.push(CUT);
      break;
    }
    shown.push(show(item, budget, depth + 1) ?? null);
    budget.left -= 1;
  }
  return shown;
}

/** What stands for something that is no plain object: a record's id, an error's code, the length of audio, else its class. */
function nameOf(value: JsonObject): string {
  if (value instanceof WireError) return `${value.code} ${value.message}`;
  // The detail of a fault of ours is logged, never sent.
  if (value instanceof Error) return value.name;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (typeof value.id === 'string') return value.id;
  return `[${value.constructor?.name ?? 'object'}]`;
}

/** In bytes. Of most texts that is seen without writing them. */
function jsonLength(text: string): number {
  let at = 0;
  while (at < text.length && isWrittenAsItIs(text.charCodeAt(at))) at += 1;
  if (at === text.length) return at + 2;
  return Buffer.byteLength(writeJson(text));
}

/** Whether JSON has a character as this one byte. */
function isWrittenAsItIs(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
}
