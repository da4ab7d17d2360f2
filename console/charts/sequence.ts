import type { Message, MessageLog } from './message-log.ts';
import { endsOf, type Happening, happeningsOf, isOutside } from './sequence-happenings.ts';
import { type Lifeline, lifelinesOf, type TurnFacts } from './sequence-lifelines.ts';
import { type ArrowName, nameOfHappening, nameOfMessage } from './sequence-names.ts';
import { type Span, spansOf, tookOf } from './sequence-spans.ts';

/** One arrow: from a lifeline to a lifeline, by their places. */
export interface Arrow {
  /** What it is of: the first of its legs. */
  readonly message: Message;
  /** Absent: a timer, or the socket, brought it. */
  readonly from: number | undefined;
  readonly to: number;
  readonly label: string;
  readonly tone: ArrowName['tone'];
  /** Milliseconds since the first message. */
  readonly after: number;
}

/** From the row of a request to that of its answer. */
export interface Bracket {
  /** Brackets that overlap stand beside each other. From 0. */
  readonly lane: number;
  readonly from: number;
  readonly to: number;
  /** Milliseconds; undefined where nobody has answered. */
  readonly took: number | undefined;
  readonly tone: 'bad' | 'warn' | undefined;
}

/** A turn's conversation, from left to right and from top to bottom. */
export interface Sequence {
  readonly lifelines: readonly Lifeline[];
  readonly arrows: readonly Arrow[];
  readonly brackets: readonly Bracket[];
  /** How many brackets stand side by side. */
  readonly lanes: number;
  /** Messages that were left out. */
  readonly forgotten: number;
  /** See {@link MessageLog}. */
  readonly isSampled: boolean;
}

/** What happened in a turn, and what was answered with what. */
export interface Story {
  readonly log: MessageLog;
  readonly happenings: readonly Happening[];
  readonly spans: readonly Span[];
  /** Answers and decisions, by the span that each is about. */
  readonly about: ReadonlyMap<Happening, Span>;
}

/** So many brackets stand beside each other; one more is left out. */
const LANES = 5;

/** Reads a turn's messages. */
export function storyOf(log: MessageLog): Story {
  const happenings = happeningsOf(log.messages);
  const { spans, about } = spansOf(happenings);
  return { log, happenings, spans, about };
}

/**
 * Makes the sequence of one turn. @param inside each message between the broker's actors is an arrow too; else one thing
 * that happened is one arrow.
 */
export function sequenceOf(story: Story, turn: TurnFacts, inside: boolean): Sequence {
  const { log, happenings, spans, about } = story;
  const start = log.messages[0]?.at ?? 0;
  const arrows: (Omit<Arrow, 'from' | 'to'> & Pick<Lines, 'from' | 'to'> & { of: Happening })[] = [];
  for (const of of happenings) {
    const span = about.get(of);
    if (inside) {
      for (const message of of.legs) {
        const { text: label, tone } = nameOfMessage(message, span);
        const { at, fromParty: from, toParty: to } = message;
        arrows.push({ message, from, to, label, tone, after: at - start, of });
      }
    } else if (isOutside(of)) {
      const message = of.legs[0] as Message;
      const { text: label, tone } = nameOfHappening(of, span);
      arrows.push({ message, ...endsOf(of), label, tone, after: message.at - start, of });
    }
  }
  if (inside) arrows.sort((a, b) => a.message.sequence - b.message.sequence);
  const lifelines = lifelinesOf(arrows, turn, inside);
  const places = new Map(lifelines.map(({ party }, place) => [party, place]));
  const placed = arrows.map(({ of, from, to, ...arrow }) => ({
    ...arrow,
    from: from === undefined ? undefined : places.get(from),
    to: places.get(to) ?? 0,
  }));
  const rows = rowsOf(arrows.map(({ of }) => of));
  return { lifelines, arrows: placed, ...bracketsOf(spans, rows), forgotten: log.forgotten, isSampled: log.isSampled };
}

type Lines = Parameters<typeof lifelinesOf>[0][number];
/** On which rows each thing stands, and how many rows there are. */
interface Rows {
  readonly at: ReadonlyMap<Happening, { readonly first: number; readonly last: number }>;
  readonly count: number;
}

function rowsOf(arrows: readonly Happening[]): Rows {
  const at = new Map<Happening, { first: number; last: number }>();
  for (const [row, of] of arrows.entries()) {
    const known = at.get(of);
    if (known) known.last = row;
    else at.set(of, { first: row, last: row });
  }
  return { at, count: arrows.length };
}

function bracketsOf(spans: readonly Span[], rows: Rows): Pick<Sequence, 'brackets' | 'lanes'> {
  const brackets: Bracket[] = [];
  /** The last row that each lane is taken for. */
  const taken: number[] = [];
  for (const span of spans) {
    const from = rows.at.get(span.start)?.first;
    const end = span.end && rows.at.get(span.end)?.last;
    // A tool, or a wait, that nobody has answered goes on. Of a request whose answer is not shown there is nothing to see.
    if (from === undefined || (end === undefined && (span.end || span.kind === 'request'))) continue;
    const to = end ?? rows.count - 1;
    const free = taken.findIndex((row) => row < from);
    const lane = free < 0 ? taken.length : free;
    if (lane >= LANES || to <= from) continue;
    taken[lane] = to;
    const tone = span.outcome?.isBad ? 'bad' : span.end === undefined || span.kind === 'wait' ? 'warn' : undefined;
    brackets.push({ lane, from, to, took: tookOf(span), tone });
  }
  return { brackets, lanes: taken.length };
}
