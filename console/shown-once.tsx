import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './shown-once.css';

interface ShownOnceProps {
  /** Of what it is the secret. */
  title: ComponentChildren;
  secret: string;
  /** What it is good for. */
  note: string;
  /** It is put away. */
  onDone(): void;
}

/** A secret that the daemon tells this once: in this part of the page, and nowhere else, until it is put away. */
export function ShownOnce({ title, secret, note, onDone }: ShownOnceProps) {
  const box = useRef<HTMLElement>(null);
  const text = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');
  useEffect(() => box.current?.focus(), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      setSaid('Copied.');
    } catch {
      // Not allowed, or not over plain HTTP from elsewhere: then by hand.
      if (text.current) getSelection()?.selectAllChildren(text.current);
      setSaid('It is selected: copy it with Ctrl+C, or ⌘C.');
    }
  };
  return (
    <section ref={box} class="shown-once" aria-labelledby="shown-once" tabIndex={-1}>
      <h2 id="shown-once">{title}, shown this once</h2>
      <p class="secret">
        <code ref={text}>{secret}</code>
        <button type="button" class="primary" onClick={copy}>
          Copy
        </button>
        <button type="button" onClick={onDone}>
          Done
        </button>
      </p>
      <p class="soft" role="status" aria-label="Copying">
        {said || note}
      </p>
    </section>
  );
}
