import { visibleLine } from '../../protocol/visible.ts';
import type { EntryOf } from './transcript.ts';

/** A tool call, and its result once it is there: one line each, the whole on demand. */
export function ToolView({ entry }: { entry: EntryOf<'tool'> }) {
  const outcome = entry.outcome.value;
  const status = outcome === undefined ? 'running' : outcome.ok ? 'ok' : 'failed';
  return (
    <details class="tool">
      <summary>
        <span class="kind">tool</span> <code class="tool-name">{visibleLine(entry.tool)}</code>{' '}
        <span class="tool-brief">{entry.brief}</span> <span class={`tool-status ${status}`}>{status}</span>
      </summary>
      {entry.params === '' ? null : <Part title="Parameters" text={entry.params} />}
      {outcome === undefined || outcome.excerpt === '' ? null : <Part title="Result" text={outcome.excerpt} />}
      {entry.callId === undefined ? null : (
        <p class="soft">
          Call <code>{visibleLine(entry.callId)}</code>
        </p>
      )}
    </details>
  );
}

function Part({ title, text }: { title: string; text: string }) {
  return (
    <>
      <p class="soft">{title}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <section class="code" tabIndex={0} aria-label={title}>
        {text}
      </section>
    </>
  );
}
