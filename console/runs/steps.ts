import type { InspectedActor } from '../../protocol/inspect.ts';
import type { RecordedEvent, RecordedTurnLog } from '../../protocol/recording.ts';

/** One thing that happened in a turn, as it is held against another turn's. */
export interface Step {
  /** Milliseconds since the turn began. */
  after: number;
  /** What happened, in a few words. */
  title: string;
  /** What was said with it; of what the agent streamed, that. */
  text: string;
  /** What makes it the same as another turn's: without ids and times. */
  key: string;
  /** The sequence of its (first) record. */
  sequence: number;
}

/** Actors whose doings make a turn; those of connections depend on who else is there. */
const PARTS = ['turn', 'callback', 'approval'];
/** So much of a payload is compared and shown. Characters. */
const MAX_TEXT = 4_000;

/** What happened in a turn, step by step. Text that comes in a row is one step, however it was cut into pieces. */
export function stepsOf({ turn, actors, records }: RecordedTurnLog): Step[] {
  const parts = new Map<string, InspectedActor>();
  for (const actor of actors) if (PARTS.includes(actor.machine)) parts.set(actor.id, actor);
  const steps: Step[] = [];
  for (const record of records) {
    if (record.type === 'started' && PARTS.includes(record.actor.machine)) parts.set(record.actor.id, record.actor);
    const step = stepOf(record, parts, record.at - turn.started_at);
    const last = steps.at(-1);
    if (step && last && isText(step) && isText(last)) {
      last.text += step.text;
      last.key = `text ${last.text}`;
    } else if (step) steps.push(step);
  }
  return steps;
}

const TEXT = 'text';
const isText = ({ title }: Step): boolean => title === TEXT;

function stepOf(record: RecordedEvent, parts: ReadonlyMap<string, InspectedActor>, after: number): Step | undefined {
  const { sequence } = record;
  if (record.type === 'dropped') {
    const title = `${record.count} records were left out`;
    return { after, sequence, title, text: '', key: 'dropped' };
  }
  // What somebody asked for: its prompt, a tool's parameters. Once, where it came in.
  if (record.type === 'event' && record.event === 'rpc.request' && record.from === null) {
    const { method, params } = Object(record.payload) as { method?: unknown; params?: unknown };
    const [title, text] = [`asked: ${String(method)}`, json(withoutIds(params))];
    return { after, sequence, title, text, key: `${title} ${text}` };
  }
  const actor = record.type === 'started' ? parts.get(record.actor.id) : parts.get(record.actor);
  if (!actor) return undefined;
  const name = actor.machine === 'callback' ? `tool ${actor.label ?? ''}`.trim() : actor.machine;
  switch (record.type) {
    case 'text':
      return { after, sequence, title: TEXT, text: record.text, key: `text ${record.text}` };
    case 'started':
      return { after, sequence, title: `${name} begins`, text: '', key: `${name} begins` };
    case 'event': {
      // Its own ending says more.
      if (record.event === 'child.done') return undefined;
      const text = json(withoutIds(record.payload));
      return { after, sequence, title: `${name} hears ${record.event}`, text, key: `${name} ${record.event} ${text}` };
    }
    case 'transition': {
      // What it knows has changed, not where it stands.
      if (String(record.state) === String(record.previous)) return undefined;
      const title = `${name} is ${record.state.map(leafOf).join(', ')}`;
      return { after, sequence, title, text: '', key: title };
    }
    default:
      return undefined;
  }
}

/** `live.work.streaming` as `work streaming`. */
const leafOf = (path: string): string => path.split('.').slice(-2).join(' ');

const ID = /\b[a-z]*-?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?:cb|sb)-\d+\b/g;
/** Fields that are another each time, and say nothing of what happened. */
const OTHER_EACH_TIME =
  /^(?!agent_id$)(?:id|bytes|.*_id|.*[Ii]d|a?seq|.*_seq|ts|timestamp|.*_at|.*_ms|.*Ms|deadline|traceparent|tracestate)$/;

/** A value without what is another one in each turn. */
function withoutIds(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(ID, '…');
  if (Array.isArray(value)) return value.map(withoutIds);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => !OTHER_EACH_TIME.test(name));
  return Object.fromEntries(fields.map(([name, inner]) => [name, withoutIds(inner)]));
}

function json(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text === '{}' ? '' : text.slice(0, MAX_TEXT);
}

/** Where two turns part. */
export interface Difference {
  /** The first step that is not the same: it has that place in both, or one of them has ended before. */
  step: number;
  /** Where in the text of that step; code units. */
  at: number;
}

/** The first difference of two turns; undefined: the same happened. */
export function firstDifference(one: readonly Step[], other: readonly Step[]): Difference | undefined {
  const length = Math.max(one.length, other.length);
  for (let step = 0; step < length; step += 1) {
    const [a, b] = [one[step], other[step]];
    if (a?.key === b?.key) continue;
    return { step, at: a && b && a.title === b.title ? commonLength(a.text, b.text) : 0 };
  }
  return undefined;
}

/** So many characters at the beginning are the same; a character is not cut in two. */
export function commonLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let at = 0;
  while (at < most && one[at] === other[at]) at += 1;
  const isHalf = at > 0 && /[\ud800-\udbff]/.test(one[at - 1] ?? '');
  return isHalf ? at - 1 : at;
}
