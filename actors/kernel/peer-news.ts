/**
 * What families of this broker and of the others of its cluster tell each other; nobody, where there is no other
 * (`docs/cluster.md`).
 */
export class PeerNews {
  readonly #hearers = new Map<string, (body: unknown) => void>();
  readonly #known: (() => Iterable<readonly [kind: string, body: object]>)[] = [];
  /** Tells all that can be reached. */
  tell: (kind: string, body: object) => void = () => {};

  /** @param hear - called with what another broker tells of this kind */
  on(kind: string, hear: (body: unknown) => void): void {
    this.#hearers.set(kind, hear);
  }

  /** @param known - what a broker is told of with which there is a new link */
  onNew(known: () => Iterable<readonly [kind: string, body: object]>): void {
    this.#known.push(known);
  }

  heard(kind: string, body: unknown): void {
    this.#hearers.get(kind)?.(body);
  }

  *known(): Generator<readonly [kind: string, body: object]> {
    for (const known of this.#known) yield* known();
  }
}
