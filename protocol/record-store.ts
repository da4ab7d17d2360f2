/** What the recorder's parts on both sides of a store agree on. */

/** One turn as a store has it: its lines, the oldest first. */
export interface StoredTurn {
  readonly turnId: string;
  readonly lines: readonly string[];
}

/**
 * Where recorded turns outlive the process. Lines are JSON, whole, without a line end. It throws nothing: what it cannot do it
 * says in {@link state}, and it is told again.
 */
export interface RecordStore {
  /** `degraded`: the last write failed, and what is kept is in memory alone until one succeeds. */
  readonly state: 'ok' | 'degraded';
  /** Everything that is kept, in any order, bit by bit. What is damaged is left out. */
  load(): AsyncIterable<StoredTurn>;
  /**
   * Adds lines to a turn, or has them be all of it. False: they were not written, or not all.
   * @param isWhole - what there is of the turn goes
   */
  write(turnId: string, lines: readonly string[], isWhole: boolean): Promise<boolean>;
  /** Forgets a turn. */
  remove(turnId: string): Promise<void>;
}

/** How turns are recorded. */
export interface RecordOptions {
  /** So many turns are kept. Default 1,000. */
  turns?: number;
  /** And so many bytes of them, about. Default 64 MiB. */
  bytes?: number;
  /** For so long after they have ended, in milliseconds. Default 24 h. */
  keepMs?: number;
  /** Where they outlive this process. Default: nowhere, they are kept in memory. */
  store?: RecordStore;
}
