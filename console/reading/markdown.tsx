import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useRef } from 'preact/hooks';
import { type Chunk, TextBlock } from './text-block.ts';
import { Words } from './words.tsx';
import './raw.css';

/** Whether answers are shown as they were written. Of the whole page, as long as it is open. */
const readsRaw = signal(false);
/** What draws Markdown, once it is there: it is loaded with the first answer. */
const view = signal<ComponentType<{ block: TextBlock }> | undefined>(undefined);
let isLoading = false;

async function load(): Promise<void> {
  if (isLoading || view.value) return;
  isLoading = true;
  try {
    view.value = (await import('./answer-view.tsx')).AnswerView;
  } catch {
    // The next answer tries it again; until then they are shown as they were written.
  } finally {
    isLoading = false;
  }
}

/**
 * Somebody else's text, read as Markdown and drawn without HTML: nothing is loaded for it, a link is its text and its
 * address, and what cannot be seen is written out. Where it grows only its end is drawn anew.
 */
export function Markdown({ text }: { text: string }) {
  const shown = useRef<{ text: string; block: TextBlock }>({ text: '', block: new TextBlock() });
  if (text !== shown.current.text) {
    const isLonger = text.startsWith(shown.current.text);
    const block = isLonger ? shown.current.block : new TextBlock();
    block.append(isLonger ? text.slice(shown.current.text.length) : text);
    block.flush();
    shown.current = { text, block };
  }
  return <MarkdownOf block={shown.current.block} />;
}

/** The same, of a text that streams. */
export function MarkdownOf({ block }: { block: TextBlock }) {
  const View = readsRaw.value ? undefined : view.value;
  useEffect(() => void load(), []);
  return View ? <View block={block} /> : <Raw block={block} />;
}

/** Shows answers as Markdown, or as they were written. */
export function RawSwitch() {
  return (
    <button
      type="button"
      class="quiet small"
      aria-pressed={readsRaw.value}
      title="Show answers as they were written"
      onClick={() => {
        readsRaw.value = !readsRaw.value;
      }}
    >
      Raw
    </button>
  );
}

function Raw({ block }: { block: TextBlock }) {
  return (
    <div class="raw">
      {block.chunks.value.map((chunk) => (
        <ClosedChunk key={chunk.key} chunk={chunk} />
      ))}
      <Tail block={block} />
    </div>
  );
}

/** A component of its own: what grows is drawn anew, and nothing else. */
function Tail({ block }: { block: TextBlock }) {
  return <OneChunk text={block.tail.value} />;
}

const ClosedChunk = memo(({ chunk }: { chunk: Chunk }) => <OneChunk text={chunk.text + chunk.end} />);

function OneChunk({ text }: { text: string }) {
  return (
    <div class="chunk">
      <Words text={text} />
    </div>
  );
}
