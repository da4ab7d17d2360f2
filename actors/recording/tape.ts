import type { InspectedActor, InspectRecord } from '../../protocol/inspect.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { RecordedTurn } from '../../protocol/recording.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { SynthesizedTerminal } from '../turns/turn-messages.ts';
import type { Turn } from '../turns/turn-record.ts';
import type { TurnTape } from '../turns/turn-tape.ts';
import { bytesOf, bytesOfAll, countOf, type Line, lineOf, releaseAll, TextLine, timeOf } from './line.ts';
import { Masking } from './masking.ts';
import type { Summary } from './summary.ts';
import type { TextBlocks } from './text-blocks.ts';
import { RUN_LENGTH, type Run, TextRun } from './text-run.ts';

/** A pause of this length ends a run of text: when it was is to be seen. Milliseconds. */
const PAUSE_MS = 1_000;
/** What a tape takes besides its lines. */
const TAPE_BYTES = 1_024;
/** This part of a turn's room is kept back for how it ended. */
const RESERVED = 1 / 8;
/** Characters of one token that are kept. */
const MAX_DELTA = 64 * 1024;
/** Actors of which is known that they were told of: a turn may have tool calls without end. */
const MAX_MET = 1_024;
/** Pieces of text of which the end can be taken back. */
const MAX_TAKEN_BACK = 32;

type Unnumbered<R> = R extends unknown ? Omit<R, 'sequence' | 'at'> : never;
/** A record that is still to get its number and its time. */
export type Happening = Unnumbered<InspectRecord>;

/** What a tape tells the shelf, and has of it. */
export interface TapeBudget {
  /** Where all texts are kept. */
  readonly blocks: TextBlocks;
  /** It takes that many bytes more, or less. */
  changed(bytes: number): void;
  /** Records of it went for want of room. */
  lost(count: number): void;
}

/**
 * What happened in one turn, in order, as lines of JSON: so it takes what it takes and no more, and is written and sent as it
 * is. Its text, which is most of it, becomes JSON for whoever reads it. A line has no number of its own: the first has
 * {@link first}, and each that follows one more.
 */
export class Tape implements TurnTape {
  readonly turnId: string;
  readonly summary: Summary;
  /** The actors that were there before its first record, as JSON. */
  actors: string[] = [];
  lines: Line[] = [];
  /** The number of the first of them. */
  first = 1;
  /** While it is live: the turn, and the actors by which its text is known. */
  turn: Turn | undefined;
  actorId = '';
  /** Which actors it has told of, the one that was heard of last at the end. */
  readonly #met = new Set<string>();
  readonly #budget: TapeBudget;
  readonly #maxBytes: number;
  readonly #run = new TextRun();
  readonly #masking = new Masking();
  /** The newest pieces of text, and how much of each still stands. Of one that is kept no longer nothing is there. */
  readonly #texts: { readonly line: TextLine; length: number }[] = [];
  #bytes = TAPE_BYTES;
  #runBytes = 0;
  #dropped = 0;
  #droppedAt = 0;
  /** How far a store has it: lines up to this number; and whether what it has is not to be added to. */
  stored = 0;
  isRewritten = false;
  /** Its line of a table has changed since it was stored. */
  isTouched = true;

  constructor(summary: Summary, budget: TapeBudget, maxBytes: number) {
    this.turnId = summary.turnId;
    this.summary = summary;
    this.#budget = budget;
    this.#maxBytes = maxBytes;
    budget.changed(TAPE_BYTES);
  }

  /** What it takes, in bytes, about. */
  get bytes(): number {
    return this.#bytes;
  }
  get isLive(): boolean {
    return this.turn !== undefined;
  }
  /** The number of its newest record. */
  get last(): number {
    return this.first + this.lines.length - 1;
  }

  /** On every token's way: nothing is made here. */
  token(delta: string, clockNow: number): void {
    const run = this.#run;
    this.summary.token(clockNow);
    const now = this.summary.wall(clockNow);
    this.isTouched = true;
    if (run.count > 0 && now - run.until > PAUSE_MS) this.cutText(true);
    if (!run.fits(delta.length)) {
      this.cutText(false);
      if (!run.fits(delta.length)) this.cutText(true);
    }
    if (delta.length > RUN_LENGTH) this.#longToken(delta, now);
    else run.add(delta, now);
    if (run.bytes !== this.#runBytes) this.#noteRun();
  }

  #longToken(delta: string, now: number): void {
    const cut = Math.max(0, delta.length - MAX_DELTA);
    this.#addText({ at: now, until: now, count: 1, text: delta.slice(0, MAX_DELTA) }, cut);
  }

  synthesized(terminal: SynthesizedTerminal): void {
    if (terminal.kind === 'error') this.summary.failed(terminal.code, terminal.error);
    this.isTouched = true;
  }

  /** Whether this actor was told of; from now on it was. */
  hasMet(actorId: string): boolean {
    const hasMet = this.#met.delete(actorId);
    this.#met.add(actorId);
    // The one that has been heard of least lately. One that speaks again is told of again.
    if (this.#met.size > MAX_MET) this.#met.delete(this.#met.values().next().value as string);
    return hasMet;
  }

  /** An actor that was there before anything happened, or that comes later; and the same as JSON. */
  meet(actor: InspectedActor, text: string, at: number): void {
    if (this.lines.length > 0) {
      this.add({ type: 'started', actor }, at);
      return;
    }
    this.actors.push(text);
    this.#grow(bytesOf(text));
  }

  /** One record. `isVital`: how the turn itself goes on, for which there is always some room. */
  add(happening: Happening, clockAt: number, isVital = false): void {
    this.cutText(true);
    const at = this.summary.wall(clockAt);
    this.#push(lineOf(happening, at), at, isVital);
  }

  /** Ends the run of text that there is, so that it can be read. `isOver`: what follows does not belong to it. */
  cutText(isOver: boolean): void {
    if (this.#run.isEmpty) return;
    const run = this.#run.take(isOver);
    this.#noteRun();
    if (run) this.#addText(run, 0);
  }

  #addText(run: Run, cut: number): void {
    const from = this.turn?.speaker?.ref as { sessionId?: string } | undefined;
    const { text, back } = this.#masking.take(run.text);
    this.#takeBack(back);
    const saying = { actor: this.actorId, from: from?.sessionId ?? null, cut };
    const line = new TextLine({ ...run, text }, saying, this.#budget.blocks);
    this.#push(line, run.at, false);
    this.#texts.push({ line, length: text.length });
    if (this.#texts.length > MAX_TAKEN_BACK) this.#texts.shift();
  }

  /** So many characters at the end of what was said are the beginning of a secret, as is known by now: they go. */
  #takeBack(count: number): void {
    for (let left = count; left > 0; ) {
      const newest = this.#texts.at(-1);
      if (!newest) return;
      const gone = Math.min(left, newest.length);
      left -= gone;
      newest.length -= gone;
      this.#shorten(newest.line, gone);
      if (newest.length === 0) this.#texts.pop();
    }
  }

  #shorten(line: TextLine, by: number): void {
    const { bytes } = line;
    line.shorten(by);
    this.isRewritten = true;
    this.#grow(line.bytes - bytes);
  }

  #push(line: Line, at: number, isVital: boolean): void {
    const bytes = bytesOf(line);
    const most = isVital ? this.#maxBytes : this.#maxBytes * (1 - RESERVED);
    this.isTouched = true;
    if (this.#bytes + bytes > most) {
      this.#dropped += 1;
      this.#droppedAt = at;
      this.#budget.lost(1);
      releaseAll([line]);
      return;
    }
    this.#tellDropped();
    this.lines.push(line);
    this.#grow(bytes);
  }

  /** Says how many records there was no room for, where that is. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const line = lineOf({ type: 'dropped', count: this.#dropped }, this.#droppedAt);
    this.#dropped = 0;
    this.lines.push(line);
    this.#grow(bytesOf(line));
  }

  /** What there was no room for since the last record that there was room for, as one that says so. */
  pendingDrop(): string | undefined {
    if (this.#dropped === 0) return undefined;
    return `{"sequence":${this.last + 1},${lineOf({ type: 'dropped', count: this.#dropped }, this.#droppedAt)}`;
  }

  /** Gives up the older half of what there is: others need the room. */
  squeeze(): void {
    const count = Math.ceil(this.lines.length / 2);
    // One of two may be that which says what went before.
    if (this.lines.length < 3) return;
    const gone = this.lines.splice(0, count);
    const at = timeOf(gone.at(-1) as Line);
    // One that stands for others counts as many.
    const line = lineOf({ type: 'dropped', count: gone.reduce((sum, one) => sum + countOf(one), 0) }, at);
    this.lines.unshift(line);
    this.first += count - 1;
    this.isRewritten = true;
    this.#budget.lost(gone.length);
    const actors = stillThere(this.actors, gone);
    const freed = bytesOfAll(gone) + bytesOfAll(this.actors) - bytesOfAll(actors);
    releaseAll(gone);
    this.actors = actors;
    this.#grow(bytesOf(line) - freed);
  }

  /** The turn is over. What its actors still hear is added. */
  end(now: number): void {
    this.cutText(true);
    this.#tellDropped();
    this.summary.ended(now);
    this.turn = undefined;
    this.isTouched = true;
  }

  /** Nothing of it counts any more. */
  release(): void {
    releaseAll(this.lines);
    this.#budget.changed(-this.#bytes);
    this.#bytes = 0;
  }

  /** Its line of a table. `now`: the clock's milliseconds. */
  told(now: number): RecordedTurn {
    return this.summary.told(now);
  }

  /** One of its records as it is sent. */
  record(sequence: number): string {
    return `{"sequence":${sequence},${this.lines[sequence - this.first]}`;
  }

  /** What it begins with was kept before a restart: that goes first. `at`: Unix milliseconds. */
  precede({ lines, actors, first }: Pick<Tape, 'lines' | 'actors' | 'first'>, at: number): void {
    const before = this.actors.map((actor) =>
      lineOf({ type: 'started', actor: parseJson(actor) as InspectedActor }, at),
    );
    this.lines = [...lines, ...before, ...this.lines];
    this.actors = actors;
    this.first = first;
    const bytes = TAPE_BYTES + this.#runBytes + bytesOfAll(this.lines) + bytesOfAll(actors);
    this.#grow(bytes - this.#bytes);
  }

  #noteRun(): void {
    const { bytes } = this.#run;
    const more = bytes - this.#runBytes;
    this.#runBytes = bytes;
    if (more !== 0) this.#grow(more);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.changed(bytes);
  }
}

/** The actors that were there behind these lines: whoever reads what follows has to know what they are. */
function stillThere(actors: readonly string[], gone: readonly Line[]): string[] {
  const there = new Map(actors.map((text) => [(parseJson(text) as InspectedActor).id, text]));
  for (const line of gone) {
    if (typeof line !== 'string' || !/^"at":-?\d+,"type":"(?:started|ended)"/.test(line)) continue;
    const record = parseJson(`{${line}`) as InspectRecord;
    if (record.type === 'started') there.set(record.actor.id, writeJson(record.actor));
    else if (record.type === 'ended') there.delete(record.actor);
  }
  return [...there.values()];
}
