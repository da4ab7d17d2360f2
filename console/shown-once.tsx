import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useCopy } from './use-copy.ts';
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
  const [said, copy] = useCopy();
  useEffect(() => box.current?.focus(), []);
  useEffect(() => {
    // Then by hand.
    if (said === 'refused' && text.current) getSelection()?.selectAllChildren(text.current);
  }, [said]);
  return (
    <section ref={box} class="shown-once" aria-labelledby="shown-once" tabIndex={-1}>
      <h2 id="shown-once">{title}, shown this once</h2>
      <p class="secret">
        <code ref={text}>{secret}</code>
        <button type="button" class="primary" onClick={() => copy(secret)}>
          Copy
        </button>
        <button type="button" onClick={onDone}>
          Done
        </button>
      </p>
      <p class="soft" role="status" aria-label="Copying">
        {said === 'copied' ? 'Copied.' : said === 'refused' ? 'It is selected: copy it with Ctrl+C, or ⌘C.' : note}
      </p>
    </section>
  );
}
