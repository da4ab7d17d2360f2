import type { ComponentChildren } from 'preact';
import { shownAt } from './broker-clock.ts';
import { age, moment } from './format.ts';
// A JSON tree's colours.
import './charts/side.css';
import './detail.css';

export { JsonTree } from './charts/json-tree.tsx';

/** The heading of a page, and what is done there. */
export function PageHead({ children }: { children: ComponentChildren }) {
  return <header class="page-head">{children}</header>;
}

/** One line of a `<dl class="detail">`. What there is not is not listed. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  if (children === undefined || children === null || children === '') return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How long ago a moment was, by the broker's clock; nothing where it is none. @param at - Unix milliseconds, or RFC 3339 */
export function Ago({ at }: { at: number | string }) {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  // A damaged record may say any number.
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return null;
  return (
    <time dateTime={date.toISOString()} title={moment(ms)}>
      {age(Math.max(0, shownAt.value - ms))} ago
    </time>
  );
}
