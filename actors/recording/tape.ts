import type { InspectedActor, InspectRecord } from '../../protocol/inspect.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { RecordedEvent, RecordedTurn } from '../../protocol/recording.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { SynthesizedTerminal } from '../turns/turn-messages.ts';
import type { Turn } from '../turns/turn-record.ts';
import type { TurnTape } from '../turns/turn-tape.ts';
import { Masking } from './masking.ts';
import type { Summary } from './summary.ts';
import { RUN_LENGTH, type Run, TextRun } from './text-run.ts';

/** A pause of this length ends a run of text: when it was is to be seen. Milliseconds. */
const PAUSE_MS = 1_000;
/** What a kept line takes besides its characters, and a tape besides its lines. */
const LINE_BYTES = 48;
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
export type Happening = Unnumbered<InspectRecord> | Unnumbered<Extract<RecordedEvent, { type: 'text' }>>;

/** What a tape tells the shelf. */
export interface TapeBudget {
  /** It takes that many bytes more, or less. */
  changed(bytes: number): void;
  /** Records of it went for want of room. */
  lost(count: number): void;
}

/**
 * What happened in one turn, in order, as lines of JSON: so it takes what it takes and no more, and is written and sent as it
 * is. A line has no number of its own: the first has {@link first}, and each that follows one more.
 */
export class Tape implements TurnTape {
  readonly turnId: string;
  readonly summary: Summary;
  /** The actors that were there before its first record, as JSON. */
  actors: string[] = [];
  /** Each is a record without its `{` and its number. */
  lines: string[] = [];
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
  /** The newest pieces of text: which record each is, 0 where there was no room for it, and how long it is. */
  readonly #texts: { readonly sequence: number; length: number }[] = [];
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
  token(delta: string, now: number): void {
    const run = this.#run;
    this.summary.token(now);
    this.isTouched = true;
    if (run.count > 0 && now - run.until > PAUSE_MS) this.cutText(true);
    if (!run.fits(delta.length)) {
      this.cutText(false);
      if (!run.fits(delta.length)) this.cutText(true);
    }
    if (delta.length > RUN_LENGTH) this.#longToken(delta, now);
    else run.add(delta, now);
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
    this.#grow(sizeOf(text));
  }

  /** One record. `isVital`: how the turn itself goes on, for which there is always some room. */
  add(happening: Happening, at: number, isVital = false): void {
    this.cutText(true);
    this.#push(happening, at, isVital);
  }

  /** Ends the run of text that there is, so that it can be read. `isOver`: what follows does not belong to it. */
  cutText(isOver: boolean): void {
    if (this.#run.isEmpty) return;
    const run = this.#run.take(isOver);
    if (run) this.#addText(run, 0);
  }

  #addText({ at, until, count, text }: Run, cut: number): void {
    const from = this.turn?.speaker?.ref as { sessionId?: string } | undefined;
    const masked = this.#masking.take(text);
    this.#takeBack(masked.back);
    const record = {
      type: 'text' as const,
      actor: this.actorId,
      from: from?.sessionId ?? null,
      until: Math.round(until),
      count,
      text: masked.text,
      ...(cut === 0 ? {} : { cut }),
    };
    const isKept = this.#push(record, at, false);
    this.#texts.push({ sequence: isKept ? this.last : 0, length: masked.text.length });
    if (this.#texts.length > MAX_TAKEN_BACK) this.#texts.shift();
    this.#noteRun();
  }

  /** So many characters at the end of what was said are the beginning of a secret, as is known by now: they go. */
  #takeBack(count: number): void {
    for (let left = count; left > 0; ) {
      const newest = this.#texts.at(-1);
      if (!newest) return;
      const gone = Math.min(left, newest.length);
      left -= gone;
      newest.length -= gone;
      if (newest.sequence >= this.first) this.#shorten(newest.sequence - this.first, gone);
      if (newest.length === 0) this.#texts.pop();
    }
  }

  #shorten(place: number, by: number): void {
    const line = this.lines[place] as string;
    const record = parseJson(`{${line}`) as { text: string };
    const shorter = writeJson({ ...record, text: record.text.slice(0, -by) }).slice(1);
    this.lines[place] = shorter;
    this.isRewritten = true;
    this.#grow(sizeOf(shorter) - sizeOf(line));
  }

  /** False where there is no room for it. */
  #push(happening: Happening, at: number, isVital: boolean): boolean {
    const line = lineOf(happening, at);
    const bytes = sizeOf(line);
    const most = isVital ? this.#maxBytes : this.#maxBytes * (1 - RESERVED);
    this.isTouched = true;
    if (this.#bytes + bytes > most) {
      this.#dropped += 1;
      this.#droppedAt = at;
      this.#budget.lost(1);
      return false;
    }
    this.#tellDropped();
    this.lines.push(line);
    this.#grow(bytes);
    return true;
  }

  /** Says how many records there was no room for, where that is. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const line = lineOf({ type: 'dropped', count: this.#dropped }, this.#droppedAt);
    this.#dropped = 0;
    this.lines.push(line);
    this.#grow(sizeOf(line));
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
    const lastGone = gone.at(-1) as string;
    const at = Number(/^"at":(\d+)/.exec(lastGone)?.[1] ?? 0);
    // One that stands for others counts as many.
    const line = lineOf({ type: 'dropped', count: gone.reduce((sum, one) => sum + countOf(one), 0) }, at);
    this.lines.unshift(line);
    this.first += count - 1;
    this.isRewritten = true;
    this.#budget.lost(gone.length);
    const actors = stillThere(this.actors, gone);
    const freed = sizeOfAll(gone) + sizeOfAll(this.actors) - sizeOfAll(actors);
    this.actors = actors;
    this.#grow(sizeOf(line) - freed);
  }

  /** The turn is over. What its actors still hear is added. */
  end(now: number): void {
    this.cutText(true);
    this.#tellDropped();
    this.#run.release();
    this.#noteRun();
    this.summary.ended(now);
    this.turn = undefined;
    this.isTouched = true;
  }

  /** Nothing of it counts any more. */
  release(): void {
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

  /** What it begins with was kept before a restart: that goes first. */
  precede({ lines, actors, first }: Pick<Tape, 'lines' | 'actors' | 'first'>, at: number): void {
    const before = this.actors.map((actor) =>
      lineOf({ type: 'started', actor: parseJson(actor) as InspectedActor }, at),
    );
    this.lines = [...lines, ...before, ...this.lines];
    this.actors = actors;
    this.first = first;
    const bytes = TAPE_BYTES + sizeOfAll(this.lines) + sizeOfAll(actors);
    this.#grow(bytes - this.#bytes);
  }

  #noteRun(): void {
    const bytes = this.#run.bytes;
    if (bytes !== this.#runBytes) this.#grow(bytes - this.#runBytes);
    this.#runBytes = bytes;
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.changed(bytes);
  }
}

function lineOf(happening: Happening, at: number): string {
  return writeJson({ at: Math.round(at), ...happening }).slice(1);
}

/** What a text takes: two bytes a character where one of them is beyond Latin-1. */
function sizeOf(text: string): number {
  return LINE_BYTES + (Buffer.byteLength(text) === text.length ? text.length : text.length * 2);
}

const sizeOfAll = (texts: readonly string[]) => texts.reduce((sum, text) => sum + sizeOf(text), 0);

/** The actors that were there behind these lines: whoever reads what follows has to know what they are. */
function stillThere(actors: readonly string[], gone: readonly string[]): string[] {
  const there = new Map(actors.map((text) => [(parseJson(text) as InspectedActor).id, text]));
  for (const line of gone) {
    if (!/^"at":-?\d+,"type":"(?:started|ended)"/.test(line)) continue;
    const record = parseJson(`{${line}`) as InspectRecord;
    if (record.type === 'started') there.set(record.actor.id, writeJson(record.actor));
    else if (record.type === 'ended') there.delete(record.actor);
  }
  return [...there.values()];
}

/** How many records a line stands for. */
function countOf(line: string): number {
  const dropped = /^"at":\d+,"type":"dropped","count":(\d+)}$/.exec(line);
  return dropped ? Number(dropped[1]) : 1;
}
