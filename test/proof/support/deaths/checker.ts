import { ENDS, type Line } from './lines.ts';
import { conflictsIn, ofAttaches, ofEvents, ofSessions } from './together.ts';

/** What a host may be told where its agent has died, or its turn was lost. */
const LOST = new Set(['agent_disconnected', 'agent_replaced']);
/** What was heard so long before a copy was begun is in it. Milliseconds. */
const IN_COPY_MS = 500;

/** All that is known of one chat. */
interface Story {
  prompt: string;
  asked?: Line;
  opened: Line[];
  /** What its hosts have read, one behind the other. */
  events: Line[];
  failed: Line[];
  /** By turn, what agents have said for it. */
  emitted: Map<string, string>;
  turns: Line[];
  /** How much of its text its agent was let forget. Characters. */
  released: number;
  /** Calls of its tool that came to nothing. */
  lost: Line[];
  /** What was read of it in other homes, by reader. */
  copies: Map<string, Line[]>;
}

/**
 * What is wrong with what happened; nothing, where all is as docs/reliability.md promises. It reads what the processes wrote, after the
 * fact, and knows nothing else of them.
 */
export function faultsOf(lines: readonly Line[]): string[] {
  const faults = lines.filter(({ op }) => op === 'fault');
  const conflicts = conflictsIn(lines);
  const stories = [...storiesOf(lines).values()];
  return stories
    .flatMap((story) => [...ofChat(story, faults, conflicts, stories), ...ofCopies(story, faults)])
    .concat(ofRuns(lines), ofApprovals(lines), ofAttaches(lines), ofSessions(lines), ofEvents(lines));
}

function storiesOf(lines: readonly Line[]): Map<string, Story> {
  const stories = new Map<string, Story>();
  for (const line of lines) {
    const { prompt, op, type, turn = '', who } = line;
    if (prompt === undefined) continue;
    let story = stories.get(prompt);
    if (!story) {
      story = {
        prompt,
        opened: [],
        events: [],
        failed: [],
        emitted: new Map(),
        turns: [],
        released: 0,
        lost: [],
        copies: new Map(),
      };
      stories.set(prompt, story);
    }
    if (op === 'event') story.events.push(line);
    else if (op === 'copied') story.copies.set(who, [...(story.copies.get(who) ?? []), line]);
    else if (op === 'emit') story.emitted.set(turn, (story.emitted.get(turn) ?? '') + line.text);
    else if (op === 'released') story.released = Math.max(story.released, line.length ?? 0);
    else if (op === 'tool' && type === 'fail') story.lost.push(line);
    else if (op === 'turn' && type === 'invoke') story.turns.push(line);
    else if (op === 'chat' && type === 'invoke') story.asked = line;
    else if (op === 'chat' && type === 'ok') story.opened.push(line);
    else if (op === 'chat' && type === 'fail') story.failed.push(line);
  }
  return stories;
}

function ofChat(
  story: Story,
  faults: readonly Line[],
  conflicts: ReadonlySet<string>,
  stories: readonly Story[],
): string[] {
  const { prompt, asked, opened, events, failed } = story;
  const say = (fault: string) => `${prompt}: ${fault}`;
  if (!asked) return [say('nobody has asked for it')];
  const turns = new Set(opened.map(({ turn }) => turn));
  if (turns.size > 1) return [say(`was opened as ${[...turns].join(', ')}`)];
  const [end] = events.filter(({ kind = '' }) => ENDS.has(kind));
  const until = (end ?? failed[0])?.t ?? Number.POSITIVE_INFINITY;
  const during = (fault: string) => faults.some(({ fault: what, t }) => what === fault && t > asked.t && t < until);
  const isDying = (name = '') => deathsOf(name, faults).some(({ from, to }) => from < until && to > asked.t);
  const isCut = during('cut tail');
  if (turns.size === 0) {
    const disk = faults.findLast(({ fault = '', t }) => fault.startsWith('disk ') && t < until);
    const isFull = disk?.fault === 'disk full';
    return neverOpened(story, { isCut, isFull, isKilled: isDying(nameOf(asked)) }).map(say);
  }
  const found = inOrder(events, isCut).map(say);
  const turn = opened[0]?.turn ?? '';
  const said = story.emitted.get(turn) ?? '';
  const text = textOf(events);
  const runs = story.turns.filter((line) => line.turn === turn);
  const isAgentDead = isDying(asked.agent);
  if (!said.startsWith(text)) found.push(say(`its agent has not said ${differing(said, text)}`));
  if (!end) {
    // What a power cut has taken is told to its host as an error, where nobody else has it.
    if (!isCut || failed.length === 0) found.push(say(`has no end${failed[0] ? `: ${failed[0].text}` : ''}`));
  } else if (end.kind === 'done') {
    if (text !== said) found.push(say(`ends without ${differing(text, said)}`));
  } else {
    const isExplained =
      end.code === 'session_conflict' ? conflicts.has(prompt) : LOST.has(end.code ?? '') && (isCut || isAgentDead);
    if (!isExplained) found.push(say(`ends with ${end.kind} ${end.code}`));
    if (!isCut && text.length < story.released)
      found.push(say(`lacks ${differing(text, said)}, which its agent may forget`));
  }
  const deaths = faults.filter(({ fault, t }) => fault === `kill ${nameOf(asked)}` && t > asked.t);
  for (const { code, t } of story.lost)
    if (code === 'unknown_outcome' && !deaths.some((death) => death.t < t) && !hasTakenUp(stories, story, t))
      found.push(say('its host has forgotten its tool'));
  // It has died between taking it and beginning with it.
  if (runs.length !== 1 && !(isAgentDead && runs.length === 0))
    found.push(say(`its agent has run it ${runs.length} times`));
  return found;
}

/**
 * Whether this chat's host reads, in the same session, one that an earlier life of it has opened: two brokers had a turn each in it, and
 * did not know yet. A call of its tool may be that one's, of which it cannot know what became.
 */
function hasTakenUp(stories: readonly Story[], { asked }: Story, at: number): boolean {
  return stories.some(
    ({ asked: other, opened, events }) =>
      other?.session !== undefined &&
      other.session === asked?.session &&
      other.who !== asked.who &&
      opened.some(({ who, t }) => who === asked.who && t < at) &&
      !events.some(({ kind = '', t }) => ENDS.has(kind) && t < at),
  );
}

function neverOpened(
  { events, failed }: Story,
  { isCut, isFull, isKilled }: { isCut: boolean; isFull: boolean; isKilled: boolean },
): string[] {
  if (events.length > 0) return ['has events, and was never opened'];
  const why = failed[0];
  // Its host was killed before it knew.
  if (!why) return isKilled ? [] : ['nobody knows what became of it'];
  const isRefused = isFull && why.text?.includes('journal_bytes');
  return why.isRetryable || isCut || isRefused ? [] : [`was not opened: ${why.text}`];
}

/** `seq` goes on by one from event to event, and nothing follows the end. @param isCut of what was lost the text alone may be there. */
function inOrder(events: readonly Line[], isCut: boolean): string[] {
  const found: string[] = [];
  let last = 0;
  let isOver = false;
  /** By approval, who was told of it. */
  const told = new Map<string, string>();
  for (const { seq, from = seq, kind = '', isRecovered, approval = '', who } of events) {
    // Another process of its host is told again what waits for a person.
    const isToldAgain = kind === 'approval_pending' && told.has(approval) && told.get(approval) !== who;
    if (kind === 'approval_pending') told.set(approval, who);
    if (isToldAgain) continue;
    if (isOver) found.push(ENDS.has(kind) ? `has another end: ${kind}` : `${kind} after its end`);
    if (ENDS.has(kind)) isOver = true;
    if (seq === undefined || from === undefined) continue;
    if (from <= last) found.push(`${seq} twice`);
    // A terminal of the broker's own is numbered behind what its host has claimed.
    else if (from > last + 1 && kind !== 'error' && !(isCut && isRecovered))
      found.push(`${from} where ${last + 1} was due`);
    last = Math.max(last, seq);
  }
  return found;
}

function ofCopies({ prompt, copies, emitted, opened, events, asked }: Story, faults: readonly Line[]): string[] {
  const found: string[] = [];
  const said = emitted.get(opened[0]?.turn ?? '') ?? '';
  for (const [who, copied] of copies) {
    const say = (fault: string) => found.push(`${prompt}, as ${who} reads it: ${fault}`);
    const at = faults.find(({ fault }) => fault === `copy for ${who}`)?.t ?? 0;
    const isCut = faults.some(({ fault, t }) => fault === 'cut tail' && t > (asked?.t ?? 0) && t < at);
    const heard = copied.filter(({ type }) => type === 'info');
    for (const fault of inOrder(heard, isCut)) say(fault);
    const text = textOf(heard);
    if (!said.startsWith(text)) say(`its agent has not said ${differing(said, text)}`);
    if (isCut) continue;
    const due = textOf(events.filter(({ t }) => t < at - IN_COPY_MS));
    if (!text.startsWith(due)) say(`lacks ${differing(text, due)}`);
    if (!heard.some(({ kind = '' }) => ENDS.has(kind))) say(`has no end: ${copied.at(-1)?.text}`);
  }
  return found;
}

/** A tool runs once for an `action_id`, in one life of its host. */
function ofRuns(lines: readonly Line[]): string[] {
  const runs = new Map<string, number>();
  for (const { op, type, who, action } of lines)
    if (op === 'run' && type === 'invoke') runs.set(`${action} by ${who}`, (runs.get(`${action} by ${who}`) ?? 0) + 1);
  return [...runs].filter(([, times]) => times > 1).map(([what, times]) => `${what}: its tool ran ${times} times`);
}

/** An approval has one effect at its agent, and whoever hears that his decision was taken, or how it ended, hears of that one. */
function ofApprovals(lines: readonly Line[]): string[] {
  const found: string[] = [];
  const effects = new Map<string, string | undefined>();
  for (const { op, type, approval = '', resolution } of lines) {
    if (op !== 'approval' || type !== 'ok') continue;
    if (effects.has(approval)) found.push(`${approval}: has a second effect, ${resolution}`);
    effects.set(approval, resolution);
  }
  for (const { op, type, kind, approval = '', resolution } of lines) {
    const isTold = (op === 'decide' && type === 'ok') || (op === 'event' && kind === 'approval_resolved');
    const effect = effects.get(approval);
    // Its agent may have died with it.
    if (isTold && effect !== undefined && effect !== resolution)
      found.push(`${approval}: ${resolution} was told, ${effect} took effect`);
  }
  return found;
}

/** When somebody's lives have ended: written down before and after. */
function deathsOf(name: string, faults: readonly Line[]): { from: number; to: number }[] {
  const times = faults.filter(({ fault }) => fault === `kill ${name}`).map(({ t }) => t);
  return times.flatMap((from, n) => (n % 2 === 0 ? [{ from, to: times[n + 1] ?? from }] : []));
}

/** Whose life it was. */
const nameOf = ({ who }: Line) => who.split('/')[0];

const textOf = (events: readonly Line[]) => events.map(({ text = '' }) => text).join('');

/** Where the second text goes another way than the first, or on behind it. */
function differing(one: string, other: string): string {
  let at = 0;
  while (at < other.length && other[at] === one[at]) at += 1;
  return `${JSON.stringify(other.slice(at, at + 60))} at ${at}`;
}
