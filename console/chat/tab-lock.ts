/** A page that is loaded again may be there before the one it replaces is gone. Milliseconds. */
const WAIT_MS = 1_000;

/**
 * Takes a lock of this browser, and holds it until the page is left.
 * @returns false where another tab has it. True, too, where there are no locks: on a page that came over plain HTTP from
 * another machine.
 */
export function holdLock(name: string): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise<never>(() => {});
    };
    navigator.locks.request(name, { signal: AbortSignal.timeout(WAIT_MS) }, held).catch(() => resolve(false));
  });
}
