/** A promise, and how it is settled. */
interface Settled {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** What is being kept, or will be next: who waits for it, and what each entry was before it. */
interface Batch<Before> {
  readonly before: Map<string, Before>;
  readonly kept: Settled;
}

/**
 * Has changes kept, one save at a time: what is changed while one is under way is kept by the next, in one go. What could
 * not be kept did not happen: it is undone, and with it what was built on it. Of each entry that is not kept yet it holds
 * what there was before, once for the save that runs and once for the next, however often it was changed.
 */
export class GatheredSaves<Before> {
  readonly #save: () => void | Promise<void>;
  readonly #undo: (id: string, before: Before) => void;
  #running: Batch<Before> | undefined;
  #next: Batch<Before> | undefined;

  /**
   * @param save Keeps everything as it is now, at once or by a promise.
   * @param undo Puts an entry back as it was.
   */
  constructor(save: () => void | Promise<void>, undo: (id: string, before: Before) => void) {
    this.#save = save;
    this.#undo = undo;
  }

  /** Resolves once all that has been changed is kept, and rejects where it could not be. Undefined: it is. */
  get kept(): Promise<void> | undefined {
    return (this.#next ?? this.#running)?.kept.promise;
  }

  /** An entry was changed. @throws what a save throws at once: then it is undone */
  changed(id: string, before: Before): void {
    this.allChanged([[id, before]]);
  }

  /** Entries were changed together. @throws the same */
  allChanged(entries: Iterable<readonly [id: string, before: Before]>): void {
    this.#next ??= newBatch();
    for (const [id, before] of entries) if (!this.#next.before.has(id)) this.#next.before.set(id, before);
    if (!this.#running) this.#keepNext();
  }

  #keepNext(): void {
    const batch = this.#next;
    if (!batch) return;
    this.#next = undefined;
    let saving: void | Promise<void>;
    try {
      saving = this.#save();
    } catch (error) {
      this.#fail(batch, error);
      throw error;
    }
    if (!isThenable(saving)) {
      batch.kept.resolve();
      return;
    }
    this.#running = batch;
    saving.then(
      () => {
        this.#running = undefined;
        batch.kept.resolve();
        try {
          this.#keepNext();
        } catch {
          // Whoever waits for it has heard.
        }
      },
      (error: unknown) => {
        const next = this.#next;
        this.#running = undefined;
        this.#next = undefined;
        // The newest first.
        if (next) this.#fail(next, error);
        this.#fail(batch, error);
      },
    );
  }

  #fail({ before, kept }: Batch<Before>, error: unknown): void {
    for (const [id, state] of before) this.#undo(id, state);
    kept.reject(error);
  }
}

function newBatch<Before>(): Batch<Before> {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((onKept, onFailed) => {
    resolve = onKept;
    reject = onFailed;
  });
  // Nobody may be waiting.
  promise.catch(() => {});
  return { before: new Map(), kept: { promise, resolve, reject } };
}

function isThenable(value: unknown): value is Promise<void> {
  return typeof (value as Promise<void> | undefined)?.then === 'function';
}
