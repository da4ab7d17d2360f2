/** Other brokers whose actors the feed tells of, and how far it has told of those that were there. */
export class OtherBrokers {
  /** Of each, the ids of actors that were known before and have not been told of again; undefined where all are told. */
  readonly #told = new Map<string, Set<string> | undefined>();
  readonly #leftOut = new Map<string, number>();

  /** Their names. */
  get names(): readonly string[] {
    return [...this.#told.keys()].sort();
  }

  /** Live actors that they had no room for. */
  get leftOut(): number {
    let all = 0;
    for (const count of this.#leftOut.values()) all += count;
    return all;
  }

  /** There are these. */
  renew(names: readonly string[]): void {
    this.#told.clear();
    this.#leftOut.clear();
    for (const name of names) this.#told.set(name, undefined);
  }

  has(broker: string | undefined): boolean {
    return broker !== undefined && this.#told.has(broker);
  }

  /** It tells of its actors as they stand. @param known - the ids of those that are known */
  begin(broker: string, known: readonly string[]): void {
    this.#told.set(broker, new Set(known));
  }

  /** Whether a broker tells of actors that have been there before. */
  isBeginning(broker: string | undefined): boolean {
    return broker !== undefined && this.#told.get(broker) !== undefined;
  }

  /** An actor is told of. */
  told({ id, broker }: { id: string; broker?: string | undefined }): void {
    if (broker !== undefined) this.#told.get(broker)?.delete(id);
  }

  /** All are told. @returns the ids of those that are there no more */
  whole(broker: string, leftOut: number): readonly string[] {
    const gone = [...(this.#told.get(broker) ?? [])];
    this.#told.set(broker, undefined);
    this.#leftOut.set(broker, leftOut);
    return gone;
  }

  /** Nothing is heard of it any more. */
  lose(broker: string): void {
    this.#told.delete(broker);
    this.#leftOut.delete(broker);
  }
}
