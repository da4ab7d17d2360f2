import type { RecordedTurn } from '../../../protocol/recording.ts';
import { methodOf } from '../../charts/payload.ts';
import type { Story } from '../../charts/sequence.ts';
import { outcomeWords, subjectOf } from '../../charts/sequence-names.ts';
import type { Span } from '../../charts/sequence-spans.ts';
import { count } from '../../format.ts';
import type { RecordedLog, SaidText } from './recorded-log.ts';

/** So many rows are drawn: of more the first ones. */
const MAX_ROWS = 500;
/** Runs of text that are nearer than this part of the whole are one segment. */
const NEAR = 1 / 400;

/** What a row of the waterfall is about. */
export type RowKind = 'accepted' | 'first-token' | 'streaming' | 'tool' | 'wait' | 'away';

/** One stretch of time. Unix milliseconds. */
export interface Segment {
  readonly from: number;
  readonly until: number;
  /** The record that it begins with. */
  readonly event: number;
}

/** One thing that took time. */
export interface WaterfallRow {
  readonly kind: RowKind;
  readonly name: string;
  /** In order, never empty. */
  readonly segments: readonly Segment[];
  /** Milliseconds, all segments together. */
  readonly took: number;
  /** It has not ended. */
  readonly isOpen: boolean;
  readonly tone: 'bad' | 'warn' | undefined;
  /** How it ended. */
  readonly note: string;
}

/** Where the time of a turn went. Times are Unix milliseconds. */
export interface Waterfall {
  readonly from: number;
  readonly until: number;
  readonly rows: readonly WaterfallRow[];
  readonly leftOut: number;
}

/** Makes the waterfall of a turn. What has not ended goes on to the newest record, or to the turn's end. */
export function waterfallOf(turn: RecordedTurn, log: RecordedLog, story: Story): Waterfall {
  const { messages } = story.log;
  const from = Math.min(turn.started_at, messages[0]?.at ?? turn.started_at);
  const until = Math.max(from, turn.ended_at ?? log.lastAt);
  const rows = [
    ...beginnings(turn, log, story, { from, until }),
    ...streaming(log.texts, until - from),
    ...story.spans.filter(takesTime).map((span) => rowOf(span, until)),
    ...absences(log, until),
  ];
  rows.sort((a, b) => (a.segments[0]?.from ?? 0) - (b.segments[0]?.from ?? 0));
  return { from, until, rows: rows.slice(0, MAX_ROWS), leftOut: Math.max(0, rows.length - MAX_ROWS) };
}

/** From the request to the agent's word, and from there to the first token. */
function beginnings(
  turn: RecordedTurn,
  { texts }: RecordedLog,
  { spans }: Story,
  { from, until }: { from: number; until: number },
): WaterfallRow[] {
  const asked = spans.find((span) => /^agents?\.chat$/.test(methodOf(span.start.legs[0]?.payload) ?? ''));
  const first = texts[0];
  const event = asked?.start.legs[0]?.sequence ?? 0;
  const acceptedAt = asked?.end ? timeOf(asked) : undefined;
  const isRefused = asked?.outcome?.isBad === true;
  const rows: WaterfallRow[] = [];
  if (asked) {
    const end = acceptedAt ?? turn.ended_at ?? until;
    rows.push({
      kind: 'accepted',
      name: isRefused ? 'refused' : 'accepted',
      segments: [{ from, until: end, event }],
      took: end - from,
      isOpen: acceptedAt === undefined && turn.ended_at === undefined,
      tone: isRefused ? 'bad' : undefined,
      note: isRefused && asked.outcome ? outcomeWords(asked.outcome) : '',
    });
  }
  if (first && !isRefused) {
    const begin = Math.min(first.at, acceptedAt ?? from);
    const segments = [{ from: begin, until: first.at, event: first.sequence }];
    const took = first.at - begin;
    rows.push({ kind: 'first-token', name: 'first token', segments, took, isOpen: false, tone: undefined, note: '' });
  }
  return rows;
}

function streaming(texts: readonly SaidText[], whole: number): WaterfallRow[] {
  if (texts.length === 0) return [];
  const segments: { from: number; until: number; event: number }[] = [];
  let tokens = 0;
  let took = 0;
  for (const { at, until, sequence, count: more } of texts) {
    tokens += more;
    const last = segments.at(-1);
    took += until - at;
    if (last && at - last.until <= whole * NEAR) {
      // Tokens that were told of one by one have no length of their own: the time between them is theirs.
      took += Math.max(0, at - last.until);
      last.until = Math.max(last.until, until);
    } else segments.push({ from: at, until, event: sequence });
  }
  const name = `streaming, ${count(tokens)} token${tokens === 1 ? '' : 's'}`;
  return [{ kind: 'streaming', name, segments, took, isOpen: false, tone: undefined, note: '' }];
}

/** The agent's tools, and whatever waits for a person. A call on its way to the host is a part of the agent's. */
function takesTime({ kind, start }: Span): boolean {
  const from = start.legs[0]?.fromParty;
  return kind === 'wait' || (kind === 'tool' && from !== 'callbacks');
}

function rowOf(span: Span, until: number): WaterfallRow {
  const { kind, start, end, outcome } = span;
  const from = start.legs[0]?.at ?? 0;
  const ended = end ? timeOf(span) : until;
  const segment = { from, until: Math.max(from, ended), event: start.legs[0]?.sequence ?? 0 };
  const isWait = kind === 'wait';
  return {
    kind: isWait ? 'wait' : 'tool',
    name: isWait ? `person: ${subjectOf(span)}` : subjectOf(span),
    segments: [segment],
    took: segment.until - from,
    isOpen: end === undefined,
    tone: outcome?.isBad ? 'bad' : isWait ? 'warn' : undefined,
    note: outcome ? outcomeWords(outcome) : '',
  };
}

/** When its host, or its agent, was gone. */
function absences({ turn, lastAt }: RecordedLog, until: number): WaterfallRow[] {
  return (['host', 'agent'] as const).flatMap((who) => {
    const segments: { from: number; until: number; event: number }[] = [];
    let isAway = false;
    for (const { at, state, sequence } of turn?.marks ?? []) {
      const wasAway = isAway;
      isAway = state.some((path) => path === `live.${who}.away` || path === `live.${who}.recovering`);
      const last = segments.at(-1);
      if (isAway && !wasAway) segments.push({ from: at, until: Math.max(at, until, lastAt), event: sequence });
      else if (!isAway && wasAway && last) last.until = at;
    }
    if (segments.length === 0) return [];
    const took = segments.reduce((sum, one) => sum + one.until - one.from, 0);
    return [
      { kind: 'away' as const, name: `${who} away`, segments, took, isOpen: isAway, tone: 'warn' as const, note: '' },
    ];
  });
}

const timeOf = ({ end }: Span): number => end?.legs[0]?.at ?? 0;
