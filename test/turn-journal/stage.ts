import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, LogSnapshot, RecoveredLog, RecoveredTurn, TurnJournalState } from '../../protocol/turn-journal.ts';
import type { FileTurnJournal } from '../../turn-journal/file-turn-journal.ts';
import { openTurnJournal, type TurnJournalInternals, type TurnJournalOptions } from '../../turn-journal/open.ts';

/** An event as a log keeps it. */
export type Kept =
  | { seq: number; delta: string }
  | { seq: number; text: string; delta: string | undefined; isTerminal: boolean };

/** What a broker knows of one turn: the plain model that a journal is held against. */
export class ModelTurn {
  facts: Json;
  notes = new Map<string, Json>();
  ended: { ending: string; at: number } | undefined;
  seq = 0;
  aseq = 0;
  events: Kept[] = [];
  firstSeq = 1;
  dropped: string[] | undefined = [];
  textLength = 0;

  constructor(facts: Json) {
    this.facts = facts;
  }

  get hasTerminal(): boolean {
    const last = this.events.at(-1);
    return last !== undefined && 'text' in last && last.isTerminal;
  }

  /** All deltas, joined; undefined where some were lost. */
  get text(): string | undefined {
    return this.dropped && this.dropped.join('') + this.events.map(({ delta }) => delta ?? '').join('');
  }

  keep(event: Kept): void {
    this.seq = event.seq;
    this.events.push(event);
    this.textLength += event.delta?.length ?? 0;
  }

  /** Lets go of its oldest events, as a log does: of all but its terminal. */
  drop(count: number): void {
    const spare = this.events.length - (this.hasTerminal ? 1 : 0);
    for (const event of this.events.splice(0, Math.min(count, spare))) {
      this.dropped?.push(event.delta ?? '');
      this.firstSeq = event.seq + 1;
    }
  }

  snapshot(): LogSnapshot {
    const { seq, aseq, firstSeq, dropped, textLength, hasTerminal } = this;
    const entries = this.events.map((event) =>
      'text' in event ? { text: event.text, delta: event.delta } : event.delta,
    );
    return { seq, aseq, firstSeq, entries, hasTerminal, dropped: dropped && [...dropped], textLength };
  }

  /** To be compared: what must be the same after a restart. */
  get told() {
    const { facts, ended, seq, aseq, hasTerminal, text, textLength } = this;
    return {
      facts,
      notes: Object.fromEntries([...this.notes].sort()),
      ended,
      seq,
      aseq,
      hasTerminal,
      text,
      textLength,
    };
  }
}

/** What is in a directory now, as it would be found after a crash. Of files that go meanwhile each is there, or is not. */
export function copyOf(directory: string, into: string): void {
  mkdirSync(into, { recursive: true });
  for (let before = ''; ; ) {
    const names = readdirSync(directory);
    if (names.join() === before) return;
    before = names.join();
    for (const name of readdirSync(into)) rmSync(join(into, name));
    for (const name of names) {
      try {
        copyFileSync(join(directory, name), join(into, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }
}

/** A broker that keeps nothing but turns, and tells a journal of them. */
export class ModelBroker {
  readonly journal: FileTurnJournal;
  readonly turns = new Map<number, ModelTurn>();
  readonly states: [TurnJournalState, string | undefined][] = [];

  private constructor(journal: FileTurnJournal) {
    this.journal = journal;
    journal.attach({
      snapshot: (turn) => this.turns.get(turn)?.snapshot(),
      stateChanged: (state, why) => this.states.push([state, why]),
    });
  }

  static async start(options: TurnJournalOptions, internals?: TurnJournalInternals): Promise<ModelBroker> {
    const broker = new ModelBroker(await openTurnJournal(options, internals));
    await broker.journal.replay((turn) => broker.#recover(turn));
    return broker;
  }

  open(facts: Json): number {
    const turn = this.journal.open(facts);
    this.turns.set(turn, new ModelTurn(facts));
    return turn;
  }

  token(turn: number, delta: string, isNumbered = true): void {
    const model = this.#of(turn);
    if (isNumbered) model.aseq += 1;
    this.journal.token(turn, model.seq + 1, isNumbered ? model.aseq : 0, delta);
    model.keep({ seq: model.seq + 1, delta });
  }

  frame(turn: number, text: string, delta: string | undefined, isTerminal = false, leftOut = 0): void {
    const model = this.#of(turn);
    model.aseq += 1;
    const seq = model.seq + 1 + leftOut;
    this.journal.frame(turn, seq, model.aseq, text, delta, isTerminal, model.seq);
    model.keep({ seq, text, delta, isTerminal });
  }

  skip(turn: number): void {
    const model = this.#of(turn);
    model.aseq += 1;
    this.journal.skip(turn, model.aseq);
  }

  note(turn: number, name: string, value: Json | undefined): void {
    const { notes } = this.#of(turn);
    if (value === undefined) notes.delete(name);
    else notes.set(name, value);
    this.journal.note(turn, name, value);
  }

  end(turn: number, ending: 'done' | 'failed', at: number): void {
    this.#of(turn).ended = { ending, at };
    this.journal.end(turn, ending, at);
  }

  forget(turn: number): void {
    this.turns.delete(turn);
    this.journal.forget(turn);
  }

  /** All that is known, to be compared. */
  get told() {
    return [...this.turns].sort(([a], [b]) => a - b).map(([turn, model]) => [turn, model.told] as const);
  }

  /** Resolves when all that was said so far may be relied on. */
  settled(): Promise<void> {
    return new Promise((resolve) => this.journal.whenSettled(this.journal.position, resolve));
  }

  #of(turn: number): ModelTurn {
    const model = this.turns.get(turn);
    if (!model) throw new Error(`no turn ${turn}`);
    return model;
  }

  #recover(found: RecoveredTurn): RecoveredLog {
    const model = new ModelTurn(found.facts);
    model.notes = new Map(found.notes);
    model.ended = found.ended;
    this.turns.set(found.turn, model);
    return {
      begin(firstSeq, textLength) {
        model.firstSeq = firstSeq;
        model.textLength = textLength;
        model.seq = firstSeq - 1;
      },
      dropped(part) {
        if (part === undefined) model.dropped = undefined;
        else model.dropped?.push(part);
      },
      token: (seq, delta) => model.keep({ seq, delta }),
      frame: (seq, text, delta, isTerminal) => model.keep({ seq, text, delta, isTerminal }),
      end() {
        if (model.seq !== found.seq)
          throw new Error(`turn ${found.turn} was told up to ${model.seq}, not ${found.seq}`);
        if (model.hasTerminal !== found.hasTerminal) throw new Error(`turn ${found.turn}: is its terminal there?`);
        model.aseq = found.aseq;
      },
    };
  }
}
