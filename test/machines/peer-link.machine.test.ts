import { expect, test } from 'vitest';
import { type PeerLinkEvent, peerLinkMachine } from '../../machines/peer-link.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

const confirmed: PeerLinkEvent = { type: 'link.confirmed' };
const stalled: PeerLinkEvent = { type: 'link.stalled' };
const flowing: PeerLinkEvent = { type: 'link.flowing' };
const lost: PeerLinkEvent = { type: 'link.lost', why: 'silent' };
const close: PeerLinkEvent = { type: 'link.close' };

const chart: Chart<object> = {
  machine: peerLinkMachine,
  facts: () => ({}),
  input: () => ({ peer: 'b' }),
  ways: { connecting: { by: [] }, open: { by: [confirmed] }, stalled: { by: [confirmed, stalled] } },
};

const rows: Row<object>[] = [
  { in: 'connecting', on: confirmed, to: 'open', does: ['tellOpened'] },
  { in: 'connecting', on: lost, to: 'lost', does: [] },
  { in: 'connecting', on: close, to: 'closed', does: [] },
  { in: 'open', on: stalled, to: 'stalled', does: ['tellStalled'] },
  { in: 'open', on: lost, to: 'lost', does: ['tellLost'] },
  { in: 'open', on: close, to: 'closed', does: ['sayBye'] },
  { in: 'stalled', on: flowing, to: 'open', does: ['tellFlowing'] },
  { in: 'stalled', on: lost, to: 'lost', does: ['tellLost'] },
  { in: 'stalled', on: close, to: 'closed', does: ['sayBye'] },
];
const everyEvent = [confirmed, stalled, flowing, lost, close];

test('peerLinkMachine › when it starts › says hello', () => {
  const play = start(chart);
  expect([play.value(), ...play.did]).toEqual(['connecting', 'sayHello']);
});

testRows('peerLinkMachine', chart, rows, () => '');

test('peerLinkMachine › has a row here for every transition', () => {
  expect(outcomesOf(rows)).toEqual(transitionsOf(peerLinkMachine));
});

test('peerLinkMachine › what it has no transition for changes nothing', () => {
  const known = new Set(rows.map((row) => `${row.in} ${row.on.type}`));
  for (const state of Object.keys(chart.ways)) {
    for (const event of everyEvent.filter(({ type }) => !known.has(`${state} ${type}`))) {
      const play = playTo(chart, state);
      play.actor.send(event);
      expect([play.value(), ...play.did]).toEqual([state]);
    }
  }
});

test('peerLinkMachine › reaches each of its states, and tells of an open link that is lost exactly once', () => {
  expect(reachedBy(chart, everyEvent, [{}])).toEqual(new Set(Object.keys(peerLinkMachine.states)));
  const play = playTo(chart, 'stalled');
  for (const event of [lost, lost, close, confirmed]) play.actor.send(event);
  expect([play.value(), ...play.did]).toEqual(['lost', 'tellLost']);
});
