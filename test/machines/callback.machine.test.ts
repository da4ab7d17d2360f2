import { expect, test } from 'vitest';
import type { EventObject } from 'xstate';
import { type CallbackEvent, type CallbackFacts, callbackMachine } from '../../machines/callback.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, showGiven, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

type Facts = { -readonly [K in keyof CallbackFacts]: CallbackFacts[K] };

const answered = (answer: Extract<CallbackEvent, { type: 'call.answered' }>['answer']): CallbackEvent => ({
  type: 'call.answered',
  id: 'cb-1',
  answer,
});
const result = answered({ result: { time: 'noon' } });
const error = answered({ error: { code: 1, message: 'oh' } });
const opened: CallbackEvent = { type: 'gate.opened' };
const denied: CallbackEvent = { type: 'gate.closed', reason: 'denied', approvalId: 'approval-1' };
const unanswered: CallbackEvent = { type: 'gate.closed', reason: 'timeout', approvalId: 'approval-1' };
const progress: CallbackEvent = { type: 'callback.progress', params: { request_id: 'cb-1', progress: 1 } };
const expired: CallbackEvent = { type: 'callback.expired' };
const cancel: CallbackEvent = { type: 'callback.cancel', reason: 'turn_ended' };
const everyEvent = [result, error, opened, denied, unanswered, progress, expired, cancel];

const gated = { isGated: true };
const chart: Chart<Facts> = {
  machine: callbackMachine,
  facts: () => ({ id: 'cb-1', isGated: false }),
  input: (callback) => ({ callback }),
  ways: {
    parked: { by: [], given: gated },
    pending: { by: [] },
  },
};

const parked: Omit<Row<Facts>, 'in'>[] = [
  { on: opened, to: 'pending', does: ['callHost'] },
  { on: denied, to: 'rejected', does: ['refuseAsDenied'] },
  { on: unanswered, to: 'rejected', does: ['refuseAsDenied'] },
  { on: cancel, to: 'cancelled', does: ['withdrawGate', 'refuseAsCancelled'] },
];
const pending: Omit<Row<Facts>, 'in'>[] = [
  { on: result, to: 'resolved', does: ['forgetCall', 'answerCaller'] },
  { on: answered({ result: null }), to: 'resolved', does: ['forgetCall', 'answerCaller'] },
  { on: answered({ result: false }), to: 'resolved', does: ['forgetCall', 'answerCaller'] },
  { on: error, to: 'rejected', does: ['forgetCall', 'answerCaller'] },
  { on: progress, does: ['passProgress', 'restartTimeout'] },
  { on: expired, to: 'timedOut', does: ['forgetCall', 'tellHostTimeout', 'refuseAsTimedOut'] },
  { on: cancel, to: 'cancelled', does: ['forgetCall', 'tellHostCancelled', 'refuseAsCancelled'] },
];
const rows: Row<Facts>[] = Object.entries({ parked, pending }).flatMap(([state, list]) =>
  list.map((row) => ({ in: state, ...row })),
);
/** The finals, and every way to each from the start, with whether the gate stands before it. */
const FINALS: [final: string, given: Partial<Facts>, way: EventObject[]][] = [
  ['resolved', {}, [result]],
  ['resolved', gated, [opened, progress, result]],
  ['rejected', {}, [error]],
  ['rejected', gated, [denied]],
  ['timedOut', {}, [progress, expired]],
  ['cancelled', {}, [cancel]],
  ['cancelled', gated, [cancel]],
];
const ANSWERS = ['answerCaller', 'refuseAsDenied', 'refuseAsTimedOut', 'refuseAsCancelled'];

test('callbackMachine › when it starts and no gate covers it › then the host is called at once', () => {
  const play = start(chart);
  expect(play.value()).toBe('pending');
  expect(play.did).toEqual(['callHost']);
});

test('callbackMachine › when it starts and a gate covers it › then a person is asked, and the host hears nothing', () => {
  const play = start(chart, gated);
  expect(play.value()).toBe('parked');
  expect(play.did).toEqual(['raiseGate']);
});

testRows('callbackMachine', chart, rows, (event) =>
  'reason' in event ? ` (${event.reason})` : 'answer' in event ? ` ${JSON.stringify(event.answer)}` : '',
);

test('callbackMachine › when its rows above are counted › then every transition of the chart is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(callbackMachine)) {
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

for (const state of Object.keys(chart.ways)) {
  const heard = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const event of everyEvent.filter(({ type }) => !heard.has(type))) {
    const detail =
      'answer' in event ? ` ${JSON.stringify(event.answer)}` : 'reason' in event ? ` (${event.reason})` : '';
    test(`callbackMachine › when ${event.type}${detail} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(event);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

for (const [final, given, way] of FINALS) {
  const told = way.map(({ type }) => type).join(', ');
  test(`callbackMachine › when it is ${final}${showGiven(given)} by ${told} › then its caller was answered once, and nothing that still comes does anything`, () => {
    const play = start(chart, given);
    for (const event of way) play.actor.send(event);
    expect(play.value()).toBe(final);
    expect(play.status()).toBe('done');
    expect(play.did.filter((action) => ANSWERS.includes(action))).toHaveLength(1);
    // Whenever the host was called, the call is forgotten.
    expect(play.did.includes('forgetCall')).toBe(play.did.includes('callHost'));
    play.did.length = 0;
    for (const event of everyEvent) play.actor.send(event);
    expect(play.value()).toBe(final);
    expect(play.did).toEqual([]);
  });
}

test('callbackMachine › when all its paths are walked › then every state and every final is reached', () => {
  const reached = reachedBy(chart, everyEvent, [chart.facts(), { ...chart.facts(), ...gated }]);
  // `admitting` is left by `always` before anybody could see it.
  expect([...reached, 'admitting'].sort()).toEqual(Object.keys(callbackMachine.states).sort());
});
