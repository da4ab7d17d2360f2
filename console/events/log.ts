import type { HostEvent } from '../../client/browser.ts';
import { isObject } from '../../protocol/json.ts';

/** Events that are kept: twice what the daemon keeps. */
export const MAX_EVENTS = 1_000;
/** What is kept of them all, in characters or so. */
const MAX_SIZE = 4_194_304;
/** The largest payload that is kept, in characters or so. */
export const MAX_PAYLOAD = 65_536;

/** An event as the page keeps it. */
export interface KeptEvent extends HostEvent {
  /** Its payload was too large to be kept. */
  isCut?: true;
}

interface Entry {
  event: KeptEvent;
  size: number;
}

/** The newest events of the daemon, oldest first, each once: as many as there is room for. */
export class EventLog {
  #entries: Entry[] = [];
  #size = 0;

  /** The newest events, oldest first. */
  get events(): readonly KeptEvent[] {
    return this.#entries.map(({ event }) => event);
  }

  /** Keeps what came; what is there already is not kept twice. */
  add(events: readonly HostEvent[]): void {
    const known = new Set(this.#entries.map(({ event }) => event.sequence));
    const fresh = events.filter(({ sequence }) => !known.has(sequence) && known.add(sequence));
    const last = this.#entries.at(-1)?.event.sequence ?? Number.NEGATIVE_INFINITY;
    const isSorted = fresh.every(({ sequence }, at) => sequence > (fresh[at - 1]?.sequence ?? last));
    this.#entries.push(...fresh.map(entryOf));
    if (!isSorted) this.#entries.sort((one, other) => one.event.sequence - other.event.sequence);
    this.#size = this.#entries.reduce((sum, { size }) => sum + size, 0);
    let [from, left] = [Math.max(0, this.#entries.length - MAX_EVENTS), this.#size];
    for (const { size } of this.#entries.slice(0, from)) left -= size;
    while (left > MAX_SIZE && from < this.#entries.length - 1) left -= this.#entries[from++]?.size ?? 0;
    if (from > 0) this.#entries.splice(0, from);
    this.#size = left;
  }

  /**
   * A snapshot of what was before. @param sequence - the last event's: a smaller one than is known is another daemon's,
   * which counts anew.
   */
  restart(events: readonly HostEvent[], sequence: number): void {
    const last = this.#entries.at(-1)?.event.sequence;
    if (last !== undefined && sequence < last) this.#entries = [];
    this.add(events);
  }
}

function entryOf(event: HostEvent): Entry {
  const rest = event.message.length + 200;
  const size = sizeOf(event.payload, MAX_PAYLOAD);
  if (size <= MAX_PAYLOAD) return { event, size: size + rest };
  return { event: { ...event, payload: undefined, isCut: true }, size: rest };
}

/** About how many characters a value has as JSON. Stops counting soon after `limit`. */
export function sizeOf(value: unknown, limit: number): number {
  let size = 0;
  const left: unknown[] = [value];
  while (left.length > 0 && size <= limit) {
    const one = left.pop();
    if (typeof one === 'string') size += one.length + 2;
    else if (Array.isArray(one)) {
      size += one.length + 2;
      if (size <= limit) left.push(...one);
    } else if (isObject(one)) {
      for (const [name, inner] of Object.entries(one)) {
        size += name.length + 4;
        left.push(inner);
        if (size > limit) break;
      }
    } else size += 6;
  }
  return size;
}

/** What of the events somebody wants to see. */
export interface EventFilter {
  /** A kind, or the beginning of kinds (`approval.`); empty: all. */
  kind: string;
  /** Words that it has in its kind, agent, message or payload, each somewhere, in capitals or not. */
  text: string;
}

/** Those of the events that are wanted. */
export function filtered(events: readonly KeptEvent[], { kind, text }: EventFilter): readonly KeptEvent[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (kind === '' && words.length === 0) return events;
  return events.filter((event) => {
    const fits = kind === '' || event.kind === kind || (kind.endsWith('.') && event.kind.startsWith(kind));
    if (!fits || words.length === 0) return fits;
    const whole = `${event.kind} ${event.agent_id ?? ''} ${event.message} ${textOf(event)}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
}

/** What is looked through of a payload: made once for each event. */
const texts = new WeakMap<KeptEvent, string>();
function textOf(event: KeptEvent): string {
  let text = texts.get(event);
  if (text === undefined) {
    text = JSON.stringify(event.payload) ?? '';
    texts.set(event, text);
  }
  return text;
}

/** The kinds that there are among events, and what several begin with: what a filter may be set to. */
export function kindsOf(events: readonly KeptEvent[]): readonly string[] {
  const kinds = [...new Set(events.map(({ kind }) => kind))].sort();
  const families = new Map<string, number>();
  for (const kind of kinds) {
    const family = kind.slice(0, kind.indexOf('.') + 1);
    if (family !== '') families.set(family, (families.get(family) ?? 0) + 1);
  }
  const several = [...families].filter(([, count]) => count > 1).map(([family]) => family);
  return [...several, ...kinds].sort();
}
