import { isObject, type JsonObject } from '../../protocol/json.ts';
import { expressionsIn, MAX_FORMATTED, mayBeRead } from './templates.ts';

/** What stands at a path of the data, as seen from a component. */
export type Lookup = (path: string) => unknown;

/** What says how a component stands among others, and what is asked for only when somebody acts. */
const NOT_SHOWN: ReadonlySet<string> = new Set('id component child children trigger content action weight'.split(' '));
/** Characters of a number or a truth value, about. */
const PLAIN = 8;
/** How much longer a date may be than its format. */
const DATE_GROWTH = 8;
/** So many steps of a search, for an option among those chosen, or for an expression's end, are about one character's work. */
const STEPS = 10;
/** What a template counts for that is only known when it is drawn. */
const UNKNOWN_TEMPLATE = 100_000;
/** The names of data in a template. */
const NAME = /[A-Za-z0-9/._-]+/g;

/** How many characters an element shows, at most: what its component says, and all that this is bound to. */
export function shownSize(component: JsonObject, lookup: Lookup): number {
  let size = 0;
  for (const [key, value] of Object.entries(component)) {
    if (key === 'tabs' && Array.isArray(value)) {
      for (const tab of value) size += isObject(tab) ? sizeOf(tab.title, lookup) : 0;
    } else if (!NOT_SHOWN.has(key)) size += sizeOf(value, lookup);
  }
  return size + comparisons(component, lookup) / STEPS;
}

/** Options may be chosen in a list that is as long as they are. */
function comparisons({ options, value }: JsonObject, lookup: Lookup): number {
  if (!Array.isArray(options)) return 0;
  const chosen = isObject(value) && typeof value.path === 'string' ? lookup(value.path) : value;
  return Array.isArray(chosen) ? options.length * chosen.length : 0;
}

function sizeOf(value: unknown, lookup: Lookup): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return PLAIN;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item, lookup), PLAIN);
  const { path, call, args } = value as JsonObject;
  if (typeof path === 'string') return PLAIN + jsonSize(lookup(path));
  if (call === 'formatString' && isObject(args)) return templateSize(args.value, lookup);
  const members = Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item, lookup), PLAIN);
  return call === 'formatDate' ? members * DATE_GROWTH : members;
}

function templateSize(given: unknown, lookup: Lookup): number {
  const template = isObject(given) && typeof given.path === 'string' ? lookup(given.path) : given;
  if (isObject(template)) return UNKNOWN_TEMPLATE + sizeOf(template, lookup);
  if (typeof template !== 'string') return PLAIN + jsonSize(template);
  // What is not read is shown as it is.
  if (!mayBeRead(template)) return Math.min(template.length, MAX_FORMATTED);
  const begin = template.indexOf('${');
  if (begin < 0) return template.length;
  let shown = template.length;
  for (const [name] of template.slice(begin).matchAll(NAME)) shown += jsonSize(lookup(name));
  // Expressions that stand in one another are looked through once for each.
  return (template.length * expressionsIn(template)) / STEPS + Math.min(shown, MAX_FORMATTED);
}

/** Sizes of objects that were measured: many components may be bound to one. */
const measured = new WeakMap<object, number>();

function jsonSize(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return PLAIN;
  const known = measured.get(value);
  if (known !== undefined) return known;
  const size = JSON.stringify(value).length;
  measured.set(value, size);
  return size;
}
