import { useEffect, useState } from 'preact/hooks';

/** How long it is said that something was copied. Milliseconds. */
const SAID_MS = 4_000;

/** What came of copying. `refused`: the browser does not let the page, as over plain HTTP from elsewhere. */
export type Copied = 'copied' | 'refused' | undefined;

/**
 * Copies texts.
 * @returns what came of the last one, for as long as it is to be said, and what copies one
 */
export function useCopy(): [said: Copied, copy: (text: string) => Promise<void>] {
  const [said, setSaid] = useState<Copied>();
  useEffect(() => {
    if (said !== 'copied') return;
    const timer = setTimeout(() => setSaid(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('copied');
    } catch {
      setSaid('refused');
    }
  };
  return [said, copy];
}
