import { expect } from 'vitest';
import { type Internals, startInternals } from '../../support/internals.ts';
import { type LinkedClient, type Message, settle } from '../../support/linked.ts';
import { heldBy, watchActors } from './actors-left.ts';
import type { Coverage } from './chart-walks.ts';
import { Listener } from './listener.ts';

/** Long enough for every window, timeout and ended turn. */
const LONG_MS = 30 * 60_000;

/** A real broker for one walk through a chart: its clients, and two that the walk is no business of. */
export class Stage {
  readonly broker: Internals;
  readonly #actorsLeft: () => string[];
  readonly #listeners: Listener[] = [];
  readonly #bystanders: Listener[] = [];

  private constructor(options: Parameters<typeof startInternals>[0], coverage: Coverage) {
    this.broker = startInternals(options);
    this.broker.inspect(coverage.see);
    this.#actorsLeft = watchActors(this.broker);
  }

  static async open(options: Parameters<typeof startInternals>[0], coverage: Coverage): Promise<Stage> {
    const stage = new Stage(options, coverage);
    stage.#bystanders.push(await stage.host('bystander'), await stage.agent('bystanding'));
    return stage;
  }

  async host(name: string): Promise<Listener> {
    return this.add(name, await this.broker.host());
  }

  async manager(): Promise<Listener> {
    return this.add('manager', await this.broker.manager());
  }

  /** `resume`: it numbers its events. */
  async agent(id: string, how: { resume?: boolean } = {}): Promise<Listener> {
    return this.add(id, await this.broker.agent(id, how));
  }

  add(name: string, client: LinkedClient): Listener {
    const listener = new Listener(name, client);
    this.#listeners.push(listener);
    return listener;
  }

  /** Asks on the side, and gives the result. */
  async ask(listener: Listener, method: string, params: object = {}): Promise<Message> {
    const id = listener.post(method, params);
    await settle();
    const reply = listener.replyTo(id);
    if (!reply?.result) throw new Error(`${method} failed: ${JSON.stringify(reply)}`);
    return reply.result;
  }

  /** Lets time pass, a little at a time: as the clock of a machine that is not asleep. */
  async advance(ms: number): Promise<void> {
    const step = Math.max(1_000, ms / 10);
    await settle();
    for (let passed = 0; passed < ms; passed += step) {
      this.broker.clock.increment(Math.min(step, ms - passed));
      await settle();
    }
  }

  /** What holds at every moment: see {@link Listener.read}; and whom nothing concerns hears of nothing. */
  check(): void {
    for (const listener of this.#listeners) listener.read();
    for (const { client, name } of this.#bystanders) {
      expect(
        client.frames.filter(({ method }) => method !== undefined),
        name,
      ).toEqual([]);
    }
  }

  /** Everybody goes: every turn has had its end, and of the broker nothing is left but itself. */
  async end(): Promise<void> {
    for (const { client } of this.#listeners) client.close();
    await settle();
    this.check();
    await this.advance(LONG_MS);
    expect(heldBy(this.broker)).toEqual({});
    expect(this.#actorsLeft()).toEqual([]);
  }
}
