import { type ChatEvent, exactJson } from '../../client/node.ts';
import type { Account } from './held.ts';

/** What of a turn may wait while nobody reads it, in characters of JSON and 128 for each event. */
const MAX_HELD = 4 * 1024 * 1024;
const EVENT_SIZE = 128;

/** The events of a turn that wait to be read, and what of it is kept besides: both on one account. */
export class WaitingEvents {
  readonly #account: Account;
  #events: ChatEvent[] = [];
  #size = 0;
  /** What whoever reads the turn keeps. */
  #kept = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  /** One more waits. False: that is too much. */
  add(event: ChatEvent): boolean {
    const text = event.kind === 'token' ? event.delta.length : exactJson.stringify(event).length;
    const size = this.#size + EVENT_SIZE + text;
    if (size > MAX_HELD || !this.#account.take(this.#kept + size)) return false;
    this.#events.push(event);
    this.#size = size;
    return true;
  }

  /** All of them: they wait no more. */
  take(): ChatEvent[] {
    const events = this.#events;
    this.#events = [];
    this.#size = 0;
    this.#account.take(this.#kept);
    return events;
  }

  /** Whoever reads the turn keeps so much of it now, in characters. False: there is no room for that, and it stays as it was. */
  keep(size: number): boolean {
    if (!this.#account.take(this.#size + size)) return false;
    this.#kept = size;
    return true;
  }
}
