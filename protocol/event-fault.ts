import type { z } from 'zod';
import { mayBeLeftOut, readAbsent } from './absent.ts';
import { type JsonObject, unwritable } from './json.ts';

/** Characters of what a fault says of an event. */
const MAX_SAID = 128;

/** An event that was not as it should be: it goes on, or it does not (`wire.md` section 6). */
export class EventFault<E = unknown> {
  /** The event as it goes on; undefined where it cannot. */
  readonly event: E | undefined;
  /** The first field that was wrong; empty where it is the event as a whole. */
  readonly field: string;
  /** Why nobody has read it, where nobody has. */
  readonly why: string | undefined;
  /** Of which session and kind it is, as far as it says so: short enough to be logged. */
  readonly session: string | undefined;
  readonly kind: string;

  /** An event that nobody has read, and so knows a field of. */
  static unread(why: string): EventFault<never> {
    return new EventFault<never>(undefined, '', undefined, undefined, why);
  }

  constructor(event: E | undefined, field: string, session?: unknown, kind?: unknown, why?: string) {
    this.event = event;
    this.why = why;
    this.field = field.slice(0, MAX_SAID);
    this.session = typeof session === 'string' ? session.slice(0, MAX_SAID) : undefined;
    this.kind = typeof kind === 'string' ? kind.slice(0, MAX_SAID) : '';
  }
}

/** A kind of event, and what may be made of one that does not fit. */
export interface EventRules {
  readonly schema: z.ZodObject;
  /** What is put in where a field that is needed is missing or of no use, as a text without a character is. */
  readonly repairs?: Readonly<Record<string, string>>;
  /** It ends something: it goes on whatever else is in it. */
  readonly isTerminal?: boolean;
}

/** What became of an event: whether it goes on, and the first field that was wrong, if any. */
export interface Mended {
  readonly goesOn: boolean;
  readonly field: string | undefined;
}

const optionals = new WeakMap<z.ZodObject, ReadonlySet<string>>();

/** The members of a schema that may be left out. */
function optionalsOf(schema: z.ZodObject): ReadonlySet<string> {
  const known = optionals.get(schema);
  if (known) return known;
  const members = Object.entries(schema.shape).filter(([, member]) => mayBeLeftOut(member));
  const made = new Set(members.map(([name]) => name));
  optionals.set(schema, made);
  return made;
}

/**
 * Makes an event fit its kind, in place, where that may be done: it was parsed for this and is nobody else's. A listed
 * field that may be left out and is of the wrong type is left out; what a terminal needs is put in.
 */
export function mendEvent(event: JsonObject, { schema, repairs = {}, isTerminal = false }: EventRules): Mended {
  const unwritten = firstUnwritable(event, isTerminal);
  if (unwritten !== undefined && !isTerminal) return { goesOn: false, field: unwritten };
  let field = unwritten;
  for (const [name, repair] of Object.entries(repairs)) {
    if (event[name] !== '' || repair === '') continue;
    event[name] = repair;
    field ??= name;
  }
  // What a schema asks of several fields it asks once each of them is right.
  for (let round = 0; round < 3; round += 1) {
    const { success, error } = schema.safeParse(readAbsent(schema, event));
    if (success) return { goesOn: true, field };
    for (const { path, code } of error.issues) {
      const name = String(path[0] ?? '');
      if (Object.hasOwn(repairs, name)) event[name] = repairs[name];
      else if (mayGo(event, schema, name, code)) delete event[name];
      else return { goesOn: false, field: name };
      field ??= name;
    }
  }
  return { goesOn: false, field };
}

function mayGo(event: JsonObject, schema: z.ZodObject, name: string, code: string | undefined): boolean {
  // A text that can be no turn's id names another turn than any of ours; it is not a missing one.
  if (name === 'turn_id' && code !== 'invalid_type') return false;
  return optionalsOf(schema).has(name) && Object.hasOwn(event, name);
}

/** The first member that could not be written again as it was read, if any; `remove`: all of them go. */
function firstUnwritable(event: JsonObject, remove: boolean): string | undefined {
  if (unwritable(event) === undefined) return undefined;
  let first: string | undefined;
  for (const name of Object.keys(event)) {
    // They are one level below the event.
    if (unwritable(event[name], 1) === undefined) continue;
    first ??= name;
    if (!remove) break;
    delete event[name];
  }
  return first;
}
