import { ENDS, type Line } from './lines.ts';

/* What is wrong with what several processes have seen of one another: who has an agent, who has a session, what all are told. */

/** Whoever is attached may be asked a moment after another has taken his place: until all have heard of it. Milliseconds. */
const HEARD_MS = 5_000;
/** What could not be asked or told while brokers were apart is put right within that, afterwards. Milliseconds. */
const SETTLED_MS = 12_000;

/** Times in which brokers may not have heard of each other, or what all know together could not be asked. */
function timesApart(lines: readonly Line[]): (t: number) => boolean {
  const spans: { from: number; to: number }[] = [];
  const open: { from: number; to: number }[] = [];
  for (const { op, fault, t } of lines) {
    if (op !== 'fault') continue;
    if (fault === 'apart') {
      const span = { from: t, to: Number.POSITIVE_INFINITY };
      spans.push(span);
      open.push(span);
    } else if (fault === 'together') {
      const span = open.shift();
      if (span) span.to = t + SETTLED_MS;
    }
  }
  return (t) => spans.some(({ from, to }) => t >= from && t <= to);
}

/** The newest connection of an agent has its chats: whoever was there before is asked for nothing, once that is known. */
export function ofAttaches(lines: readonly Line[]): string[] {
  const isApart = timesApart(lines);
  const found: string[] = [];
  const newest = new Map<string, { life: number; at: number }>();
  for (const { op, type, who, t, prompt } of lines) {
    const [name = '', life = 0] = who.split('/');
    const known = newest.get(name);
    if (op === 'attached' && Number(life) > (known?.life ?? 0)) newest.set(name, { life: Number(life), at: t });
    const isAsked = op === 'turn' && type === 'invoke';
    if (isAsked && known && Number(life) < known.life && t > known.at + HEARD_MS && !isApart(t))
      found.push(`${prompt}: ${who} is asked, and ${name}/${known.life} is there`);
  }
  return found;
}

interface Run {
  turn: string;
  prompt: string;
  agent: string;
  from: number;
  /** When its agent has written that it is over, or was killed. */
  to: number;
  /** When its host has heard that it is. */
  endedAt: number;
}

/** Two turns that were live in one session at the same time. */
interface Overlap {
  session: string;
  one: Run;
  other: Run;
}

/** What agents were asked for, in the order in which it was begun. */
function runsIn(lines: readonly Line[]): (Run & { session: string })[] {
  const runs = new Map<string, Run & { session: string }>();
  const byPrompt = new Map<string, Run[]>();
  for (const { op, type, who, t, turn = '', session, prompt = '', kind = '', fault } of lines) {
    if (op === 'turn' && type === 'invoke' && session !== undefined) {
      const agent = who.split('/')[0] ?? '';
      const never = Number.POSITIVE_INFINITY;
      const run = { turn, prompt, session, agent, from: t, to: never, endedAt: never };
      runs.set(turn, run);
      byPrompt.set(prompt, [...(byPrompt.get(prompt) ?? []), run]);
    } else if (op === 'turn') {
      const run = runs.get(turn);
      if (run) run.to = Math.min(run.to, t);
    } else if (op === 'event' && ENDS.has(kind)) {
      for (const run of byPrompt.get(prompt) ?? []) run.endedAt = Math.min(run.endedAt, t);
    } else if (op === 'fault' && fault?.startsWith('kill '))
      for (const run of runs.values()) if (fault === `kill ${run.agent}` && run.to > t) run.to = t;
  }
  return [...runs.values()];
}

function overlapsIn(lines: readonly Line[], runs = runsIn(lines)): Overlap[] {
  const sessions = new Map<string, Run[]>();
  for (const run of runs) {
    const others = sessions.get(run.session);
    if (others) others.push(run);
    else sessions.set(run.session, [run]);
  }
  // One that its host was never told of was not accepted: its broker died before, and its agent hears that later.
  const opened = new Set(lines.flatMap(({ op, type, turn }) => (op === 'chat' && type === 'ok' && turn ? [turn] : [])));
  return [...sessions].flatMap(([session, all]) =>
    all.flatMap((one, n) =>
      all
        .slice(n + 1)
        .filter(({ from }) => from < Math.min(one.to, one.endedAt) && opened.has(one.turn))
        .map((other) => ({ session, one, other })),
    ),
  );
}

/** Prompts of turns in whose session there was another one: of two, one may end for that. */
export function conflictsIn(lines: readonly Line[]): ReadonlySet<string> {
  return new Set(overlapsIn(lines).flatMap(({ one, other }) => [one.prompt, other.prompt]));
}

/** A session whose id was chosen has one live turn; where two brokers could not know of each other's, one of them ends. */
export function ofSessions(lines: readonly Line[]): string[] {
  const isApart = timesApart(lines);
  const runs = runsIn(lines);
  const overlaps = overlapsIn(lines, runs).flatMap(({ session, one, other }) => {
    const until = Math.min(one.to, one.endedAt, other.to, other.endedAt);
    const isExplained = isApart(other.from) && (isApart(until) || until === Number.POSITIVE_INFINITY);
    return isExplained ? [] : [`${other.prompt}: is live in ${session} while ${one.prompt} is`];
  });
  // Its agent hears of it as well; where nobody could tell it so then, a moment later.
  const endless = runs.filter(({ to, endedAt }) => to > endedAt + HEARD_MS && !isApart(endedAt));
  return [...overlaps, ...endless.map(({ prompt, agent }) => `${prompt}: has ended, and ${agent} goes on with it`)];
}

interface Hearing {
  epoch: string;
  seq: number;
  /** By origin: the last number of its notes, and how many warnings had come by then. */
  notes: Map<string, { n: number; warnings: number }>;
  /** How often it was told that it may have missed something. */
  warnings: number;
}

/**
 * What all are told has no gap in one connection, whoever numbers it; of each origin it comes in order, and what is missing of it
 * is told to be.
 */
export function ofEvents(lines: readonly Line[]): string[] {
  const found: string[] = [];
  const hearings = new Map<string, Hearing>();
  /** By reader and epoch: the last number. */
  const latest = new Map<string, number>();
  const said = new Map<string, number[]>();
  for (const { op, type, text = '' } of lines) {
    if (op !== 'note' || type !== 'ok') continue;
    const { origin, n } = noteOf(text);
    said.set(origin, [...(said.get(origin) ?? []), n]);
  }
  for (const { op, who, seq = 0, epoch = '', kind, text = '' } of lines) {
    if (op === 'subscribed') {
      const before = latest.get(`${who} ${epoch}`) ?? 0;
      if (seq < before) found.push(`${who}: is told ${seq} of ${epoch}, and has had ${before}`);
      hearings.set(who, { epoch, seq, notes: new Map(), warnings: 0 });
    } else if (op === 'told') {
      const hearing = hearings.get(who);
      if (!hearing) {
        found.push(`${who}: is told ${seq}, and has not asked`);
        continue;
      }
      if (seq !== hearing.seq + 1)
        found.push(`${who}: is told ${seq} of ${hearing.epoch} where ${hearing.seq + 1} was due`);
      hearing.seq = seq;
      latest.set(`${who} ${hearing.epoch}`, seq);
      if (kind === 'cluster.events_missed') hearing.warnings += 1;
      if (kind !== 'note') continue;
      const { origin, n } = noteOf(text);
      const last = hearing.notes.get(origin);
      hearing.notes.set(origin, { n, warnings: hearing.warnings });
      if (!last) continue;
      if (n <= last.n) found.push(`${who}: hears ${text} after ${last.n}`);
      const missing = (said.get(origin) ?? []).filter((one) => one > last.n && one < n);
      if (missing.length > 0 && last.warnings === hearing.warnings)
        found.push(`${who}: hears nothing of ${origin} ${missing[0]}`);
    }
  }
  return found;
}

/** A note's text is its origin, a connection of a host's, and its number. */
function noteOf(text: string): { origin: string; n: number } {
  const at = text.lastIndexOf(' ');
  return { origin: text.slice(0, at), n: Number(text.slice(at + 1)) };
}
