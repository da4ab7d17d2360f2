import type { PeerStreams } from './peer-streams.ts';

/** The ways to all brokers with which there was a link, lost ones too, until such a broker is forgotten. */
export class StreamBook {
  readonly #byName = new Map<string, PeerStreams>();
  /** What went over links that are forgotten. */
  readonly #before = { batches: 0, tokens: 0 };

  [Symbol.iterator](): Iterator<PeerStreams> {
    return this.#byName.values();
  }

  get(name: string): PeerStreams | undefined {
    return this.#byName.get(name);
  }

  /** In place of one that there was. */
  add(streams: PeerStreams): void {
    this.drop(streams.name);
    this.#byName.set(streams.name, streams);
  }

  drop(name: string): void {
    const counts = this.#byName.get(name)?.link.counts;
    if (!counts) return;
    this.#before.batches += counts.batches;
    this.#before.tokens += counts.tokens;
    this.#byName.delete(name);
  }

  /** What has gone to other brokers since the start. */
  get sent(): { readonly batches: number; readonly tokens: number } {
    const all = { ...this.#before };
    for (const { link } of this) {
      all.batches += link.counts.batches;
      all.tokens += link.counts.tokens;
    }
    return all;
  }
}
