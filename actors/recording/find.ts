import type { z } from 'zod';
import { parseJson } from '../../protocol/parse-json.ts';
import type { inspectTurnsParams, RecordedTurn } from '../../protocol/recording.ts';
import { atBroker } from '../kernel/at-broker.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { inSlices } from '../kernel/slices.ts';
import { Fitting } from '../requests/fitting.ts';
import type { Line } from './line.ts';
import type { Shelf } from './shelf.ts';
import type { Tape } from './tape.ts';

/** What `inspect.turns` asks for. */
export type Query = z.output<typeof inspectTurnsParams>;

/** What it finds. */
export interface Found {
  /** As JSON. */
  rows: string[];
  cursor: string | undefined;
  isTruncated: boolean;
}

/** Tapes that are looked at in one step, where no text is looked for. */
const TAPES_A_STEP = 100;

/**
 * Looks for turns, a slice in each turn of the event loop: there may be 64 MiB of text to look through (law 1).
 * @param isOver - nobody waits for it any more
 */
export function findTurns(kernel: Kernel, shelf: Shelf, query: Query, isOver: () => boolean): Promise<Found> {
  const rows: RecordedTurn[] = [];
  const now = kernel.clock.now();
  let hasMore = false;
  return new Promise((resolve) => {
    const steps = look(shelf.newestFirst(), query, (tape) => {
      hasMore = rows.length === query.limit;
      if (!hasMore) rows.push({ ...tape.told(now), ...atBroker(kernel) });
      return hasMore;
    });
    const guarded = (function* () {
      for (const step of steps) {
        if (isOver()) return;
        yield step;
      }
    })();
    inSlices(
      kernel,
      'a search in what is recorded',
      guarded,
      (step) => step(),
      () => {
        const fitting = new Fitting();
        const texts = fitting.first(rows);
        const isShort = texts.length < rows.length;
        const last = rows[texts.length - 1]?.turn_id;
        resolve({ rows: texts, cursor: hasMore || isShort ? last : undefined, isTruncated: fitting.isTruncated });
      },
    );
  });
}

/** The steps of a search, each to be called before the next is asked for. `found`: true: that is enough. */
function* look(tapes: readonly Tape[], query: Query, found: (tape: Tape) => boolean): Generator<() => void> {
  const words = query.text?.toLowerCase();
  let looked = 0;
  for (const tape of tapes) {
    looked += 1;
    if (looked % TAPES_A_STEP === 0) yield () => {};
    if (!fits(tape, query)) continue;
    if (words !== undefined && words !== '') {
      const search = new Search(words);
      for (const word of tape.summary.words) search.take(word, true);
      // What is said at this moment counts, too.
      tape.cutText(!tape.isLive);
      for (const line of tape.lines) {
        if (search.isFound) break;
        if (isText(line)) yield () => search.take(textOf(line), false);
      }
      if (!search.isFound) continue;
    }
    if (found(tape)) return;
  }
}

function fits({ summary, turnId }: Tape, { agent, state, tool, since, until, cursor }: Query): boolean {
  return (
    (cursor === undefined || turnId < cursor) &&
    (agent === undefined || summary.agentId === agent) &&
    (state === undefined || state.length === 0 || state.includes(summary.state)) &&
    (tool === undefined || summary.hasCalled(tool)) &&
    (since === undefined || summary.startedAt >= since) &&
    (until === undefined || summary.startedAt < until)
  );
}

/** One that was read from a store is JSON. */
const isText = (line: Line) => typeof line !== 'string' || /^"at":-?\d+,"type":"text"/.test(line);

function textOf(line: Line): string {
  if (typeof line !== 'string') return line.text;
  return String((parseJson(`{${line}`) as { text?: unknown }).text ?? '');
}

/** Looks for words in texts that come in pieces: they may stand across two of them. */
class Search {
  readonly #words: string;
  #end = '';
  isFound = false;

  constructor(words: string) {
    this.#words = words;
  }

  /** @param isWhole - what follows is another text */
  take(text: string, isWhole: boolean): void {
    if (this.isFound) return;
    const whole = this.#end + text.toLowerCase();
    this.isFound = whole.includes(this.#words);
    const { length } = this.#words;
    this.#end = isWhole || length < 2 ? '' : whole.slice(1 - length);
  }
}
