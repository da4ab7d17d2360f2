import { expect, test } from 'vitest';
import type { EventObject } from 'xstate';
import { type Chart, playTo, type Row, showGiven } from './chart.ts';

/** One row, played. Only the states that a chart has ways to are live. */
export function testRow<F extends object>(title: string, chart: Chart<F>, row: Row<F>): void {
  const end = row.to ?? row.in;
  test(title, () => {
    const play = playTo(chart, row.in);
    Object.assign(play.facts, row.given);
    play.actor.send(row.on);
    expect(play.value()).toBe(end);
    expect(play.did).toEqual(row.does);
    expect(play.status()).toBe(Object.hasOwn(chart.ways, end) ? 'active' : 'done');
  });
}

/** A test for each row. @param detail what tells an event from others of its type */
export function testRows<F extends object>(
  name: string,
  chart: Chart<F>,
  rows: readonly Row<F>[],
  detail: (event: EventObject) => string,
): void {
  for (const row of rows) {
    const end = row.to ? `is ${row.to}` : `stays ${row.in}`;
    const comes = `${row.on.type}${detail(row.on)} comes while ${row.in}${showGiven(row.given)}`;
    testRow(`${name} › when ${comes} › then it ${end}: ${row.does.join(', ')}`, chart, row);
  }
}
