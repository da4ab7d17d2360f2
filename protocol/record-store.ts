import { checkOptions } from './options.ts';

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

const OPTIONS: Readonly<Record<keyof RecordOptions, true>> = { turns: true, bytes: true, keepMs: true, store: true };
/** The least that may be kept, in bytes: two turns' least share. */
const LEAST_BYTES = 256 * 1024;

/** @throws {TypeError} where it is neither a boolean nor such options. */
export function checkRecordOptions(record: unknown): void {
  if (record === undefined || typeof record === 'boolean') return;
  const where = 'createBroker, record';
  checkOptions(where, record as object, OPTIONS);
  const { turns, bytes, keepMs, store } = record as RecordOptions;
  for (const [name, value, least] of [
    ['turns', turns, 1],
    ['bytes', bytes, LEAST_BYTES],
    ['keepMs', keepMs, 1],
  ] as const) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw new TypeError(`${where}: ${name} is a whole number, ${least} or more`);
  }
  if (store === undefined) return;
  for (const name of ['load', 'write', 'remove'] as const) {
    if (typeof store?.[name] !== 'function') throw new TypeError(`${where}: store.${name} must be a function`);
  }
}
