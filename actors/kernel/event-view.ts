import { principalKey } from '../../protocol/principal.ts';
import { isFor } from './audience.ts';
import type { Client } from './client.ts';
import type { Entry } from './event-log.ts';
import { observes, type Viewer } from './sight.ts';

/** Functions that say which agents exist for somebody, told apart by a number. */
const functions = new WeakMap<object, number>();
let functionCount = 0;

/** A text that is the same for all clients that see the same. In it is all that `sight.ts` asks of a {@link Viewer}. */
export function viewKeyOf(viewer: Viewer): string {
  const { principal, role, agentId, identity } = viewer;
  const mayUse = identity?.mayUse;
  let sees = '';
  if (mayUse) {
    const known = functions.get(mayUse) ?? ++functionCount;
    functions.set(mayUse, known);
    sees = String(known);
  }
  // Who has said nothing where nobody has to is told what a client is told.
  const as = role === 'host' || role === 'agent' ? role : '';
  return `${as}|${agentId ?? ''}|${observes(viewer) ? 'observe' : ''}|${sees}|${principalKey(principal)}`;
}

/** How some clients see the log of events: which of them, and by what numbers. */
export class EventView {
  readonly subscribers = new Set<Client>();
  /** The number of the newest event that they may know of. */
  sequence = 0;
  /** Up to which event, counted over all, that is. */
  #at = 0;
  readonly #viewer: Viewer;

  constructor({ principal, role, agentId, identity }: Client) {
    // Not the client itself: a view outlives it.
    this.#viewer = { principal, role, agentId, identity };
  }

  /** Whose events it shows. */
  get tenant(): string {
    return this.#viewer.principal.tenant;
  }

  shows(entry: Entry): boolean {
    return isFor(entry.audience, this.#viewer);
  }

  /**
   * Counts what has happened since it was last looked at, of what is kept of its tenant. What was forgotten meanwhile was never
   * theirs to count.
   */
  catchUp(kept: readonly Entry[]): void {
    for (let place = kept.length - 1; place >= 0; place -= 1) {
      const entry = kept[place] as Entry;
      if (entry.at <= this.#at) break;
      if (this.shows(entry)) this.sequence += 1;
    }
    this.#at = kept.at(-1)?.at ?? this.#at;
  }
}
