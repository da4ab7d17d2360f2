import type { RecordedTurn } from '../../../protocol/recording.ts';
import { field, methodOf, paramsOf } from '../../charts/payload.ts';
import type { Story } from '../../charts/sequence.ts';
import { eventOf } from '../../charts/sequence-happenings.ts';
import { givenOf, outcomeWords, subjectOf } from '../../charts/sequence-names.ts';
import type { Span } from '../../charts/sequence-spans.ts';
import type { RecordedLog, SaidText } from './recorded-log.ts';

/** One piece of what was said and done in a turn. Each has the record that it begins with, and when that was. */
export type TurnEntry = { readonly sequence: number; readonly at: number } & (
  | { readonly kind: 'prompt'; readonly text: string }
  | { readonly kind: 'text'; readonly pieces: SaidText[] }
  | {
      readonly kind: 'tool' | 'wait';
      readonly subject: string;
      readonly given: unknown;
      /** How it ended, and with which record; undefined: it has not. */
      readonly end:
        | { readonly sequence: number; readonly words: string; readonly isBad: boolean; readonly said: unknown }
        | undefined;
      /** Milliseconds. */
      readonly took: number | undefined;
    }
  | { readonly kind: 'note'; readonly label: string; readonly detail: unknown }
  | { readonly kind: 'end'; readonly title: string; readonly message: string; readonly isBad: boolean }
);
/** An entry of one kind. */
export type TurnEntryOf<K extends TurnEntry['kind']> = Extract<TurnEntry, { kind: K }>;

const TOLD_BY_SPANS = /^(token|tool_call|tool_result|approval_pending|approval_resolved|gate_pending|gate_resolved)$/;
const ENDS = /^(done|error|auth_required)$/;

/** What was said and done in a turn, in order. */
export function transcriptOf(turn: RecordedTurn, log: RecordedLog, story: Story): TurnEntry[] {
  const entries: TurnEntry[] = [promptOf(turn, story), ...story.spans.filter(isSaid).map(entryOf)];
  let hasEnd = false;
  let done = '';
  for (const { legs } of story.happenings) {
    const [first] = legs;
    const chat = first && eventOf(first);
    if (!chat || TOLD_BY_SPANS.test(chat.kind)) continue;
    const { sequence, at } = first;
    if (!ENDS.test(chat.kind)) {
      const { kind: _, session_id: _s, turn_id: _t, agent_id: _a, seq: _q, ...detail } = chat.params;
      entries.push({ kind: 'note', sequence, at, label: chat.kind, detail });
    } else if (!hasEnd) {
      hasEnd = true;
      done = field(chat.params, 'text') ?? '';
      entries.push({ kind: 'end', sequence, at, ...wordsOf(chat.kind, chat.params) });
    }
  }
  if (!hasEnd && turn.ended_at !== undefined) {
    const message = turn.error ? `${turn.error.message} (${turn.error.code})` : '';
    const isBad = turn.state !== 'done' && turn.state !== 'cancelled';
    entries.push({ kind: 'end', sequence: log.lastSequence, at: turn.ended_at, title: turn.state, message, isBad });
  }
  const texts: TurnEntry[] = log.texts.map((piece) => ({ kind: 'text', ...at(piece), pieces: [piece] }));
  // An agent that does not stream says all of it with its end.
  const end = entries.find(({ kind }) => kind === 'end');
  if (texts.length === 0 && done !== '' && end) {
    const piece = { sequence: end.sequence, at: end.at, until: end.at, text: done, count: 0, cut: 0 };
    texts.push({ kind: 'text', ...at(piece), pieces: [piece] });
  }
  return joined([...texts, ...entries].sort(inOrder));
}

const at = ({ sequence, at: when }: SaidText) => ({ sequence, at: when });

/** Of what has one number the end is the last. */
function inOrder(a: TurnEntry, b: TurnEntry): number {
  return a.sequence - b.sequence || Number(a.kind === 'end') - Number(b.kind === 'end');
}

/** Runs of text with nothing to be seen between them are one text. */
function joined(entries: readonly TurnEntry[]): TurnEntry[] {
  const all: TurnEntry[] = [];
  for (const entry of entries) {
    const last = all.at(-1);
    if (entry.kind === 'text' && last?.kind === 'text') last.pieces.push(...entry.pieces);
    else all.push(entry);
  }
  return all;
}

function promptOf(turn: RecordedTurn, { log: { messages } }: Story): TurnEntry {
  const asked = messages.find(
    ({ payload }) => methodOf(payload) === 'agents.chat' || methodOf(payload) === 'agent.chat',
  );
  const text = field(paramsOf(asked?.payload), 'prompt') ?? turn.prompt;
  return { kind: 'prompt', sequence: asked?.sequence ?? -1, at: asked?.at ?? turn.started_at, text };
}

function isSaid({ kind, start }: Span): boolean {
  return kind === 'wait' || (kind === 'tool' && start.legs[0]?.fromParty !== 'callbacks');
}

function entryOf(span: Span): TurnEntry {
  const first = span.start.legs[0];
  const params = paramsOf(first?.payload) as Record<string, unknown> | undefined;
  const { end, outcome } = span;
  const given = params && (givenOf(params) ?? params.details);
  const ended = end?.legs[0];
  return {
    kind: span.kind === 'wait' ? 'wait' : 'tool',
    sequence: first?.sequence ?? 0,
    at: first?.at ?? 0,
    subject: subjectOf(span),
    given,
    end: ended &&
      outcome && {
        sequence: ended.sequence,
        words: outcomeWords(outcome),
        isBad: outcome.isBad,
        said: outcome.said,
      },
    took: ended && Math.max(0, ended.at - (first?.at ?? 0)),
  };
}

function wordsOf(kind: string, params: Record<string, unknown>): { title: string; message: string; isBad: boolean } {
  const text = (name: string) => field(params, name) ?? '';
  switch (kind) {
    case 'done':
      return { title: text('finish_reason') || 'done', message: '', isBad: false };
    case 'error': {
      const code = params.code === undefined ? '' : ` (${String(params.code)})`;
      return { title: 'error', message: `${text('error')}${code}`, isBad: true };
    }
    default:
      return { title: 'sign-in needed', message: text('message'), isBad: true };
  }
}
