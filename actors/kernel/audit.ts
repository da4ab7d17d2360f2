import { createHash } from 'node:crypto';
import type { AuditEntry, AuditState, AuditTrail } from '../../protocol/audit.ts';
import { WireError } from '../../protocol/errors.ts';
import type { Principal } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from './client.ts';
import { roughBytes } from './held-bytes.ts';
import type { SparseLog } from './sparse-log.ts';

/** What else is said of something: names, numbers and hashes. Never content, never a secret. */
export type AuditData = NonNullable<AuditEntry['data']>;

/** What is said of a change to the registry: what was changed, and what else there is to say of it. */
export interface Note {
  readonly on: string;
  readonly data: AuditData;
  /** The trace's id. */
  readonly trace?: string | undefined;
}

/** Wrong tokens in one second beyond so many are counted, and noted together: whoever tries is nobody yet, and pays for nothing. */
const FAILURES_PER_SECOND = 20;
/** Of parameters beyond so much, roughly, no hash is made: it would hold up everybody. */
const MAX_HASHED_BYTES = 1024 * 1024;

const NO_TRAIL: AuditState = { written: 0, lost: 0, failures: 0, waitingBytes: 0, isWritable: true };

/**
 * Who did what, for the audit trail (`docs/audit.md`). Whatever decides something calls it in that moment; where there
 * is no trail that is one comparison. Nothing of it is on a token's way, and none of it throws of itself but {@link demand}.
 */
export class Audit {
  /** Without a record nothing that is privileged is done. */
  readonly isRequired: boolean;
  readonly #trail: AuditTrail | undefined;
  readonly #log: SparseLog;
  /** Wrong tokens in the second that began then, in milliseconds. */
  #failures = { since: 0, count: 0 };
  #refused = 0;

  constructor(trail: AuditTrail | undefined, isRequired: boolean, log: SparseLog) {
    this.#trail = trail;
    this.isRequired = isRequired;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#trail !== undefined;
  }

  /** How the trail is doing. */
  get state(): AuditState {
    return this.#trail?.state ?? NO_TRAIL;
  }

  /** Requests that were refused because they could not be noted. */
  get refused(): number {
    return this.#refused;
  }

  /** A connection did something. @param trace the id of the trace that it belongs to, here and below */
  by(client: Client, what: string, outcome: string, on?: string, data?: AuditData, trace?: string): void {
    if (!this.#trail) return;
    const { tenant, sub: who } = client.principal;
    this.#note({ ...placeOf(client), tenant, who, what, on, outcome, trace, data });
  }

  /** Something happened to what belongs to somebody. */
  of(
    { tenant, sub: who }: Principal,
    what: string,
    outcome: string,
    on?: string,
    data?: AuditData,
    trace?: string,
  ): void {
    if (this.#trail) this.#note({ tenant, who, what, on, outcome, trace, data });
  }

  /** The broker did something by itself, or, `who`, the program around it. */
  own(
    what: string,
    outcome: string,
    on?: string,
    data?: AuditData,
    { who = 'broker', trace }: { who?: 'broker' | 'program'; trace?: string | undefined } = {},
  ): void {
    if (this.#trail) this.#note({ who, what, on, outcome, trace, data });
  }

  /**
   * The registry was changed, or was to be: agents, and whoever else is let in. `what` is the method (`agents.upsert`), `on`
   * what was changed. `by` is the connection that asked for it, or, where the program around the broker did, the tenant.
   */
  registry(by: Client | string, what: string, outcome: string, on: string, data?: AuditData, trace?: string): void {
    if (typeof by === 'string') this.of({ tenant: by, sub: 'program' }, what, outcome, on, data, trace);
    else this.by(by, what, outcome, on, data, trace);
  }

  /**
   * Makes such a change. Where a store says at once that it cannot keep it, nothing has changed, and it is noted as failed.
   * What is refused is no failure, and is noted nowhere.
   * @throws whatever the change does
   */
  tried<T>(by: Client | string, what: string, { on, data, trace }: Note, change: () => T): T {
    try {
      return change();
    } catch (error) {
      if (!(error instanceof WireError)) this.registry(by, what, 'failed', on, data, trace);
      throw error;
    }
  }

  /** A connection could not prove who it is. What it has sent is in no record: it may be a secret of somebody's. */
  authFailed(from: Pick<AuditEntry, 'conn' | 'ip'>, now: number): void {
    if (!this.#trail) return;
    if (now - this.#failures.since >= 1_000) {
      this.noteFailures();
      this.#failures = { since: now, count: 0 };
    }
    this.#failures.count += 1;
    if (this.#failures.count <= FAILURES_PER_SECOND) this.#note({ ...from, what: 'session.auth', outcome: 'refused' });
  }

  /** Notes how many more wrong tokens there were. Every few seconds, and at the end. */
  noteFailures(): void {
    const more = this.#failures.count - FAILURES_PER_SECOND;
    if (more <= 0) return;
    this.#failures.count = 0;
    this.#note({ who: 'broker', what: 'session.auth', outcome: 'refused', data: { more } });
  }

  /**
   * Whatever is privileged asks this before it is done.
   * @throws {WireError} `-32603` where it has to be noted and cannot be, as far as is known
   */
  demand(): void {
    if (!this.isRequired || this.state.isWritable) return;
    this.#refused += 1;
    this.#log.error({}, 'refused, because the audit trail cannot be written (--audit-required)');
    throw WireError.internal();
  }

  /** What parameters are in a record: their SHA-256 as JSON, in hexadecimal. Nothing where there is no trail. */
  hash(value: unknown): string | undefined {
    if (!this.#trail || value === undefined || roughBytes(value) > MAX_HASHED_BYTES) return undefined;
    return createHash('sha256').update(writeJson(value)).digest('hex');
  }

  #note(entry: AuditEntry): void {
    try {
      this.#trail?.note(entry);
    } catch (err) {
      // An embedder's own.
      this.#log.error({ err }, 'the audit trail has thrown');
    }
  }
}

/** Where a connection comes from, as entries have it: of a guest, what they would have at its own broker. */
export function placeOf({ origin, link }: Client): Pick<AuditEntry, 'conn' | 'ip'> {
  return { conn: origin, ip: link.remote ?? link.via ?? link.kind };
}
