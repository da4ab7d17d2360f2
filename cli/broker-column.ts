import { visibleLine } from '../protocol/visible.ts';

/** Rows below their heading, with a column that says at which broker each is, where there are several. @param at - its place */
export function withBroker(
  [heading = [], ...rows]: readonly (readonly string[])[],
  brokers: readonly (string | undefined)[],
  at: number,
): readonly (readonly string[])[] {
  if (brokers.every((broker) => broker === undefined)) return [heading, ...rows];
  const cells = rows.map((row, n) => row.toSpliced(at, 0, visibleLine(brokers[n] ?? '-')));
  return [heading.toSpliced(at, 0, 'BROKER'), ...cells];
}
