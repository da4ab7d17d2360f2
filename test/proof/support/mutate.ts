import type { Random } from './random.ts';

type Parent = Record<string, unknown> | unknown[];

/** JSON that no JavaScript value is written as: it stands in a message as a string, and is put in its place at the end. */
const RAW_TEXTS = ['1e400', '-1e400', '-0', '1E+2', '"\\ud800"', '12345678901234567890', '0.1e-400', '" "'];
const BROKEN_TEXTS = ['NaN', 'undefined', '+1', '01', "'x'", '"\\x41"', '"\u0001"', '{,}', '[1,]', '1.', '//'];
const NAMES = ['__proto__', 'constructor', 'toString', 'id', 'method', 'jsonrpc', 'kind', 'session_id', '', '\u0000'];

const marked = (text: string) => `@raw:${Buffer.from(text).toString('hex')}@`;
const unmark = (text: string) =>
  text.replace(/"@raw:([0-9a-f]*)@"/g, (_, hex: string) => Buffer.from(hex, 'hex').toString());

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** A value of any type, now and then a huge or a very deep one. */
function anyValue(random: Random): unknown {
  if (random.chance(0.002)) return 'x'.repeat(70_000);
  if (random.chance(0.002)) return Array.from({ length: 2_000 }, (_, i) => i);
  if (random.chance(0.01)) return marked(nested(random.pick([199, 201, 3_000]), '[', ']'));
  if (random.chance(0.01)) return marked(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`);
  if (random.chance(0.2)) return marked(random.pick(RAW_TEXTS));
  return random.pick<() => unknown>([
    () => null,
    () => random.chance(0.5),
    () => random.pick([0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, -7]),
    () => random.pick(['', 'x', '2.0', 'x'.repeat(129), 'é👋\u2028', '../../etc/passwd', '<script>', '%s%n']),
    () => random.pick<unknown>([[], [[]], [null], ['x', 1]]),
    () => random.pick<unknown>([{}, { a: 1 }, { length: 1e9 }, { toJSON: 'x' }, { valueOf: true }]),
  ])();
}

/** All places in a message, those of the envelope first. Two lists: for each of 100,000 messages it is made anew. */
class Places {
  readonly parents: Parent[] = [];
  readonly keys: (string | number)[] = [];
  readonly ofEnvelope: number;

  constructor(message: Record<string, unknown>) {
    this.#add(message);
    this.ofEnvelope = this.keys.length;
    for (const value of Object.values(message)) this.#addAll(value);
  }

  get count(): number {
    return this.keys.length;
  }

  #add(parent: Parent): void {
    const keys = Array.isArray(parent) ? parent.keys() : Object.keys(parent);
    for (const key of keys) {
      this.parents.push(parent);
      this.keys.push(key);
    }
  }

  #addAll(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    this.#add(value as Parent);
    for (const inner of Object.values(value)) if (typeof inner === 'object') this.#addAll(inner);
  }
}

/** Changes something in a message, in place. */
function mutateTree(random: Random, message: Record<string, unknown>): void {
  const { parents, keys, count, ofEnvelope } = new Places(message);
  // The envelope is quickly judged: most of what there is to get wrong is behind it.
  const at = count > ofEnvelope && random.chance(0.8) ? ofEnvelope + random.int(count - ofEnvelope) : random.int(count);
  const target = parents[at] as Record<string, unknown>;
  const key = String(keys[at]);
  const value = target[key];
  random.pick([
    () => delete target[key],
    () => assign(target, key, anyValue(random)),
    () => assign(target, key, anyValue(random)),
    () => assign(target, key, [value]),
    () => assign(target, key, { [key]: value }),
    () => assign(target, random.pick(NAMES), anyValue(random)),
    () => assign(target, `${key} `, value),
    // The same key twice: as JSON.parse reads it, the last counts.
    () => assign(target, marked(JSON.stringify(key)), anyValue(random)),
    () => assign(target, key, typeof value === 'string' ? `${value}${value}` : anyValue(random)),
    () => assign(target, key, typeof value === 'number' ? String(value) : anyValue(random)),
  ])();
}

/** Not by `=`: that sets the prototype where the key is `__proto__`. */
function assign(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Changes the text of a message, so that it is mostly no JSON any more. */
function mutateText(random: Random, text: string): string {
  const at = random.int(text.length + 1);
  const span = 1 + random.int(8);
  return random.pick([
    () => text.slice(0, at),
    () => text.slice(0, at) + text.slice(at + span),
    () => text.slice(0, at) + text.slice(Math.max(0, at - span)),
    () =>
      text.slice(0, at) +
      random.pick(['{', '}', '[', ']', '"', ',', ':', '\\', '\u0000', '\ufeff', ' ']) +
      text.slice(at),
    () => `[${text}]`,
    () => `${text}${text}`,
    () => `\ufeff${text}`,
    () => ` \t\r\n${text}\n`,
    () => JSON.stringify(text),
    () => text.replace(/:("[^"]*"|\d+)/, `:${random.pick(BROKEN_TEXTS)}`),
    () => random.bytes(random.int(40)).toString('latin1'),
    () => random.pick(['', '{}', '[]', 'null', '0', '"', nested(3_000, '[', ']'), nested(3_000, '[', '')]),
  ])();
}

/** A valid message as the text of a frame: changed in so many places of its structure, and perhaps of its text. */
export function mutate(random: Random, message: Record<string, unknown>, changes: number): string {
  for (let i = 0; i < changes && Object.keys(message).length > 0; i += 1) mutateTree(random, message);
  const text = unmark(JSON.stringify(message));
  return changes > 0 && random.chance(0.04) ? mutateText(random, text) : text;
}
