import type { LinkedClient, Message } from '../../support/linked.ts';
import { breachOfMessage } from './contract.ts';
import { TurnWatch } from './turn-watch.ts';

/** A client of the linked pair, and all that it was sent, held against the wire contract as it is read. */
export class Listener {
  readonly client: LinkedClient;
  readonly name: string;
  readonly watch = new TurnWatch();
  readonly #asked = new Map<number, { after?: unknown }>();
  readonly #answered = new Set<unknown>();
  #read = 0;

  /** `seen`: how many frames it was sent before: how it authenticated. */
  constructor(name: string, client: LinkedClient, seen = client.frames.length) {
    this.name = name;
    this.client = client;
    this.#read = seen;
  }

  /** Sends a request; the id is for {@link replyTo}. */
  post(method: string, params: object = {}): number {
    const id = this.client.post(method, params);
    this.#asked.set(id, params);
    return id;
  }

  /** What a request was answered; undefined as long as it was not. */
  replyTo(id: number): Message | undefined {
    return this.client.replyTo(id);
  }

  /** Requests that have no answer yet. */
  get unanswered(): number[] {
    return [...this.#asked.keys()].filter((id) => !this.#answered.has(id));
  }

  /**
   * Reads on, and gives what was new.
   * @throws {Error} where something breaks the contract: no message, a request answered twice, an event of a turn that
   *   is not this client's, out of order, or after the terminal
   */
  read(): Message[] {
    const fresh = this.client.frames.slice(this.#read);
    this.#read = this.client.frames.length;
    for (const frame of fresh) {
      const breach = breachOfMessage(frame) ?? this.#breachOf(frame);
      if (breach !== undefined) throw new Error(`${this.name} was sent ${breach}: ${JSON.stringify(frame)}`);
    }
    return fresh;
  }

  #breachOf(frame: Message): string | undefined {
    if (frame.method === 'agents.chat.event') return this.watch.event(frame.params);
    if (frame.method !== undefined) return undefined;
    // What is no request is refused without an id, as often as it comes.
    if (frame.id === null) return undefined;
    if (this.#answered.has(frame.id)) return 'a second answer';
    this.#answered.add(frame.id);
    if (frame.result) this.watch.answered(frame.result, this.#asked.get(frame.id));
    return undefined;
  }
}
