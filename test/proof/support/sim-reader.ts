import type { Random } from './random.ts';
import type { SimBroker, SimListener } from './sim-broker.ts';
import type { SimEvent, SimRecord } from './sim-records.ts';

/** Whoever reads a simulated turn: it comes back for what it has not got, and holds each event against what was said. */
export class SimReader {
  /** How often it has read again after its terminal. */
  rereads = 0;
  readonly #name: string;
  readonly #want: readonly SimEvent[];
  readonly #broker: SimBroker;
  /** Its present connection, and what is on its way by it. */
  #listener: SimListener | undefined;
  #coming: { seq: number; record: SimRecord }[] = [];
  /** It was told its agent's own end, which was not synced; and later, of the same turn, that it is lost. */
  wasForgotten = false;
  /** The last `seq` of this reading. */
  #after = 0;
  #terminals = 0;
  /** How the turn ended, as it was told first, and at which `seq`. */
  #ending: { isLost: boolean; seq: number } | undefined;

  constructor(name: string, events: readonly SimEvent[], broker: SimBroker) {
    this.#name = name;
    this.#want = events.filter(({ kind }) => kind !== 'unreadable');
    this.#broker = broker;
  }

  get isConnected(): boolean {
    return this.#listener !== undefined;
  }
  /** It has the terminal of what it reads now. */
  get hasEnded(): boolean {
    return this.#terminals > 0;
  }
  get isLost(): boolean {
    return this.#ending?.isLost ?? false;
  }

  /** Goes on where it was; with a terminal it reads a part of it again. */
  subscribe(random: Random): void {
    if (this.#ending && this.hasEnded) {
      this.rereads += 1;
      this.#terminals = 0;
      this.#after = random.int(this.#ending.seq);
    }
    this.#coming = [];
    const listener: SimListener = { sent: 0, take: (seq, record) => void this.#coming.push({ seq, record }) };
    this.#listener = listener;
    this.#broker.subscribe(listener, this.#after);
  }

  cut(): void {
    if (this.#listener) this.#broker.leave(this.#listener);
    this.#listener = undefined;
    this.#coming = [];
  }

  /** Reads what comes next. */
  hear(): void {
    const next = this.#coming.shift();
    if (!next) return;
    const { seq, record } = next;
    const isLost = record.event === 'lost';
    if (this.#terminals > 0) this.#fail(`an event after the terminal, ${seq}`);
    // Of a turn that was lost there may be less than it has had.
    if (seq !== this.#after + 1 && !isLost) this.#fail(`${seq} after ${this.#after}`);
    if (record.event !== 'lost' && this.#want[seq - 1] !== record.event)
      this.#fail(`as ${seq} what was said as another`);
    this.#after = seq;
    if (!isLost && seq < this.#want.length) return;
    this.#terminals += 1;
    if (this.#ending?.isLost && !isLost) this.#fail('the end of a turn that it had been told was lost');
    if (this.#ending?.isLost === false && isLost) this.wasForgotten = true;
    this.#ending = { isLost, seq };
    // The next time it comes by another connection.
    this.cut();
    this.#terminals = 1;
  }

  /** At the end: it has its terminal, and unless the turn was lost, all. */
  judge(): void {
    if (this.#terminals !== 1) this.#fail(`${this.#terminals} terminals`);
    if (!this.isLost && this.#after !== this.#want.length) this.#fail(`${this.#after} of ${this.#want.length} events`);
  }

  #fail(what: string): never {
    throw new Error(`the ${this.#name} got ${what}`);
  }
}
