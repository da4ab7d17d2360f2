import { type Principal, principalKey } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { JsonText } from '../kernel/json-text.ts';
import { key } from '../kernel/key.ts';
import type { SurfaceFeed } from './feeds.ts';
import { type OwnedBy, SurfaceOwner } from './owner-record.ts';
import type { Change, Surface } from './surface.ts';

interface Entry {
  surface: Surface;
  owner: SurfaceOwner;
  /** When it was last changed or acted on, by the broker's clock. */
  touchedAt: number;
}

/** What is counted of one principal's surfaces. */
interface Room {
  count: number;
  revision: number;
}

/** Rooms that are remembered: more than have a surface in them. */
const MAX_ROOMS = 2_048;

/** The surfaces of a broker. */
export const SURFACES = key<Surfaces>('surfaces');

/** Every surface of a broker, who they belong to, and who watches them. Our own Maps: law 3. */
export class Surfaces {
  /** By {@link SurfaceLabel.key}. */
  readonly #entries = new Map<string, Entry>();
  /** By principal. Those in which there is nothing any more are remembered for a while. */
  readonly #rooms = new Map<string, Room>();
  readonly #ownersByKey = new Map<string, SurfaceOwner>();
  readonly #ownersById = new Map<string, SurfaceOwner>();
  readonly #subscribers = new Map<Client, SurfaceFeed>();
  #logFeed: SurfaceFeed | undefined;
  /** What the newest change reads as: one text for all who hear of it. */
  #texts: { surface: Surface; byId: Map<string, JsonText> } | undefined;
  #owners = 0;
  #actions = 0;
  /** Of rooms that are forgotten, the largest number. */
  #oldRevision = 0;

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

  /** A surface as a text that `make` makes of it for those who call it so: of two names at most. */
  textOf(surface: Surface, surfaceId: string, make: (surface: Surface, surfaceId: string) => JsonText): JsonText {
    if (this.#texts?.surface !== surface) this.#texts = { surface, byId: new Map() };
    const { byId } = this.#texts;
    const text = byId.get(surfaceId) ?? make(surface, surfaceId);
    byId.set(surfaceId, text);
    return text;
  }

  /** How many are in a room. */
  countIn(room: Principal): number {
    return this.#rooms.get(principalKey(room))?.count ?? 0;
  }

  /** In the order in which they were made. */
  *[Symbol.iterator](): Iterator<Surface> {
    for (const { surface } of this.#entries.values()) yield surface;
  }

  /** By its key, as everything here. */
  get(surfaceKey: string): Surface | undefined {
    return this.#entries.get(surfaceKey)?.surface;
  }

  ownerOf(surfaceKey: string): SurfaceOwner | undefined {
    return this.#entries.get(surfaceKey)?.owner;
  }

  owners(): SurfaceOwner[] {
    return [...this.#ownersById.values()];
  }

  /** Somebody did something with it: it is kept for longer. */
  touch(surfaceKey: string, now: number): void {
    const entry = this.#entries.get(surfaceKey);
    if (entry) entry.touchedAt = now;
  }

  /** Those that nobody has touched since then. */
  untouchedSince(then: number): Surface[] {
    return [...this.#entries.values()].filter(({ touchedAt }) => touchedAt <= then).map(({ surface }) => surface);
  }

  /**
   * Larger than any before in this room, also of a surface that was deleted and made again. Each room counts for itself: nobody
   * sees by it what others do.
   */
  nextRevision(owner: Principal): number {
    const room = this.#room(owner);
    room.revision += 1;
    return room.revision;
  }

  #room(owner: Principal): Room {
    const name = principalKey(owner);
    const known = this.#rooms.get(name);
    if (known) return known;
    const room = { count: 0, revision: this.#oldRevision };
    this.#rooms.set(name, room);
    if (this.#rooms.size > MAX_ROOMS) this.#forgetRoom();
    return room;
  }

  /** The one that was made first of those in which there is nothing. */
  #forgetRoom(): void {
    for (const [name, { count, revision }] of this.#rooms) {
      if (count > 0) continue;
      this.#rooms.delete(name);
      this.#oldRevision = Math.max(this.#oldRevision, revision);
      return;
    }
  }

  nextActionId(): string {
    this.#actions += 1;
    return `action-${this.#actions}`;
  }

  /** The live owner of what is in this room for this agent and endpoint; `isNew` where its actor has still to be started. */
  ownerFor(of: OwnedBy, now: number): { owner: SurfaceOwner; isNew: boolean } {
    const { room, agentId, author, endpoint } = of;
    const key = writeJson([
      principalKey(room),
      agentId ?? null,
      author ? principalKey(author) : null,
      endpoint ?? null,
    ]);
    const known = this.#ownersByKey.get(key);
    if (known?.isLive) return { owner: known, isNew: false };
    this.#owners += 1;
    const owner = new SurfaceOwner(`surfaces-${this.#owners}`, key, of, now);
    this.#ownersByKey.set(key, owner);
    this.#ownersById.set(owner.id, owner);
    return { owner, isNew: true };
  }

  /** Keeps what a change has made; gives the owners that it touches, the former one too. */
  keep({ key: surfaceKey, owner: room, after }: Change, owner: SurfaceOwner | undefined, now: number): SurfaceOwner[] {
    const former = this.#entries.get(surfaceKey)?.owner;
    if (former !== owner) former?.surfaceKeys.delete(surfaceKey);
    const before = this.#entries.size;
    if (after && owner) {
      this.#entries.set(surfaceKey, { surface: after, owner, touchedAt: now });
      owner.surfaceKeys.add(surfaceKey);
    } else this.#entries.delete(surfaceKey);
    this.#room(room).count += this.#entries.size - before;
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
