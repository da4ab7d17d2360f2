import type { Directory, DirectoryHandlers, Place } from '../../cluster/directory.ts';

/** Who hears where agents are. */
export interface PlaceHandlers {
  placed(agentKey: string, place: Place): void;
  /** It is attached nowhere any more. */
  gone(agentKey: string): void;
}

/** Where agents are attached, as far as one broker knows it, and which of its own wait for their place in the order. */
export class AgentPlaces implements Pick<DirectoryHandlers, 'attached' | 'detached' | 'lost'> {
  readonly #self: { id: string; epoch: string };
  readonly #directory: Pick<Directory, 'attach' | 'detach'>;
  readonly #handlers: PlaceHandlers;
  readonly #places = new Map<string, Place>();
  /** Agents of this broker's whose place in the order is not known yet. */
  readonly #attaching = new Map<string, string>();

  constructor(
    self: { id: string; epoch: string },
    directory: Pick<Directory, 'attach' | 'detach'>,
    handlers: PlaceHandlers,
  ) {
    this.#self = self;
    this.#directory = directory;
    this.#handlers = handlers;
  }

  of(agentKey: string): Place | undefined {
    return this.#places.get(agentKey);
  }

  keys(): Iterable<string> {
    return this.#places.keys();
  }

  attach(agentKey: string, client: string): void {
    this.#attaching.set(agentKey, client);
    this.#directory.attach(agentKey, client);
  }

  detach(agentKey: string, client: string): void {
    if (this.#attaching.get(agentKey) === client) this.#attaching.delete(agentKey);
    this.#directory.detach(agentKey, client);
  }

  /** The directory is open now: those that were there before it. */
  attachAll(): void {
    for (const [agent, client] of this.#attaching) this.#directory.attach(agent, client);
  }

  /** The place in the order of an agent's connection here; undefined while it is not known. */
  ownRevision(agentKey: string, client: string): number | undefined {
    const place = this.#places.get(agentKey);
    return place?.broker === this.#self.id && place.client === client ? place.revision : undefined;
  }

  /** Whether an agent's connection here is older than one with that place in the order. */
  isOlder(agentKey: string, revision: number): boolean {
    const place = this.#places.get(agentKey);
    return !this.#attaching.has(agentKey) && (place === undefined || place.revision < revision);
  }

  attached(agentKey: string, place: Place): void {
    const isOurs = place.broker === this.#self.id && place.epoch === this.#self.epoch;
    const own = this.#attaching.get(agentKey);
    if (isOurs && own === place.client) this.#attaching.delete(agentKey);
    this.#places.set(agentKey, place);
    // Its own will come, with a larger number.
    if (!isOurs && own !== undefined) return;
    this.#handlers.placed(agentKey, place);
  }

  detached(agentKey: string, place: Place): void {
    if (this.#places.get(agentKey)?.revision !== place.revision) return;
    this.#places.delete(agentKey);
    this.#handlers.gone(agentKey);
  }

  lost(agentKey: string, client: string): void {
    if (this.#attaching.get(agentKey) !== client) return;
    this.#attaching.delete(agentKey);
    const place = this.#places.get(agentKey);
    // An older connection of it counts again.
    if (place) this.#handlers.placed(agentKey, place);
  }
}
