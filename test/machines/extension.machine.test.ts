import { expect, test } from 'vitest';
import { type ExtensionEvent, extensionMachine } from '../../machines/extension.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

const request: ExtensionEvent = { type: 'extension.request', request: {} };
const notify: ExtensionEvent = { type: 'extension.notify', method: 'tools.register', params: {} };
const frame: ExtensionEvent = { type: 'extension.frame', frame: {} };
const token: ExtensionEvent = { type: 'extension.token', token: {} };
const answered: ExtensionEvent = { type: 'call.answered', id: 'cb-b.1', answer: { result: 1 } };
const progress: ExtensionEvent = { type: 'callback.progress', params: { request_id: 'cb-b.1', progress: 1 } };
const closed: ExtensionEvent = { type: 'extension.closed', code: 1001 };
const lost: ExtensionEvent = { type: 'extension.lost' };
const hangUp: ExtensionEvent = { type: 'extension.hangUp' };
const everyEvent = [request, notify, frame, token, answered, progress, closed, lost, hangUp];

const chart: Chart<object> = {
  machine: extensionMachine,
  facts: () => ({ id: 'client-1@b' }),
  input: (extension) => ({ extension }),
  ways: { open: { by: [] } },
};

const rows: Row<object>[] = [
  { in: 'open', on: request, does: ['ask'] },
  { in: 'open', on: notify, does: ['tell'] },
  { in: 'open', on: frame, does: ['passFrame'] },
  { in: 'open', on: token, does: ['passToken'] },
  { in: 'open', on: answered, does: ['passAnswer'] },
  { in: 'open', on: progress, does: ['passProgress'] },
  { in: 'open', on: closed, to: 'closed', does: ['refuseAsked', 'leaveTurns'] },
  { in: 'open', on: lost, to: 'lost', does: ['refuseAsked', 'leaveTurns'] },
  { in: 'open', on: hangUp, to: 'closed', does: ['closeGuest', 'refuseAsked'] },
];

test('extensionMachine › when it starts › opens a guest', () => {
  const play = start(chart);
  expect([play.value(), ...play.did]).toEqual(['open', 'openGuest']);
});

testRows('extensionMachine', chart, rows, () => '');

test('extensionMachine › has a row here for every transition', () => {
  expect(outcomesOf(rows)).toEqual(transitionsOf(extensionMachine));
});

test('extensionMachine › reaches each of its states, and does nothing once it is over', () => {
  expect(reachedBy(chart, everyEvent, [{}])).toEqual(new Set(Object.keys(extensionMachine.states)));
  const play = playTo(chart, 'open');
  for (const event of [lost, ...everyEvent]) play.actor.send(event);
  expect([play.value(), ...play.did]).toEqual(['lost', 'refuseAsked', 'leaveTurns']);
});
