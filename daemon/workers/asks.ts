/** Questions over a pipe that wait for their answers, each with a time limit. */
export class Asks<T> {
  readonly #waiting = new Map<
    number,
    { resolve(answer: T): void; reject(error: Error): void; timer: NodeJS.Timeout }
  >();
  #last = 0;

  /**
   * @param send - sends the question with its number
   * @param withinMs - how long an answer is waited for. Milliseconds.
   * @throws {Error} where none comes in time
   */
  ask(send: (ask: number) => void, withinMs: number): Promise<T> {
    this.#last += 1;
    const ask = this.#last;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(ask);
        reject(new Error(`the supervisor has not answered within ${withinMs} ms`));
      }, withinMs);
      this.#waiting.set(ask, { resolve, reject, timer });
      send(ask);
    });
  }

  /** One that nobody waits for any more is passed over. */
  answer(ask: number, answer: T): void {
    this.#take(ask)?.resolve(answer);
  }

  fail(ask: number, error: Error): void {
    this.#take(ask)?.reject(error);
  }

  #take(ask: number) {
    const waiting = this.#waiting.get(ask);
    this.#waiting.delete(ask);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
