import { expect, test } from 'vitest';
import type { EventObject } from 'xstate';
import { type MeetingEvent, type MeetingFacts, meetingMachine } from '../../machines/meeting.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

type Facts = { -readonly [K in keyof MeetingFacts]: MeetingFacts[K] };

const heard: MeetingEvent = { type: 'meeting.heard', segment: { text: 'hi' } };
const stop: MeetingEvent = { type: 'meeting.stop', asker: { client: {} as never, id: 1 } };
const over: MeetingEvent = { type: 'stream.over', isRefused: false };
const refused: MeetingEvent = { type: 'stream.over', isRefused: true };
const expired: MeetingEvent = { type: 'meeting.expired' };
const settled: MeetingEvent = { type: 'summary.settled', summary: 'short' };
const gone: MeetingEvent = { type: 'client.gone' };
const drain: MeetingEvent = { type: 'meeting.drain' };
const everyEvent = [heard, stop, over, refused, expired, settled, gone, drain];

const wanted = { wantsSummary: true };
const unbegun = { hasBegun: false };
const chart: Chart<Facts> = {
  machine: meetingMachine,
  facts: () => ({ id: 'm', hasBegun: true, wantsSummary: false }),
  input: (meeting) => ({ meeting }),
  ways: {
    running: { by: [] },
    finishing: { by: [stop] },
    summarizing: { by: [stop, over], given: wanted },
  },
};

const onEnd = ['keepEnd', 'answerStops'];
const onDrain = ['refuseStopsAsDraining', ...onEnd];
const onRefusal = ['forget', 'refuseStops'];
const rows: Row<Facts>[] = [
  { in: 'running', on: heard, does: ['keep'] },
  { in: 'running', on: stop, to: 'finishing', does: ['noteStop', 'askToFinish'] },
  { in: 'running', on: over, to: 'ended', does: onEnd },
  { in: 'running', on: refused, to: 'refused', does: onRefusal },
  { in: 'running', on: gone, to: 'ended', does: onEnd },
  { in: 'running', on: gone, given: unbegun, to: 'refused', does: onRefusal },
  { in: 'running', on: drain, to: 'ended', does: onDrain },
  { in: 'running', on: drain, given: unbegun, to: 'refused', does: ['refuseStopsAsDraining', ...onRefusal] },
  { in: 'finishing', on: heard, does: ['keep'] },
  { in: 'finishing', on: stop, does: ['noteStop'] },
  { in: 'finishing', on: over, to: 'ended', does: ['disarm', ...onEnd] },
  { in: 'finishing', on: over, given: wanted, to: 'summarizing', does: ['disarm', 'answerOthers', 'askForSummary'] },
  { in: 'finishing', on: refused, to: 'refused', does: ['disarm', ...onRefusal] },
  { in: 'finishing', on: expired, does: ['cutStream'] },
  { in: 'finishing', on: gone, to: 'ended', does: ['disarm', ...onEnd] },
  { in: 'finishing', on: gone, given: unbegun, to: 'refused', does: ['disarm', ...onRefusal] },
  { in: 'finishing', on: drain, to: 'ended', does: ['disarm', ...onDrain] },
  {
    ...{ in: 'finishing', on: drain, given: unbegun, to: 'refused' },
    does: ['disarm', 'refuseStopsAsDraining', ...onRefusal],
  },
  { in: 'summarizing', on: stop, does: ['noteStop'] },
  { in: 'summarizing', on: settled, to: 'ended', does: ['dropSummary', 'keepSummary', ...onEnd] },
  { in: 'summarizing', on: gone, to: 'ended', does: ['dropSummary', ...onEnd] },
  { in: 'summarizing', on: drain, to: 'ended', does: ['dropSummary', ...onDrain] },
];
const LIVE = new Set(Object.keys(chart.ways));

testRows('meetingMachine', chart, rows, (event) =>
  'isRefused' in event && event.isRefused ? ' of one that was refused' : '',
);

test('meetingMachine › when its rows above are counted › then every transition of the chart is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(meetingMachine)) {
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

for (const state of LIVE) {
  const known = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const ignored of everyEvent.filter(({ type }) => !known.has(type))) {
    test(`meetingMachine › when ${JSON.stringify(ignored)} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(ignored);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

const ENDINGS: [final: string, way: EventObject[]][] = [
  ['ended', [over]],
  ['ended', [stop, expired, over]],
  ['ended', [gone]],
  ['ended', [drain]],
  ['refused', [refused]],
];
for (const [final, way] of ENDINGS) {
  test(`meetingMachine › when it is ${final} by ${way.map(({ type }) => type).join(', ')} › then nothing that still comes does anything`, () => {
    const play = start(chart);
    for (const one of way) play.actor.send(one);
    expect(play.value()).toBe(final);
    play.did.length = 0;
    for (const one of everyEvent) play.actor.send(one);
    expect(play.did).toEqual([]);
  });
}

test('meetingMachine › when all its paths are walked › then every state and every final is reached', () => {
  const reached = reachedBy(chart, everyEvent, [chart.facts(), { ...chart.facts(), ...wanted }]);
  expect([...reached].sort()).toEqual(Object.keys(meetingMachine.states).sort());
});
