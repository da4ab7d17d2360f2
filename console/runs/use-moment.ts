import { useEffect, useRef, useState } from 'preact/hooks';
import { query, restate } from '../route.ts';
import { fieldsOf, type Moment, momentIn } from './moment.ts';

/** The address changes no more often than this, however fast somebody plays: browsers refuse more. Milliseconds. */
const PAUSE_MS = 300;

/** The moment that the address names, and how to go to another one: the address follows. */
export function useMoment(parts: readonly string[]): [Moment, (next: Partial<Moment>) => void] {
  const address = query.value;
  const [moment, setMoment] = useState(() => momentIn(address));
  const now = useRef({ moment, writtenAt: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined });
  const take = (next: Moment) => {
    now.current.moment = next;
    setMoment(next);
  };
  const written = useRef(address);
  useEffect(() => {
    // Somebody went back, or pasted another address.
    if (written.current !== address) take(momentIn(address));
  }, [address]);
  useEffect(() => () => clearTimeout(now.current.timer), []);
  const write = () => {
    const state = now.current;
    clearTimeout(state.timer);
    state.timer = undefined;
    state.writtenAt = Date.now();
    restate(parts, fieldsOf(state.moment));
    written.current = query.peek();
  };
  const go = (next: Partial<Moment>) => {
    const state = now.current;
    take({ ...state.moment, ...next });
    if (state.timer !== undefined) return;
    const left = state.writtenAt + PAUSE_MS - Date.now();
    if (left <= 0) write();
    else state.timer = setTimeout(write, left);
  };
  return [moment, go];
}
