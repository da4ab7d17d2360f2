import { useEffect, useRef } from 'preact/hooks';
import { useCopy } from '../use-copy.ts';

/** Copies the address of a place in the console. What stands before the `#` is the page's own, without a query: no token is in it. */
export function CopyLink({ address }: { address: string }) {
  const [said, copy] = useCopy();
  const field = useRef<HTMLInputElement>(null);
  const whole = `${location.origin}${location.pathname}${address}`;
  useEffect(() => {
    // Then by hand.
    if (said === 'refused') field.current?.select();
  }, [said]);
  return (
    <>
      <button type="button" class="small" onClick={() => copy(whole)}>
        Copy link
      </button>
      {said === 'refused' ? <input ref={field} class="run-link" readOnly aria-label="Link" value={whole} /> : null}
      <span role="status" aria-label="Copying" class="soft">
        {said === 'copied' ? 'Copied' : ''}
      </span>
    </>
  );
}
