import { expect, test } from 'vitest';
import { turnMachine } from '../../machines/turn.machine.ts';
import { turnStatusOf } from '../../machines/turn-status.ts';
import { outcomesOf, playTo, type Row, reachedBy, showGiven, start, transitionsOf } from './chart.ts';
import { testRow } from './chart-rows.ts';
import { everyEvent } from './turn-events.ts';
import { chart, type Facts, FINALS, full, logged, numbered, one, resumable, rows, WITHIN } from './turn-rows.ts';
import { kept, restored } from './turn-ways.ts';

/** One row in words. */
const told = (row: Row<Facts>) =>
  `turnMachine › when ${row.on.type} comes while ${row.in}${showGiven(row.given)} › then it ${row.to ? `is ${row.to}` : `stays ${row.in}`}: ${row.does.join(', ')}`;

test('turnMachine › when it starts › then it calls the agent and waits', () => {
  const play = start(chart);
  expect(play.value()).toBe('dispatching');
  expect(play.did).toEqual(['callAgent']);
});

for (const row of rows) testRow(told(row), chart, row);

test('turnMachine › when its rows are counted › then every transition of the chart is among them', () => {
  for (const [transition, candidates] of transitionsOf(turnMachine)) {
    const [state = ''] = transition.split(' › ');
    const shown = rows.filter((row) => WITHIN[row.in]?.includes(state)).map((row) => ({ ...row, in: state }));
    expect(outcomesOf(shown).get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

test.each([
  ['dispatching', 'dispatching'],
  ['streaming', 'streaming'],
  ['parked', 'parked'],
  ['streaming, away', 'detached'],
  ['parked, away', 'detached'],
  ['cancelling', 'cancelling'],
  ['cancelling, gone', 'cancelling'],
  ['streaming, orphaned', 'orphaned'],
  ['parked, orphaned', 'orphaned'],
  ['streaming, away, orphaned', 'orphaned'],
  ['cancelling, orphaned', 'cancelling'],
  ['opening', 'dispatching'],
  ['streaming, recovering', 'recovering'],
  ['parked, away, recovering', 'recovering'],
  ['cancelling, gone, recovering', 'cancelling'],
])('turnMachine › when it is %s › then the wire says %s', (state, status) => {
  expect(turnStatusOf(playTo(chart, state).actor.getSnapshot().value)).toBe(status);
});

for (const state of Object.keys(chart.ways)) {
  const heard = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const event of everyEvent.filter(({ type }) => !heard.has(type))) {
    test(`turnMachine › when ${event.type} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(event);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

for (const [final, way] of Object.entries(FINALS)) {
  test(`turnMachine › when it is ${final} › then nothing that still comes does anything, and its output names it`, () => {
    const play = start(chart, final === 'moved' ? numbered : {});
    for (const event of way) play.actor.send(event);
    expect(play.value()).toBe(final);
    play.did.length = 0;
    for (const event of everyEvent) play.actor.send(event);
    expect(play.value()).toBe(final);
    expect(play.did).toEqual([]);
    expect(play.actor.getSnapshot()).toMatchObject({ status: 'done', output: { turnId: 'turn-1' } });
  });
}

test('turnMachine › when all its paths are walked › then every state and every final is reached', () => {
  const variants = [
    {},
    one,
    full,
    { ...logged, ...resumable, ...numbered },
    { heldTerminal: 'error' },
    { heldTerminal: 'done' },
    kept,
    restored,
    { ...restored, ...one },
    { ...restored, isCancelled: true },
  ];
  const reached = reachedBy(
    chart,
    everyEvent,
    variants.map((given) => ({ ...chart.facts(), ...given })),
  );
  // `accepted` is left by `always` before anybody could see it.
  expect([...reached].sort()).toEqual([...Object.keys(chart.ways), ...Object.keys(FINALS)].sort());
});
