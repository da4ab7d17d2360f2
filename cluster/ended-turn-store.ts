/**
 * Where brokers of one cluster keep what there is of turns that have ended, for a few minutes: a broker that dies does not take
 * it with it. Over NATS, a stream of JetStream's does.
 */
export interface EndedTurnStore {
  /** False while nothing can be kept or found. */
  readonly isConnected: boolean;
  /** Called once. @throws what keeps it from that */
  open(): Promise<void>;
  /**
   * Keeps bytes under a name, in place of what was there.
   * @param name - 1–64 of `[A-Za-z0-9_-]`
   * @throws {Error} where it cannot be written now: it may have been, all the same
   */
  keep(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * All that is kept under a name; undefined where there is nothing, or no longer all of it.
   * @throws {Error} where it cannot be asked now
   */
  find(name: string): Promise<Uint8Array | undefined>;
  /** The same, but only how it begins: 64 KiB at least, if it has that. */
  begin(name: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}
