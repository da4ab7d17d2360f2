import type { Client } from '../kernel/client.ts';
import type { JsonText } from '../kernel/json-text.ts';
import { key } from '../kernel/key.ts';
import type { SurfaceFeed } from './feeds.ts';
import { SurfaceOwner } from './owner-record.ts';
import type { Change, Surface } from './surface.ts';

interface Entry {
  surface: Surface;
  owner: SurfaceOwner;
  /** When it was last changed or acted on, by the broker's clock. */
  touchedAt: number;
}

/** The surfaces of a broker. */
export const SURFACES = key<Surfaces>('surfaces');

/** Every surface of a broker, who they belong to, and who watches them. Our own Maps: law 3. */
export class Surfaces {
  readonly #entries = new Map<string, Entry>();
  readonly #ownersByKey = new Map<string, SurfaceOwner>();
  readonly #ownersById = new Map<string, SurfaceOwner>();
  readonly #subscribers = new Map<Client, SurfaceFeed>();
  #logFeed: SurfaceFeed | undefined;
  /** What the newest change reads as: one text for all who hear of it. */
  #text: { surface: Surface; text: JsonText } | undefined;
  #owners = 0;
  #actions = 0;
  #revision = 0;

  /** Actions on surfaces, by what came of them. */
  readonly actionCounts = new Map<string, number>();

  countAction(outcome: string): void {
    this.actionCounts.set(outcome, (this.actionCounts.get(outcome) ?? 0) + 1);
  }

  get size(): number {
    return this.#entries.size;
  }
  get ownerCount(): number {
    return this.#ownersById.size;
  }
  /** Those of the subscribers. */
  get feeds(): Iterable<SurfaceFeed> {
    return this.#subscribers.values();
  }

  /** That of the event log, made when there is something to tell. */
  logFeed(make: () => SurfaceFeed): SurfaceFeed {
    this.#logFeed ??= make();
    return this.#logFeed;
  }

  /** A surface as a text that `make` makes of it. */
  textOf(surface: Surface, make: (surface: Surface) => JsonText): JsonText {
    if (this.#text?.surface !== surface) this.#text = { surface, text: make(surface) };
    return this.#text.text;
  }

  /** In the order in which they were made. */
  *[Symbol.iterator](): Iterator<Surface> {
    for (const { surface } of this.#entries.values()) yield surface;
  }

  get(surfaceId: string): Surface | undefined {
    return this.#entries.get(surfaceId)?.surface;
  }

  ownerOf(surfaceId: string): SurfaceOwner | undefined {
    return this.#entries.get(surfaceId)?.owner;
  }

  owners(): SurfaceOwner[] {
    return [...this.#ownersById.values()];
  }

  /** Somebody did something with it: it is kept for longer. */
  touch(surfaceId: string, now: number): void {
    const entry = this.#entries.get(surfaceId);
    if (entry) entry.touchedAt = now;
  }

  /** Those that nobody has touched since then. */
  untouchedSince(then: number): Surface[] {
    return [...this.#entries.values()].filter(({ touchedAt }) => touchedAt <= then).map(({ surface }) => surface);
  }

  /** Larger than any before, also of a surface that was deleted and made again. */
  nextRevision(): number {
    this.#revision += 1;
    return this.#revision;
  }

  nextActionId(): string {
    this.#actions += 1;
    return `action-${this.#actions}`;
  }

  /** The live owner for this agent and endpoint; `isNew` where its actor has still to be started. */
  ownerFor(
    agentId: string | undefined,
    endpoint: string | undefined,
    now: number,
  ): { owner: SurfaceOwner; isNew: boolean } {
    const key = JSON.stringify([agentId ?? null, endpoint ?? null]);
    const known = this.#ownersByKey.get(key);
    if (known?.isLive) return { owner: known, isNew: false };
    this.#owners += 1;
    const owner = new SurfaceOwner(`surfaces-${this.#owners}`, key, agentId, endpoint, now);
    this.#ownersByKey.set(key, owner);
    this.#ownersById.set(owner.id, owner);
    return { owner, isNew: true };
  }

  /** Keeps what a change has made; gives the owners that it touches, the former one too. */
  keep({ surfaceId, after }: Change, owner: SurfaceOwner | undefined, now: number): SurfaceOwner[] {
    const former = this.#entries.get(surfaceId)?.owner;
    if (former !== owner) former?.surfaceIds.delete(surfaceId);
    if (after && owner) {
      this.#entries.set(surfaceId, { surface: after, owner, touchedAt: now });
      owner.surfaceIds.add(surfaceId);
    } else this.#entries.delete(surfaceId);
    return [...new Set([former, owner])].filter((touched) => touched !== undefined);
  }

  forgetOwner(owner: SurfaceOwner): void {
    this.#ownersById.delete(owner.id);
    if (this.#ownersByKey.get(owner.key) === owner) this.#ownersByKey.delete(owner.key);
  }

  /** Who subscribes again keeps what is still to be told. */
  subscribe(client: Client, make: () => SurfaceFeed): SurfaceFeed {
    const feed = this.#subscribers.get(client) ?? make();
    this.#subscribers.set(client, feed);
    return feed;
  }

  unsubscribe(client: Client): boolean {
    this.#subscribers.get(client)?.end();
    return this.#subscribers.delete(client);
  }
}
