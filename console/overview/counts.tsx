import { count, words } from '../format.ts';

interface CountsProps {
  id: string;
  title: string;
  counts: Record<string, number>;
  /** What stands there when nothing has been counted. */
  empty: string;
  /** Where each number leads to. */
  to?(name: string): string;
}

/** Named numbers, the largest first, each with a bar as long as its part of them. */
export function Counts({ id, title, counts, empty, to }: CountsProps) {
  const rows = Object.entries(counts)
    .filter(([, value]) => value > 0)
    .sort(([, one], [, other]) => other - one);
  const largest = rows[0]?.[1] ?? 1;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {rows.length === 0 ? <p class="empty">{empty}</p> : null}
      <dl class="counts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{words(name)}</dt>
            <dd>{to ? <a href={to(name)}>{count(value)}</a> : count(value)}</dd>
            <svg viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true">
              <rect width={(value / largest) * 100} height="2" />
            </svg>
          </div>
        ))}
      </dl>
    </section>
  );
}
