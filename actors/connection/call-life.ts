import type { Client } from '../kernel/client.ts';
import { LazySet } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';

/** Calls of a connection whose handlers want to know when nobody waits any more. */
const watched = slot(() => new LazySet<CallLife>());

/** How long anybody waits for the answer to one call, for a handler that wants to know. */
export class CallLife {
  readonly #from: Client;
  #controller: AbortController | undefined;
  #isOver = false;
  #reason: Error | undefined;

  constructor(from: Client) {
    this.#from = from;
  }

  /** Aborts when nobody waits any more. Made when somebody first asks for it. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
      else if (!this.#isOver && !this.#from.isOpen) this.giveUp(new CallerGone());
      else if (!this.#isOver) watched.of(this.#from).add(this);
    }
    return this.#controller.signal;
  }

  /** Nobody waits any more. */
  giveUp(reason: Error): void {
    if (this.#isOver) return;
    this.over();
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** The handler has come to its end. */
  over(): void {
    this.#isOver = true;
    watched.peek(this.#from)?.delete(this);
  }
}

/** Why a handler's signal aborts when its caller's connection has ended. */
class CallerGone extends Error {
  override readonly name = 'CallerGone';

  constructor() {
    super("the caller's connection is gone");
  }
}

/** A connection is gone: nobody waits for what its calls come to. */
export function giveUpCalls(client: Client): void {
  for (const life of [...(watched.peek(client) ?? [])]) life.giveUp(new CallerGone());
}
