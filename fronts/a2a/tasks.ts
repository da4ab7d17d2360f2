import { FrontError } from '../core/errors.ts';

/** Tasks of one principal that are kept. */
export const MAX_TASKS = 1_000;
/** How long one is kept after its end. Milliseconds. */
export const TASK_KEPT_MS = 60 * 60_000;
/** What all tasks that have ended may take together. Characters. */
export const MAX_KEPT = 64 * 1024 * 1024;

/** What is kept, and may go once it is over. */
export interface Kept {
  readonly id: string;
  readonly owner: string;
  readonly agentId: string;
  readonly isOver: boolean;
  readonly size: number;
}

interface Shelf<T> {
  /** The oldest first. */
  tasks: Map<string, T>;
  /** Of those that have ended. */
  sizes: Map<T, number>;
  size: number;
}

/** Tasks in memory, each its principal's alone. */
export class Tasks<T extends Kept> {
  readonly #shelves = new Map<string, Shelf<T>>();
  readonly #most: number;
  readonly #mostKept: number;
  readonly #keptMs: number;
  #size = 0;

  constructor(most = MAX_TASKS, mostKept = MAX_KEPT, keptMs = TASK_KEPT_MS) {
    this.#most = most;
    this.#mostKept = mostKept;
    this.#keptMs = keptMs;
  }

  /** Where there are too many, the oldest of the same principal's that has ended makes room. @throws {FrontError} 429 */
  makeRoom(owner: string): void {
    const shelf = this.#shelves.get(owner);
    if (!shelf || shelf.tasks.size < this.#most) return;
    const [oldest] = shelf.sizes.keys();
    if (!oldest)
      throw new FrontError(429, 'limit_exceeded', `one key may have ${this.#most} tasks`, { retryAfterMs: 1_000 });
    this.delete(oldest);
  }

  add(task: T): void {
    const shelf = this.#shelves.get(task.owner) ?? { tasks: new Map(), sizes: new Map(), size: 0 };
    this.#shelves.set(task.owner, shelf);
    shelf.tasks.set(task.id, task);
  }

  /** The one of that id, of that principal and agent. */
  get(owner: string, agentId: string, id: string): T | undefined {
    const task = this.#shelves.get(owner)?.tasks.get(id);
    return task?.agentId === agentId ? task : undefined;
  }

  /** All that somebody has with an agent, the newest first. */
  of(owner: string, agentId: string): T[] {
    const tasks = [...(this.#shelves.get(owner)?.tasks.values() ?? [])];
    return tasks.filter((task) => task.agentId === agentId).reverse();
  }

  /** It has ended, and is kept for a while. */
  ended(task: T): void {
    const shelf = this.#shelves.get(task.owner);
    if (!shelf?.tasks.has(task.id) || shelf.sizes.has(task)) return;
    const { size } = task;
    shelf.sizes.set(task, size);
    shelf.size += size;
    this.#size += size;
    setTimeout(() => this.delete(task), this.#keptMs).unref();
    while (this.#size > this.#mostKept) this.delete(this.#heaviest());
  }

  delete(task: T): void {
    const shelf = this.#shelves.get(task.owner);
    if (!shelf?.tasks.delete(task.id)) return;
    const size = shelf.sizes.get(task) ?? 0;
    shelf.sizes.delete(task);
    shelf.size -= size;
    this.#size -= size;
    if (shelf.tasks.size === 0) this.#shelves.delete(task.owner);
  }

  /** The oldest of whoever has most. */
  #heaviest(): T {
    let most: Shelf<T> | undefined;
    for (const shelf of this.#shelves.values()) if (!most || shelf.size > most.size) most = shelf;
    const [oldest] = most?.sizes.keys() ?? [];
    return oldest as T;
  }
}
