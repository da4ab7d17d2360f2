import { endOfString, isDigit, LONG, mayHoldLong } from './json-scan.ts';

/*
 * JSON in which integers keep their digits (`wire.md`, head). JavaScript's numbers round integers beyond 2^53; such a one is
 * read as a bigint, and `writeJson` writes it again digit for digit. Every other number is what `JSON.parse` makes of it,
 * integers of 16 digits that a number holds exactly included: a value never has two forms, so ids can be compared.
 */

/**
 * `JSON.parse`, but for integers that a number would not print digit for digit: these are bigints. An integer beyond 1.8e308
 * is Infinity, as there, and so refused as out of range. A text without 16 digits in a row costs nothing more.
 *
 * @throws {SyntaxError} where `JSON.parse` does.
 */
export function parseJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  if (!mayHoldLong(text)) return parsed;
  const whole = { '': parsed };
  keepDigits(text, whole);
  return whole[''];
}

// As in `frame-scan.ts`.
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const ZERO = 0x30;

/**
 * Puts the long integers of a text into what `JSON.parse` has made of it. The text is known to be JSON, and is gone through
 * once: reading it a second time, by hand, would take longer than the first.
 */
function keepDigits(text: string, whole: object): void {
  let place = new Place(text, undefined, false, whole);
  let hasLong = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      place.name(at, end);
      at = end;
    } else if (code === COMMA) {
      place.next();
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      place = new Place(text, place, code === OPEN_ARRAY);
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      place = place.outer ?? place;
    } else if (code === MINUS || isDigit(code)) {
      const digits = endOfDigits(text, at + 1);
      const end = endOfNumber(text, digits);
      // One with a point or an exponent is there already, but where a long integer of the same key has taken its place.
      const isToPut = end > digits ? hasLong : end - at >= LONG;
      if (isToPut && place.put(end > digits ? Number(text.slice(at, end)) : exact(text.slice(at, end)))) hasLong = true;
      at = end - 1;
    }
  }
}

/** The member or element of a container that a text is being read at. */
class Place {
  /** Of the container that this one is in. */
  readonly outer: Place | undefined;
  readonly #text: string;
  readonly #isArray: boolean;
  /** Undefined as long as nothing has to be put into it; null where it is not what the text has here. */
  #container: object | null | undefined;
  #index = 0;
  /** Where the key begins and ends; -1: it is still to come. */
  #start = -1;
  #end = -1;

  /** @param container where it is not to be found in the outer one. */
  constructor(text: string, outer: Place | undefined, isArray: boolean, container?: object) {
    this.#text = text;
    this.outer = outer;
    this.#isArray = isArray;
    this.#container = container;
  }

  /** A string: the key, where there is none yet. Of the whole text the key is the empty string. */
  name(start: number, end: number): void {
    if (this.#start >= 0 || this.#isArray || !this.outer) return;
    this.#start = start;
    this.#end = end;
  }

  next(): void {
    this.#index += 1;
    this.#start = -1;
  }

  /**
   * Puts a number there. Of duplicate keys the last counts: where what stands there is another number, or none, something
   * that comes later in the text has taken its place.
   * @returns whether it made a difference.
   */
  put(number: number | bigint): boolean {
    if (this.#container === undefined) this.#resolve();
    if (this.#container === null) return false;
    if (this.#isArray) return this.#putElement(number);
    const container = this.#container as Record<string, unknown>;
    const key = this.#key() as string;
    // No number is inherited.
    const before = container[key];
    if ((typeof before !== 'number' && typeof before !== 'bigint') || before === number) return false;
    if (Number(before) !== Number(number)) return false;
    container[key] = number;
    return true;
  }

  #putElement(number: number | bigint): boolean {
    const array = this.#container as unknown[];
    const before = array[this.#index];
    if ((typeof before !== 'number' && typeof before !== 'bigint') || before === number) return false;
    if (Number(before) !== Number(number)) return false;
    array[this.#index] = number;
    return true;
  }

  /** What stands there. Own members only: a client may name one `__proto__`. */
  #value(): unknown {
    const container = this.#container as Record<string, unknown> | null | undefined;
    const key = container ? (this.#key() as string) : '';
    return container && Object.hasOwn(container, key) ? container[key] : undefined;
  }

  #key(): string | number {
    if (!this.outer) return '';
    if (this.#isArray) return this.#index;
    const name = this.#text.slice(this.#start + 1, this.#end);
    return name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name;
  }

  /** Finds the container, once, from the outermost that is not known yet. Without recursion: a text may nest deeply. */
  #resolve(): void {
    const unknown: Place[] = [];
    for (let place: Place | undefined = this; place && place.#container === undefined; place = place.outer) {
      unknown.push(place);
    }
    for (const place of unknown.reverse()) {
      const found = place.outer ? place.outer.#value() : null;
      const isIt = typeof found === 'object' && found !== null && Array.isArray(found) === place.#isArray;
      place.#container = isIt ? found : null;
    }
  }
}

/** A digit, or one of `+-.eE`. */
const isNumberPart = (code: number) =>
  isDigit(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === MINUS;

function endOfDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

function endOfNumber(text: string, from: number): number {
  let at = from;
  while (isNumberPart(text.charCodeAt(at))) at += 1;
  return at;
}

/** Of more digits a number keeps zeros at most. */
const KEPT = 17;
/** Of fewer characters, a minus included, a number is not Infinity. */
const FINITE = 308;

/** An integer of {@link LONG} characters or more. */
function exact(literal: string): number | bigint {
  if (literal.length <= FINITE) {
    let last = literal.length;
    while (literal.charCodeAt(last - 1) === ZERO) last -= 1;
    if (last > KEPT + 1) return BigInt(literal);
  }
  const number = Number(literal);
  if (Number.isSafeInteger(number) || !Number.isFinite(number)) return number;
  // 9007199254740992, say: a number prints it as it is.
  return String(number) === literal ? number : BigInt(literal);
}
