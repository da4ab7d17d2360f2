import { useEffect, useRef, useState } from 'preact/hooks';

/** So long "Copied" is said. Milliseconds. */
const SAID_MS = 4_000;

/** Copies the address of a place in the console. What stands before the `#` is the page's own, without a query: no token is in it. */
export function CopyLink({ address }: { address: string }) {
  const [said, setSaid] = useState<'copied' | 'by hand'>();
  const field = useRef<HTMLInputElement>(null);
  const whole = `${location.origin}${location.pathname}${address}`;
  useEffect(() => {
    if (said === 'by hand') field.current?.select();
    if (said !== 'copied') return;
    const timer = setTimeout(() => setSaid(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(whole);
      setSaid('copied');
    } catch {
      // Not allowed, or not over plain HTTP from elsewhere: then by hand.
      setSaid('by hand');
    }
  };
  return (
    <>
      <button type="button" class="small" onClick={copy}>
        Copy link
      </button>
      {said === 'by hand' ? <input ref={field} class="run-link" readOnly aria-label="Link" value={whole} /> : null}
      <span role="status" aria-label="Copying" class="soft">
        {said === 'copied' ? 'Copied' : ''}
      </span>
    </>
  );
}
