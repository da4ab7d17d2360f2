/** One thing that somebody did, for the audit trail (`docs/audit.md`). Never content, never a secret. */
export interface AuditEntry {
  /** What was done, dotted: `turn.open`. */
  readonly what: string;
  /** How it went: `ok`, `refused`, `failed`, or the name of an ending. */
  readonly outcome: string;
  /** Whose tenant. Left out where it is the broker itself, or nobody that it knows. */
  readonly tenant?: string | undefined;
  /** Who, within that tenant: a principal's `sub`. `broker` is the broker itself. */
  readonly who?: string | undefined;
  /** The connection's client id. */
  readonly conn?: string | undefined;
  /** The address that the connection came from, or `unix` or `memory` where it has none. */
  readonly ip?: string | undefined;
  /** Of several processes of one daemon the one that has noted it. */
  readonly worker?: string | undefined;
  /** What it was done to: an agent, a turn, a tool, an approval. */
  readonly on?: string | undefined;
  /** The trace that it belongs to: a W3C trace id. */
  readonly trace?: string | undefined;
  /** What else there is to say of it: names, numbers and hashes. */
  readonly data?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

/** How a trail is doing, for `/metrics`. */
export interface AuditState {
  /** Records in the file, those that the trail itself made included, since the start. */
  readonly written: number;
  /** Entries that had no room to wait in, and are gone; a record in the file says how many. */
  readonly lost: number;
  /** How often the file could not be written or synced. */
  readonly failures: number;
  /** Bytes that wait to be written. */
  readonly waitingBytes: number;
  /** False: what is noted now may never be in the file. */
  readonly isWritable: boolean;
}

/**
 * Where the broker notes who did what (`docs/audit.md`). An embedder may bring its own. It is called from inside the
 * broker's own steps: it neither throws nor waits, and it bounds what it keeps.
 */
export interface AuditTrail {
  note(entry: AuditEntry): void;
  readonly state: AuditState;
}
