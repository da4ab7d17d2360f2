import { useEffect, useReducer, useRef } from 'preact/hooks';

/**
 * How long something must have been there before it can be answered. Milliseconds. A press that was on its way when it came
 * was meant for what stood there before.
 */
export const SETTLE_MS = 500;

/** Which of some things have been there for {@link SETTLE_MS}, and have been seen since the page was last turned to. */
export class Settling {
  #since = new Map<string, number>();

  /** These are there now. @param now milliseconds of a clock that never goes back. */
  show(ids: readonly string[], now: number): void {
    this.#since = new Map(ids.map((id) => [id, this.#since.get(id) ?? now]));
  }

  /** Somebody turns to the page: what is on it is new to them. */
  restart(now: number): void {
    for (const id of this.#since.keys()) this.#since.set(id, now);
  }

  isSettled(id: string, now: number): boolean {
    const since = this.#since.get(id);
    return since !== undefined && now - since >= SETTLE_MS;
  }

  /** How long until one more of them has settled; undefined where all have. Milliseconds. */
  next(now: number): number | undefined {
    const left = [...this.#since.values()].map((since) => since + SETTLE_MS - now).filter((ms) => ms > 0);
    return left.length === 0 ? undefined : Math.min(...left);
  }
}

/** Says of what is drawn whether it may be answered by now, and draws again when it may. */
export function useSettled(ids: readonly string[]): (id: string) => boolean {
  const settling = useRef(new Settling());
  const [, redraw] = useReducer((times: number, _: undefined) => times + 1, 0);
  useEffect(() => {
    const turned = () => {
      if (document.visibilityState !== 'visible') return;
      settling.current.restart(performance.now());
      redraw(undefined);
    };
    document.addEventListener('visibilitychange', turned);
    return () => document.removeEventListener('visibilitychange', turned);
  }, []);
  // After it was drawn: what is not on the page yet, nobody sees.
  useEffect(() => {
    const { current } = settling;
    current.show(ids, performance.now());
    const left = current.next(performance.now());
    if (left === undefined) return;
    const timer = setTimeout(() => redraw(undefined), left);
    return () => clearTimeout(timer);
  });
  return (id) => settling.current.isSettled(id, performance.now());
}
