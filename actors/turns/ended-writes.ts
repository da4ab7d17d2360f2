import type { Json } from '../../protocol/turn-journal.ts';
import { inSteps } from '../kernel/in-steps.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { nameOfOpening, nameOfSession } from './ended-names.ts';
import { writeRecord } from './ended-record.ts';
import type { EndedStore } from './ended-store.ts';
import { factsToKeep } from './kept-facts.ts';
import type { TurnLog } from './resume/turn-log.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** So many turns, and bytes of their logs, wait to be written; what is beyond is not written. */
export const MAX_WAITING = 1_000;
export const MAX_UNKEPT_BYTES = 32 * 1024 * 1024;
/** So many are written at a time. */
const AT_ONCE = 8;
/** So often one is tried, and after so long again: a leader of NATS that dies has its next one by then. Milliseconds. */
const ATTEMPTS = 3;
const AGAIN_MS = 1_000;
/** So long a broker that leaves waits for what is not written. Milliseconds. */
const CLOSE_MS = 2_000;

/** What came of a turn: `dropped`, there was no room for it. */
type Outcome = 'kept' | 'failed' | 'dropped';

interface Waiting {
  readonly log: TurnLog;
  readonly facts: Json;
  /** Unix milliseconds. */
  readonly endedAt: number;
  readonly bytes: number;
  attempts: number;
}

/** Writes turns that have ended where other brokers find them. Nobody waits for it. */
export class EndedWrites {
  readonly outcomes: Record<Outcome, number> = { kept: 0, failed: 0, dropped: 0 };
  readonly #kernel: Kernel;
  readonly #store: EndedStore;
  readonly #waiting: Waiting[] = [];
  #writing = 0;
  /** Of them all, those too that are tried again in a moment. */
  #count = 0;
  #bytes = 0;
  #isClosing = false;
  #idle: () => void = () => {};

  constructor(kernel: Kernel, store: EndedStore) {
    this.#kernel = kernel;
    this.#store = store;
  }

  /** Of turns that are not written yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A turn has ended, and its log is kept here. Never throws. */
  keep(turn: Turn, log: TurnLog): void {
    // What says how it ended is what this is for.
    if (log.terminal === undefined) return;
    const { bytes } = log;
    if (this.#count >= MAX_WAITING || this.#bytes + bytes > MAX_UNKEPT_BYTES) {
      this.#over('dropped', { turn: turn.id }, 'an ended turn was not written for other brokers: too much waits');
      return;
    }
    this.#count += 1;
    this.#bytes += bytes;
    this.#waiting.push({
      log,
      facts: factsToKeep(turn, { windowMs: log.windowMs, tokenHash: log.key.tokenHash }),
      endedAt: Date.now(),
      bytes,
      attempts: 0,
    });
    this.#next();
  }

  /** Writes what waits, as far as that is done in time. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#count === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      timer = setTimeout(resolve, CLOSE_MS);
    });
    clearTimeout(timer);
    this.#waiting.length = 0;
  }

  #next(): void {
    while (this.#writing < AT_ONCE) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#writing += 1;
      void this.#write(next).finally(() => {
        this.#writing -= 1;
        this.#next();
      });
    }
  }

  async #write(waiting: Waiting): Promise<void> {
    const { log, facts, endedAt } = waiting;
    try {
      const record = Buffer.concat(await inSteps(writeRecord(log, facts, endedAt)));
      // Whoever finds its other names finds it.
      await this.#store.keep(log.turnId, record);
      await Promise.all(this.#namesOf(log).map((name) => this.#store.keep(name, Buffer.from(log.turnId))));
      this.#done(waiting);
      this.outcomes.kept += 1;
    } catch (err) {
      waiting.attempts += 1;
      if (waiting.attempts < ATTEMPTS && !this.#isClosing) {
        this.#kernel.deadlines.arm(AGAIN_MS, () => {
          this.#waiting.push(waiting);
          this.#next();
        });
        return;
      }
      this.#done(waiting);
      this.#over('failed', { err, turn: log.turnId }, 'an ended turn could not be written for other brokers');
    }
  }

  #namesOf({ sessionKey, opening, turnId }: TurnLog): string[] {
    const { logs } = this.#kernel.get(TURNS);
    const newest = logs.find(sessionKey, undefined, this.#kernel.clock.now());
    // One of the session that has ended since is named there, or will be.
    const isNewest = newest === undefined || newest.turnId === turnId;
    return [
      ...(isNewest ? [nameOfSession(sessionKey)] : []),
      ...(opening ? [nameOfOpening(sessionKey, opening.tokenHash)] : []),
    ];
  }

  #done({ bytes }: Waiting): void {
    this.#count -= 1;
    this.#bytes -= bytes;
    if (this.#count === 0) this.#idle();
  }

  #over(outcome: Exclude<Outcome, 'kept'>, fields: object, message: string): void {
    this.outcomes[outcome] += 1;
    this.#kernel.sparseLog.warn(fields, message);
  }
}
