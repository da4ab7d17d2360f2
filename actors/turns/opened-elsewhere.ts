/** A turn that was opened with a token of its host's, as brokers tell each other: at which, and for how long it is known still. */
export type OpenedRow = readonly [tokenHash: string, broker: string, leftMs: number];

interface Opened {
  readonly broker: string;
  /** In the clock's milliseconds. */
  readonly until: number;
}

/** So many are remembered, of one session and of all: a token is sent again within minutes, or never. */
export const MAX_OF_SESSION = 64;
const MAX_SESSIONS = 10_000;

/** Ended turns of other brokers, in sessions that this one holds by now: whoever sends the same chat again is to be sent there. */
export class OpenedElsewhere {
  /** By session; what was told last stands last. */
  readonly #sessions = new Map<string, Map<string, Opened>>();

  /** At which broker a turn was opened with that token. */
  find(sessionKey: string, tokenHash: string, now: number): string | undefined {
    const opened = this.#sessions.get(sessionKey)?.get(tokenHash);
    return opened && opened.until > now ? opened.broker : undefined;
  }

  /** Whether a session has any. */
  has(sessionKey: string): boolean {
    return this.#sessions.has(sessionKey);
  }

  of(sessionKey: string, now: number): OpenedRow[] {
    const rows: OpenedRow[] = [];
    for (const [tokenHash, { broker, until }] of this.#sessions.get(sessionKey) ?? [])
      if (until > now) rows.push([tokenHash, broker, until - now]);
    return rows;
  }

  learn(sessionKey: string, rows: readonly OpenedRow[], now: number): void {
    if (rows.length === 0) return;
    const known = this.#sessions.get(sessionKey) ?? new Map<string, Opened>();
    this.#sessions.delete(sessionKey);
    this.#sessions.set(sessionKey, known);
    for (const [tokenHash, broker, leftMs] of rows) known.set(tokenHash, { broker, until: now + leftMs });
    for (const oldest of known.keys()) {
      if (known.size <= MAX_OF_SESSION) break;
      known.delete(oldest);
    }
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) return;
      this.#sessions.delete(oldest);
    }
  }

  forget(sessionKey: string): void {
    this.#sessions.delete(sessionKey);
  }

  /** Forgets what is over. @returns sessions of which nothing is left */
  sweep(now: number): string[] {
    const left: string[] = [];
    for (const [sessionKey, known] of this.#sessions) {
      for (const [tokenHash, { until }] of known) if (until <= now) known.delete(tokenHash);
      if (known.size > 0) continue;
      this.#sessions.delete(sessionKey);
      left.push(sessionKey);
    }
    return left;
  }
}
