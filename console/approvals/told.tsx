import { useMemo } from 'preact/hooks';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { CopyButton } from '../copy-button.tsx';
import { count } from '../format.ts';
import type { DiffLine } from './diff.ts';
import { type Part, partsOf } from './parts.ts';
import type { Subject } from './subject.ts';

/** Lines of a change that are drawn one by one. */
const MAX_LINES = 2_000;

interface ToldProps {
  /** The heading that it belongs to. */
  titleId: string;
  subject: Subject;
  /** How much of each piece is drawn. Characters. */
  most: number;
  onWhole(): void;
}

/** What would be done: commands as a shell shows them, changes line by line, all else as JSON. */
export function Told({ titleId, subject, most, onWhole }: ToldProps) {
  const { told, preview, missing } = subject;
  const { parts, others } = useMemo(() => partsOf(told), [told]);
  const cut = parts.map((part) => cutPart(part, most));
  const leftOut = cut.reduce((sum, { leftOut }) => sum + leftOut, subject.leftOut);
  const rest = parts.length === 0 ? preview : visible(others.slice(0, most));
  return (
    <>
      {missing === undefined ? null : <p class="missing">{missing}</p>}
      {preview === '' ? null : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        // biome-ignore lint/a11y/useSemanticElements: a section with a name is a landmark, and there are many of these
        <div class="preview" role="group" aria-label="Details" aria-describedby={titleId} tabIndex={0}>
          {cut.map(({ part }) => (
            <PartView key={`${part.kind} ${part.name}`} part={part} />
          ))}
          {rest === '' ? null : <pre>{rest}</pre>}
        </div>
      )}
      {leftOut > 0 ? (
        <p class="soft">
          {count(leftOut)} more characters are not shown.{' '}
          <button type="button" class="small" onClick={onWhole}>
            Show everything
          </button>
        </p>
      ) : null}
      {parts.length === 0 ? null : (
        <details class="fold">
          <summary>All of it as JSON</summary>
          <pre>{preview}</pre>
        </details>
      )}
    </>
  );
}

function PartView({ part }: { part: Part }) {
  const name = visibleLine(part.name);
  const label = name === '' ? part.kind : name;
  return (
    <figure class="part" data-kind={part.kind}>
      <figcaption>
        <code>{label}</code>
        {part.kind === 'shell' ? (
          <span class="copy">
            <CopyButton label={`Copy ${label}`} text={() => visible(part.commands.join('\n'))} />
          </span>
        ) : null}
      </figcaption>
      {part.kind === 'shell' ? <Shell commands={part.commands} /> : null}
      {part.kind === 'diff' ? <Diff lines={part.lines} /> : null}
      {part.kind === 'text' ? <pre>{visible(part.text)}</pre> : null}
    </figure>
  );
}

/** Each command at a prompt of its own; its further lines, which a shell would wait for, at the second one. */
function Shell({ commands }: { commands: readonly string[] }) {
  return (
    <pre class="shell">
      {commands.map((command, at) =>
        visible(command)
          .split('\n')
          .map((line, further) => (
            <span key={`${at} ${further}`} class={further === 0 ? 'prompt' : 'prompt further'}>
              {`${line}\n`}
            </span>
          )),
      )}
    </pre>
  );
}

/** Each line with its sign, and as what it is: inserted, deleted, or neither. */
function Diff({ lines }: { lines: readonly DiffLine[] }) {
  const further = lines.slice(MAX_LINES);
  return (
    <pre class="diff">
      {lines.slice(0, MAX_LINES).map(({ kind, text }, at) => {
        const Line = kind === 'added' ? 'ins' : kind === 'removed' ? 'del' : 'span';
        return (
          <Line key={at} data-kind={kind}>
            {`${visible(text)}\n`}
          </Line>
        );
      })}
      {further.map(({ text }) => visible(text)).join('\n')}
    </pre>
  );
}

/** A part with so many characters of it, whole lines of a change and whole commands first. */
function cutPart(part: Part, most: number): { part: Part; leftOut: number } {
  if (part.kind === 'text')
    return { part: { ...part, text: part.text.slice(0, most) }, leftOut: Math.max(0, part.text.length - most) };
  const texts = part.kind === 'diff' ? part.lines.map(({ text }) => text) : part.commands;
  let room = most;
  let leftOut = 0;
  const kept = texts.map((text) => {
    const shown = text.slice(0, Math.max(0, room));
    room -= shown.length;
    leftOut += text.length - shown.length;
    return shown;
  });
  if (leftOut === 0) return { part, leftOut };
  const drawn = kept.findLastIndex((text) => text !== '') + 1;
  return part.kind === 'shell'
    ? { part: { ...part, commands: kept.slice(0, drawn) }, leftOut }
    : {
        part: { ...part, lines: part.lines.slice(0, drawn).map((line, at) => ({ ...line, text: kept[at] ?? '' })) },
        leftOut,
      };
}
