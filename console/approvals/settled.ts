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

  /**
   * How long until one more of them has settled than those that are drawn as such, which may be no time at all; undefined
   * where all are. Milliseconds.
   */
  next(drawn: ReadonlySet<string>, now: number): number | undefined {
    const left = [...this.#since].filter(([id]) => !drawn.has(id)).map(([, since]) => since + SETTLE_MS - now);
    return left.length === 0 ? undefined : Math.max(0, Math.min(...left));
  }
}

/** Says of what is drawn whether it may be answered by now, and draws again when it may. */
export function useSettled(ids: readonly string[]): ReadonlySet<string> {
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
  const settled = new Set(ids.filter((id) => settling.current.isSettled(id, performance.now())));
  // After it was drawn: what is not on the page yet, nobody sees.
  useEffect(() => {
    const { current } = settling;
    current.show(ids, performance.now());
    const left = current.next(settled, performance.now());
    if (left === undefined) return;
    const timer = setTimeout(() => redraw(undefined), left);
    return () => clearTimeout(timer);
  });
  return settled;
}
