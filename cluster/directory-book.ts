import type { Claim, DirectoryHandlers, Place } from './directory.ts';

/** A broker, and which life of it. */
export interface Life {
  readonly id: string;
  readonly epoch: string;
}

/** One thing that all brokers are told, as it may be sent to another process. */
export type News =
  | { readonly is: 'attached'; readonly agentKey: string; readonly place: Place }
  | { readonly is: 'detached'; readonly agentKey: string; readonly place: Place }
  | { readonly is: 'registered'; readonly name: string; readonly record?: string };

interface Member extends Life {
  readonly tell: (news: News) => void;
}

/**
 * What all brokers of one machine know together, kept in one place: who is attached where and in which order, who has
 * claimed what, and what was registered. Every step is done when it returns, and told to every broker, whoever made it, in
 * the same order.
 *
 * A life that is over, or was never entered, changes nothing any more.
 */
export class DirectoryBook {
  readonly #members = new Map<string, Member>();
  readonly #places = new Map<string, Place>();
  readonly #claims = new Map<string, Life>();
  readonly #registered = new Map<string, string>();
  #revision = 0;

  /**
   * A broker is there. It is told what is known, then what changes. An earlier life of that name is over.
   * @param tell - never throws, and calls nothing of this book before it has returned
   */
  enter({ id, epoch }: Life, tell: (news: News) => void): void {
    const before = this.#members.get(id);
    if (before?.epoch === epoch) return;
    if (before) this.bury(before);
    this.#members.set(id, { id, epoch, tell });
    for (const [agentKey, place] of this.#places) tell({ is: 'attached', agentKey, place });
    for (const [name, record] of this.#registered) tell({ is: 'registered', name, record });
  }

  attach(by: Life, agentKey: string, client: string): void {
    if (!this.#isThere(by)) return;
    const known = this.#places.get(agentKey);
    // Said again, because it was not known that it was heard: the order stays.
    if (known && isOf(known, by) && known.client === client) return;
    this.#revision += 1;
    const place: Place = { broker: by.id, epoch: by.epoch, client, revision: this.#revision };
    this.#places.set(agentKey, place);
    this.#tell({ is: 'attached', agentKey, place });
  }

  detach(by: Life, agentKey: string, client: string): void {
    const place = this.#places.get(agentKey);
    if (place && isOf(place, by) && place.client === client) this.#remove(agentKey, place);
  }

  /** @throws {Error} where that life is over */
  claim(by: Life, name: string): Claim {
    if (!this.#isThere(by)) throw new Error(`broker ${by.id} has no part in this cluster any more`);
    const holder = this.#claims.get(name);
    if (holder && !isSame(holder, by)) return { isOurs: false, broker: holder.id };
    this.#claims.set(name, { id: by.id, epoch: by.epoch });
    return { isOurs: true };
  }

  release(by: Life, name: string): void {
    const holder = this.#claims.get(name);
    if (holder && isSame(holder, by)) this.#claims.delete(name);
  }

  /** A life is over: all that was attached there is told to be gone, and what it claimed is free. */
  bury(life: Life): void {
    if (this.#isThere(life)) this.#members.delete(life.id);
    for (const [name, holder] of this.#claims) if (isSame(holder, life)) this.#claims.delete(name);
    for (const [agentKey, place] of this.#places) if (isOf(place, life)) this.#remove(agentKey, place);
  }

  register(by: Life, name: string, record: string | undefined): void {
    if (!this.#isThere(by)) throw new Error(`broker ${by.id} has no part in this cluster any more`);
    if (this.#registered.get(name) === record) return;
    if (record === undefined) this.#registered.delete(name);
    else this.#registered.set(name, record);
    this.#tell({ is: 'registered', name, ...(record !== undefined && { record }) });
  }

  #remove(agentKey: string, place: Place): void {
    this.#places.delete(agentKey);
    this.#tell({ is: 'detached', agentKey, place });
  }

  #tell(news: News): void {
    for (const { tell } of this.#members.values()) tell(news);
  }

  #isThere(life: Life): boolean {
    return this.#members.get(life.id)?.epoch === life.epoch;
  }
}

/** Hands news on to whoever listens. */
export function deliver(news: News, handlers: DirectoryHandlers): void {
  if (news.is === 'attached') handlers.attached(news.agentKey, news.place);
  else if (news.is === 'detached') handlers.detached(news.agentKey, news.place);
  else handlers.registered?.(news.name, news.record);
}

const isSame = (a: Life, b: Life): boolean => a.id === b.id && a.epoch === b.epoch;
const isOf = (place: Place, life: Life): boolean => place.broker === life.id && place.epoch === life.epoch;
