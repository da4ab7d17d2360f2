import type { EventFault } from '../../protocol/event-fault.ts';
import { chatEventKinds } from '../../protocol/events.ts';
import { agentIdOf, tenantOf } from '../../protocol/principal.ts';
import type { EventFaultRow } from '../../protocol/status.ts';
import { voiceEventTypes } from '../../protocol/voice.ts';
import type { Logger } from './log.ts';

/** An agent's events of one kind are complained of so often. Milliseconds. */
const SAID_EVERY_MS = 60_000;
/** Agents and kinds that are told apart. */
const MAX_ROWS = 256;

/** Kinds by their own name; an agent may make up any number of others. */
const KINDS: ReadonlySet<string> = new Set([
  ...Object.keys(chatEventKinds),
  ...Object.keys(voiceEventTypes).map((type) => `voice.event ${type}`),
]);

interface Row extends EventFaultRow {
  /** When it was last noted and last said, in the clock's milliseconds. */
  notedAt: number;
  saidAt: number;
}

/**
 * What agents send that is not as it should be (`wire.md` section 6): of each agent and kind how often, and what was wrong
 * last. It is said once a minute; what went on all the same, without a field or with a repaired one, too.
 */
export class EventFaults {
  /** Events that went on, but not as they had come. */
  mended = 0;
  readonly #log: Logger;
  readonly #now: () => number;
  /** The one that was noted last is the last. */
  readonly #rows = new Map<string, Row>();

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** The last ones first. */
  rows(): EventFaultRow[] {
    return [...this.#rows.values()].reverse().map(({ notedAt, saidAt, ...row }) => row);
  }

  /** @param key - the agent's: those of one id in two tenants are two */
  note(key: string, { event, field, session, kind, why }: EventFault): void {
    const now = this.#now();
    const label = KINDS.has(kind) ? kind : 'other';
    const [tenant, agent] = [tenantOf(key), agentIdOf(key)];
    const row = this.#take(`${key} ${label}`, now, { tenant, agent_id: agent, kind: label });
    if (event) this.mended += 1;
    // Too many at once are told apart no more: they are counted.
    if (!row) return;
    row[event ? 'mended' : 'dropped'] += 1;
    row.field = field;
    row.why = why ?? null;
    row.session_id = session ?? null;
    row.last_at = Date.now();
    row.notedAt = now;
    if (now - row.saidAt < SAID_EVERY_MS) return;
    row.saidAt = now;
    this.#log.warn(
      { session, tenant, agent, kind, field, why, dropped: row.dropped, mended: row.mended },
      event ? 'an event was not as it should be: it was mended' : 'dropped a malformed event',
    );
  }

  #take(key: string, now: number, head: Pick<Row, 'tenant' | 'agent_id' | 'kind'>): Row | undefined {
    const known = this.#rows.get(key);
    if (known) {
      this.#rows.delete(key);
      this.#rows.set(key, known);
      return known;
    }
    if (this.#rows.size >= MAX_ROWS) {
      const [oldest] = this.#rows;
      // One that may have been said this minute is not forgotten: it would be said again.
      if (oldest && now - oldest[1].notedAt < SAID_EVERY_MS) return undefined;
      if (oldest) this.#rows.delete(oldest[0]);
    }
    const nothing = { dropped: 0, mended: 0, field: '', why: null, session_id: null, last_at: 0, notedAt: now };
    const row = { ...head, ...nothing, saidAt: Number.NEGATIVE_INFINITY };
    this.#rows.set(key, row);
    return row;
  }
}
