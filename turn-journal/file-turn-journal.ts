import type {
  DurableLevel,
  JournaledEnding,
  Json,
  LogSnapshot,
  RecoveredLog,
  RecoveredTurn,
  TurnJournal,
  TurnJournalOwner,
  TurnJournalState,
  TurnJournalStats,
} from '../protocol/turn-journal.ts';
import { BlockWriter, FULL } from './block-writer.ts';
import type { JournalFiles } from './files.ts';
import { RecordType } from './format.ts';
import type { Found, Place } from './read-journal.ts';
import { Replay } from './replay.ts';
import { Settling } from './settling.ts';
import type { Shelf } from './shelf.ts';
import type { Snapshots } from './snapshots.ts';
import { type BookedTurn, TurnBook } from './turn-book.ts';
import type { EndRecord, IndexedTurn } from './turn-index.ts';
import { Upkeep } from './upkeep.ts';

/** How often what was written is synced. Milliseconds. */
const SYNC_MS: Readonly<Record<DurableLevel, number>> = { disk: 20, process: 1_000 };
/** Turns are numbered up to there. */
const MAX_TURN = 0xffff_ffff;

/** What a {@link FileTurnJournal} is made of. */
export interface FileTurnJournalParts {
  readonly level: DurableLevel;
  readonly epoch: string;
  readonly directory: string;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly retryMs: number;
  readonly files: JournalFiles;
  /** With a tail, if one could be made. */
  shelf(ready: () => void): Shelf;
  readonly found: Found;
  /** All that was found is on disk up to this block. */
  readonly synced: number;
  readonly turns: readonly IndexedTurn[];
  /** The greatest number that a turn has had. */
  readonly greatest: number;
  /** Why there is no tail. */
  readonly failure: unknown;
}

/** The turns' journal in files of its own (`docs/reliability.md`). Made by `openTurnJournal`. */
export class FileTurnJournal implements TurnJournal {
  readonly level: DurableLevel;
  readonly epoch: string;
  readonly stats: TurnJournalStats;
  readonly #parts: FileTurnJournalParts;
  readonly #writer: BlockWriter;
  readonly #book = new TurnBook();
  readonly #settling = new Settling();
  readonly #upkeep: Upkeep;
  #recovered: readonly IndexedTurn[];
  #replay: Replay | undefined;
  #owner: TurnJournalOwner | undefined;
  #greatest: number;
  #settled: number;
  #why: string | undefined;
  /** What the owner was told last. */
  #told: TurnJournalState = 'ok';
  #isDue = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(parts: FileTurnJournalParts) {
    const { level, epoch, files, found, synced, turns, failure, segmentBytes, maxBytes, retryMs } = parts;
    this.#parts = parts;
    this.level = level;
    this.epoch = epoch;
    this.#recovered = turns;
    this.#greatest = parts.greatest;
    this.#settled = level === 'process' ? found.last : synced;
    for (const { turn, factsJson, notesJson, endedJson, since } of turns) {
      const facts = factsJson;
      this.#book.add({ number: turn, facts, notes: notesJson, ended: endedJson, isBehind: false, since });
    }
    const shelf = parts.shelf(() => this.#writer.turnOver());
    const options = { files, shelf, last: found.last, synced, syncEveryMs: SYNC_MS[level], retryMs };
    this.#writer = new BlockWriter(options, {
      broke: (error) => this.#broke(error),
      revived: () => this.#revive(),
      synced: (lsn) => this.#synced(lsn),
      turned: () => this.#soon(),
    });
    this.#upkeep = new Upkeep({
      writer: this.#writer,
      book: this.#book,
      segmentBytes,
      maxBytes,
      retryMs,
      ask: (turn) => this.#ask(turn),
      caughtUp: (lsn) => this.#settling.lower(lsn),
      mended: () => this.#mended(),
    });
    this.stats = statsOf(this.#writer, this.#book, this.#upkeep.snapshots);
    if (!shelf.tail) this.#writer.breakOff(failure);
  }

  get state(): TurnJournalState {
    return this.#upkeep.isBroken ? 'degraded' : 'ok';
  }

  get why(): string | undefined {
    return this.#why;
  }

  get position(): number {
    const { buffer, lsn } = this.#writer;
    // What cannot be written now will be in a block that is still to come.
    return buffer.isEmpty && this.#upkeep.isCaughtUp ? lsn - 1 : lsn;
  }

  get settled(): number {
    return this.#settled;
  }

  /** What could not be read at the start, and was passed over. */
  get damaged(): readonly Place[] {
    return this.#parts.found.damaged;
  }

  get recovered(): readonly RecoveredTurn[] {
    return this.#recovered;
  }

  attach(owner: TurnJournalOwner): void {
    if (this.#owner) throw new Error('a turn journal belongs to one broker');
    this.#owner = owner;
    this.#soon();
  }

  open(facts: Json): number {
    do this.#greatest = this.#greatest >= MAX_TURN ? 1 : this.#greatest + 1;
    while (this.#book.get(this.#greatest));
    const number = this.#greatest;
    const text = JSON.stringify(facts);
    const { tail } = this.#writer.shelf;
    const turn = { number, facts: text, notes: new Map(), ended: undefined, isBehind: !tail, since: tail };
    this.#book.add(turn);
    if (tail) {
      this.#writer.buffer.text(RecordType.open, number, 0, 0, text);
      this.#added();
    }
    return number;
  }

  token(turn: number, seq: number, aseq: number, delta: string): void {
    if (this.#upkeep.isBroken && this.#isLost(turn)) return;
    this.#writer.buffer.text(RecordType.token, turn, seq, aseq, delta);
    this.#added();
  }

  frame(
    turn: number,
    seq: number,
    aseq: number,
    text: string,
    delta: string | undefined,
    isTerminal: boolean,
    before?: number,
  ): void {
    if (this.#upkeep.isBroken && this.#isLost(turn)) return;
    this.#writer.buffer.frame(RecordType.frame, turn, seq, aseq, { text, delta, isTerminal, before });
    this.#added();
  }

  skip(turn: number, aseq: number): void {
    if (this.#upkeep.isBroken && this.#isLost(turn)) return;
    this.#writer.buffer.bare(RecordType.skip, turn, 0, aseq);
    this.#added();
  }

  note(turn: number, name: string, value: Json | undefined): void {
    const booked = this.#book.get(turn);
    if (!booked) return;
    if (value === undefined) booked.notes.delete(name);
    else booked.notes.set(name, JSON.stringify(value));
    if (booked.isBehind) return;
    this.#writer.buffer.text(RecordType.note, turn, 0, 0, JSON.stringify(value === undefined ? [name] : [name, value]));
    this.#added();
  }

  end(turn: number, ending: JournaledEnding, endedAt: number): void {
    const booked = this.#book.get(turn);
    if (!booked) return;
    booked.ended = JSON.stringify({ ending, at: endedAt } satisfies EndRecord);
    if (booked.isBehind) return;
    this.#writer.buffer.text(RecordType.end, turn, 0, 0, booked.ended);
    this.#added();
  }

  forget(turn: number): void {
    const booked = this.#book.get(turn);
    if (!booked) return;
    this.#book.delete(booked);
    this.#replay?.drop(turn);
    if (this.#writer.shelf.tail) {
      this.#writer.buffer.bare(RecordType.forget, turn, 0, 0);
      this.#added();
    }
  }

  whenSettled(position: number, run: () => void): () => void {
    if (this.level === 'process' && position > this.#settled) {
      this.#writer.write();
      this.#advance();
    }
    if (position > this.#settled || this.#upkeep.isBroken) return this.#settling.add(position, run);
    run();
    return () => {};
  }

  async replay(into: (turn: RecoveredTurn) => RecoveredLog | undefined): Promise<void> {
    const { files, found } = this.#parts;
    const replay = new Replay(files, found.runs);
    this.#replay = replay;
    await replay.ask(this.#recovered, (turn) => {
      // It may have been forgotten meanwhile.
      const log = this.#book.get(turn.turn) && into(turn);
      if (!log) this.forget(turn.turn);
      return log;
    });
    await replay.run();
    this.#replay = undefined;
    this.#recovered = [];
    // What lies in damaged files must not be needed any more.
    this.#upkeep.begin(found.damaged.length > 0);
    this.#soon();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    this.#advance();
    this.#upkeep.close();
    this.#isClosed = true;
  }

  #isLost(number: number): boolean {
    return !this.#writer.shelf.tail || (this.#book.get(number)?.isBehind ?? true);
  }

  /** Something was added to the buffer. */
  #added(): void {
    if (this.#writer.buffer.size >= FULL) this.#writer.write();
    this.#soon();
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#onImmediate);
  }

  readonly #onImmediate = (): void => {
    this.#isDue = false;
    this.#writer.write();
    this.#tellState();
    this.#advance();
    this.#upkeep.trim();
  };

  /** What is written, or synced, is told to those who wait for it. */
  #advance(): void {
    if (this.#upkeep.isBroken || this.#isClosed) return;
    const { lsn, synced } = this.#writer;
    this.#settled = Math.max(this.#settled, this.level === 'process' ? lsn - 1 : synced);
    this.#settling.settle(this.#settled);
  }

  #synced(lsn: number): void {
    if (!this.#upkeep.synced(lsn)) return;
    this.#writer.synced = lsn;
    this.#advance();
    this.#upkeep.trim();
  }

  #broke(error: unknown): void {
    this.#upkeep.broke();
    this.#why = `the journal of turns in ${this.#parts.directory} cannot be written: ${(error as Error)?.message}; it is tried again each second`;
    this.#soon();
  }

  #revive(): void {
    this.#upkeep.catchUp();
    this.#soon();
  }

  #mended(): void {
    this.#why = undefined;
    this.#tellState();
    this.#advance();
  }

  /** Between turns of the loop. */
  #tellState(): void {
    if (!this.#owner || this.#told === this.state) return;
    this.#told = this.state;
    this.#owner.stateChanged(this.#told, this.#why);
  }

  #ask(turn: BookedTurn): LogSnapshot | undefined {
    const log = this.#owner?.snapshot(turn.number);
    if (!log) this.forget(turn.number);
    return log;
  }
}

/** Numbers that change. */
function statsOf(writer: BlockWriter, book: TurnBook, snapshots: Snapshots): TurnJournalStats {
  return {
    get bytes() {
      return writer.shelf.bytes;
    },
    get segments() {
      return writer.shelf.count;
    },
    get turns() {
      return book.size;
    },
    get writes() {
      return writer.writes;
    },
    get syncs() {
      return writer.syncs;
    },
    get written() {
      return writer.written;
    },
    get snapshots() {
      return snapshots.count;
    },
    get failures() {
      return writer.failures;
    },
  };
}
