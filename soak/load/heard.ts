import type { Fields } from './client.ts';
import type { Ledger } from './ledger.ts';
import { type Endings, TurnCheck } from './turn-check.ts';

/** How long a turn may take altogether on a busy machine: the longest script has half a minute. Milliseconds. */
const TURN_WITHIN = 120_000;

/** What one client hears of one turn. */
export class Heard {
  readonly sessionId: string;
  readonly check: TurnCheck;
  /** Resolves at the terminal, if there is one. */
  readonly ended: Promise<void>;
  /** Set when another has taken the turn over: nothing after this `seq` is for this client. */
  limit = Number.POSITIVE_INFINITY;
  /** Hears of each event that is as it should be. */
  onEvent: (event: Fields) => void = () => {};
  /** Whether it is read as fast as it comes, so that its latency is the daemon's. */
  isPrompt = true;
  readonly #nonce: string;
  readonly #endings: Endings;
  readonly #ledger: Ledger;
  #markEnded: () => void = () => {};
  readonly #waiting = new Set<{ until(): boolean; resolve(): void }>();

  constructor(nonce: string, sessionId: string, endings: Endings, ledger: Ledger) {
    this.#nonce = nonce;
    this.sessionId = sessionId;
    this.#endings = endings;
    this.check = new TurnCheck(nonce, endings);
    this.#ledger = ledger;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
  }

  /** What another client hears of the same turn, from its first event on. */
  another(): Heard {
    return new Heard(this.#nonce, this.sessionId, this.#endings, this.#ledger);
  }

  event(event: Fields): void {
    const { check } = this;
    const wrong = event.seq > this.limit ? `event ${event.seq} after a takeover at ${this.limit}` : check.event(event);
    if (wrong !== undefined) this.#ledger.breach(`${this.#nonce}: ${wrong}`);
    this.#ledger.count('events');
    if (check.sentAt > 0 && this.isPrompt) this.#ledger.arrived(check.sentAt);
    this.onEvent(event);
    if (check.ending !== undefined) this.#markEnded();
    this.#look();
  }

  /** Resolves when so many events have come, or the turn has ended. */
  events(count: number): Promise<void> {
    return this.#until(() => this.check.seq >= count || this.check.ending !== undefined);
  }

  /** Resolves at the terminal; one that does not come is a breach. */
  async end(): Promise<void> {
    await this.#until(() => this.check.ending !== undefined);
    if (this.check.ending !== undefined) this.#ledger.count(`turns that ended: ${this.check.ending}`);
  }

  #until(until: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#ledger.breach(`${this.#nonce}: no end within ${TURN_WITHIN} ms, ${this.check.seq} events`);
        this.#waiting.delete(waiting);
        resolve();
      }, TURN_WITHIN);
      const waiting = {
        until,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#waiting.add(waiting);
      this.#look();
    });
  }

  #look(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.until()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}
