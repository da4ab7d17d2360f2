import { inspectedActor } from '../../protocol/inspect.ts';
import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { RecordStore, StoredTurn } from '../../protocol/record-store.ts';
import { type RecordedTurn, recordedTurn } from '../../protocol/recording.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { TURNS } from '../turns/turns.ts';
import { timeOf } from './line.ts';
import type { Shelf } from './shelf.ts';
import type { Tape } from './tape.ts';

/** How often what is new is written, in milliseconds. */
const WRITE_MS = 500;
/** After a write that failed, nothing is tried for so long. Milliseconds. */
const RETRY_MS = 5_000;
/** Turns that are written at once. */
const AT_ONCE = 4;
/** So many times what stands of a turn is added to before it is written anew: each time adds its line of a table. */
const MAX_ADDED = 100;

/**
 * Has what is recorded outlive the process: writes what is new twice a second, and reads what there is from before. What is on
 * disk is never more than a store said it has.
 */
export class Keeper {
  /** What there was from before is on the shelf. */
  readonly loaded: Promise<void>;
  readonly #kernel: Kernel;
  readonly #shelf: Shelf;
  readonly #store: RecordStore;
  /** How often each was added to since it was written whole. */
  readonly #added = new Map<string, number>();
  /** Those that were live when the process ended. */
  readonly #left = new Set<Tape>();
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #isLoaded = false;
  #retryAt = 0;
  #isDegraded = false;
  #deadline: Deadline | undefined;

  constructor(kernel: Kernel, shelf: Shelf, store: RecordStore) {
    this.#kernel = kernel;
    this.#shelf = shelf;
    this.#store = store;
    this.loaded = this.#load();
  }

  get isDegraded(): boolean {
    return this.#isDegraded || this.#store.state === 'degraded';
  }

  /** From now on, until the broker's deadlines are cleared. */
  start(): void {
    this.#arm();
  }

  /** Nothing of it is kept any more. */
  gone(tape: Tape): void {
    this.#added.delete(tape.turnId);
    this.#left.delete(tape);
    void this.#store.remove(tape.turnId).catch((err: unknown) => this.#failed(err));
  }

  /** Writes what is new, behind what is being written. */
  async flush(): Promise<void> {
    await this.loaded;
    await this.#writing;
    await this.#write();
  }

  #arm(): void {
    this.#deadline = this.#kernel.deadlines.arm(WRITE_MS, () => {
      this.#arm();
      if (!this.#isLoaded) return;
      if (this.#left.size > 0) this.#endLeft();
      if (!this.#isWriting && this.#kernel.clock.now() >= this.#retryAt) this.#writing = this.#write();
    });
  }

  /** Stops writing. */
  stop(): void {
    this.#kernel.deadlines.disarm(this.#deadline);
  }

  /** Those that nobody has taken up: they are over. */
  #endLeft(): void {
    if (this.#kernel.get(TURNS).recovery) return;
    for (const tape of this.#left) {
      if (!tape.isLive) {
        tape.summary.lost();
        tape.isTouched = true;
        this.#shelf.ended(tape);
      }
    }
    this.#left.clear();
  }

  async #load(): Promise<void> {
    let damaged = 0;
    try {
      for await (const stored of this.#store.load()) {
        if (!this.#taken(stored)) damaged += 1;
      }
    } catch (err) {
      this.#kernel.log.error({ err }, 'what was recorded before could not be read');
    }
    if (damaged > 0) this.#kernel.log.warn({ turns: damaged }, 'recorded turns cannot be read, and are left out');
    this.#isLoaded = true;
  }

  #taken(stored: StoredTurn): boolean {
    try {
      return this.#take(stored);
    } catch {
      return false;
    }
  }

  /** Puts one from before on the shelf. False where it cannot be read. */
  #take({ turnId, lines }: StoredTurn): boolean {
    const read = readStored(turnId, lines);
    if (!read) {
      void this.#store.remove(turnId).catch((err: unknown) => this.#failed(err));
      return false;
    }
    const live = this.#shelf.get(turnId);
    if (live) {
      live.precede(read, this.#kernel.wall.now());
      live.summary.precededBy(read.turn);
      live.isRewritten = true;
      return true;
    }
    const tape = this.#shelf.restore(read.turn, this.#kernel.wall.ahead);
    if (this.#shelf.get(turnId) !== tape) return true;
    tape.precede(read, read.turn.started_at);
    tape.stored = tape.last;
    tape.isTouched = false;
    tape.summary.heardAt(timeOf(read.lines.at(-1) ?? ''));
    if (read.turn.ended_at === undefined) this.#left.add(tape);
    else this.#shelf.ended(tape);
    return true;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      const due = [...this.#shelf].filter((tape) => tape.isTouched || tape.isRewritten || tape.stored < tape.last);
      for (let at = 0; at < due.length; at += AT_ONCE) {
        const written = await Promise.all(due.slice(at, at + AT_ONCE).map((tape) => this.#writeOne(tape)));
        if (written.includes(false)) {
          this.#retryAt = this.#kernel.clock.now() + RETRY_MS;
          this.#failed(undefined);
          return;
        }
      }
      if (due.length > 0) this.#succeeded();
    } catch (err) {
      this.#failed(err);
    } finally {
      this.#isWriting = false;
    }
  }

  async #writeOne(tape: Tape): Promise<boolean> {
    // Of a word that is still being said the rest may be a secret's.
    tape.cutText(!tape.isLive);
    const { turnId, last, first } = tape;
    const added = this.#added.get(turnId) ?? 0;
    const isWhole = tape.stored === 0 || tape.isRewritten || added >= MAX_ADDED || (!tape.isLive && added > 4);
    const lines = isWhole ? [writeJson({ actors: tape.actors.map((text) => parseJson(text)) })] : [];
    for (let at = isWhole ? first : Math.max(first, tape.stored + 1); at <= last; at += 1)
      lines.push(`{${tape.lines[at - first]}`);
    lines.push(writeJson({ turn: tape.told(this.#kernel.clock.now()), first }));
    tape.isTouched = false;
    tape.isRewritten = false;
    const isWritten = await this.#store.write(turnId, lines, isWhole);
    if (!isWritten) {
      // Some of the lines may stand there: added once more, they would be there twice.
      tape.isRewritten = true;
      return false;
    }
    tape.stored = last;
    if (this.#shelf.get(turnId) !== tape) await this.#store.remove(turnId);
    else if (tape.isLive) this.#added.set(turnId, isWhole ? 0 : added + 1);
    else this.#added.delete(turnId);
    return true;
  }

  #failed(err: unknown): void {
    if (this.#isDegraded) return;
    this.#isDegraded = true;
    this.#kernel.log.warn({ err }, 'what is recorded cannot be written: it is kept in memory until it can be');
  }

  #succeeded(): void {
    if (!this.#isDegraded) return;
    this.#isDegraded = false;
    this.#kernel.log.info({}, 'what is recorded can be written again');
  }
}

/** What a record is written as; that the rest of it is whole the store has seen to. */
const RECORD = /^\{"at":-?\d+,"type":"(?:started|event|transition|ended|text|dropped)",.*\}$/s;

function tryJson(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return undefined;
  }
}

interface Read {
  turn: RecordedTurn;
  first: number;
  actors: string[];
  lines: string[];
}

/**
 * What a store had of a turn; undefined where it does not say which turn that was. Whoever can write to the store is this user:
 * what stands there is looked at all the same, for what is damaged must not be sent as if it were whole.
 */
function readStored(turnId: string, stored: readonly string[]): Read | undefined {
  let head: { turn: RecordedTurn; first: number } | undefined;
  let actors: string[] = [];
  const lines: string[] = [];
  for (const line of stored) {
    if (RECORD.test(line)) {
      lines.push(line.slice(1));
      continue;
    }
    const value = tryJson(line);
    if (!isObject(value)) continue;
    const turn = recordedTurn.safeParse(value.turn);
    if (turn.success && turn.data.turn_id === turnId)
      head = { turn: turn.data, first: typeof value.first === 'number' ? value.first : 1 };
    if (Array.isArray(value.actors))
      actors = value.actors.filter((actor) => inspectedActor.safeParse(actor).success).map((actor) => writeJson(actor));
  }
  return head && { ...head, actors, lines };
}
