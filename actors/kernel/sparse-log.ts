import type { BrokerClock, Deadlines } from './deadlines.ts';
import type { Logger } from './log.ts';

/** So many lines about the same thing are written one by one … */
const LINES = 5;
/** … in so much time. Milliseconds. */
const WINDOW_MS = 10_000;
/** Kinds beyond so many are told apart by their message alone. */
const MAX_KINDS = 256;

type Level = 'info' | 'warn' | 'error';

interface Window {
  endsAt: number;
  said: number;
  unsaid: number;
}

/**
 * For lines that a client can bring about as often as it likes: of each kind five in ten seconds, and then one that says
 * how many more there were.
 */
export class SparseLog {
  readonly #log: Logger;
  readonly #clock: BrokerClock;
  readonly #deadlines: Deadlines;
  readonly #windows = new Map<string, Window>();

  constructor(log: Logger, clock: BrokerClock, deadlines: Deadlines) {
    this.#log = log;
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  /** @param kind - where messages alone do not tell. */
  info(fields: object, message: string, kind = message): void {
    if (this.#mayBeSaid('info', message, kind)) this.#log.info(fields, message);
  }

  warn(fields: object, message: string): void {
    if (this.#mayBeSaid('warn', message, message)) this.#log.warn(fields, message);
  }

  /** @param kind - where messages alone do not tell. */
  error(fields: object, message: string, kind = message): void {
    if (this.#mayBeSaid('error', message, kind)) this.#log.error(fields, message);
  }

  #mayBeSaid(level: Level, message: string, kind: string): boolean {
    const now = this.#clock.now();
    if (kind !== message && !this.#windows.has(kind) && !this.#hasRoom(now))
      return this.#mayBeSaid(level, message, message);
    let window = this.#windows.get(kind);
    if (!window || now >= window.endsAt) {
      window = { endsAt: now + WINDOW_MS, said: 0, unsaid: 0 };
      this.#windows.set(kind, window);
    }
    if (window.said < LINES) {
      window.said += 1;
      return true;
    }
    window.unsaid += 1;
    if (window.unsaid === 1)
      this.#deadlines.arm(window.endsAt - now, () => this.#sayRest(level, message, kind, window));
    return false;
  }

  /** Whether one more kind can be told apart. What was said of others is forgotten where its time is over. */
  #hasRoom(now: number): boolean {
    if (this.#windows.size < MAX_KINDS) return true;
    for (const [kind, { endsAt, unsaid }] of this.#windows)
      if (now >= endsAt && unsaid === 0) this.#windows.delete(kind);
    return this.#windows.size < MAX_KINDS;
  }

  #sayRest(level: Level, message: string, kind: string, window: Window): void {
    this.#log[level]({ more: window.unsaid, ...(kind === message ? {} : { kind }) }, `${message}, again and again`);
    if (this.#windows.get(kind) === window) this.#windows.delete(kind);
  }
}
