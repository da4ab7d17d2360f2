import { useEffect, useRef, useState } from 'preact/hooks';
import type { MadeKey } from '../../protocol/keys.ts';
import { visibleLine } from '../../protocol/visible.ts';

/** A key that was just made, and its secret: in this part of the page, and nowhere else, until it is put away. */
export function Made({ made, onDone }: { made: MadeKey; onDone(): void }) {
  const box = useRef<HTMLElement>(null);
  const secret = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');
  useEffect(() => box.current?.focus(), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.token);
      setSaid('Copied.');
    } catch {
      // Not allowed, or not over plain HTTP from elsewhere: then by hand.
      if (secret.current) getSelection()?.selectAllChildren(secret.current);
      setSaid('It is selected: copy it with Ctrl+C, or ⌘C.');
    }
  };
  return (
    <section ref={box} class="key-made" aria-labelledby="made-key" tabIndex={-1}>
      <h2 id="made-key">
        The key <bdi>{visibleLine(made.key.name)}</bdi>, shown this once
      </h2>
      <p class="key-secret">
        <code ref={secret}>{made.token}</code>
        <button type="button" class="primary" onClick={copy}>
          Copy
        </button>
        <button type="button" onClick={onDone}>
          Done
        </button>
      </p>
      <p class="soft" role="status" aria-label="Copying">
        {said || 'Whoever has it is let in by it. The daemon keeps only a hash: it cannot show it again.'}
      </p>
    </section>
  );
}
