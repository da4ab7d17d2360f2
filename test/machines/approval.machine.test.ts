import { expect, test } from 'vitest';
import type { AnyStateMachine, EventObject } from 'xstate';
import { type ApprovalEvent, type ApprovalFacts, approvalMachine } from '../../machines/approval.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, showGiven, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

type Facts = { -readonly [K in keyof ApprovalFacts]: ApprovalFacts[K] };

/** Stands for the agent's words, which the actor reads and the chart does not: its guards here go by the result. */
const says = (word: 'approved' | 'denied' | 'no'): ApprovalEvent => ({
  type: 'call.answered',
  id: 'sb-1',
  answer: { result: word },
});
const saysWord =
  (word: string) =>
  ({ event }: { event: ApprovalEvent }) =>
    event.type === 'call.answered' && 'result' in event.answer && event.answer.result === word;

const asker = { client: {}, id: 1, isAnswered: false };
const approve: ApprovalEvent = { type: 'approval.answer', approve: true, resolution: 'approve', asker };
const deny: ApprovalEvent = { type: 'approval.answer', approve: false, resolution: 'never', asker };
const settledAs = (resolution: 'approve' | 'deny' | 'timeout'): ApprovalEvent => ({
  type: 'approval.settle',
  resolution,
});
const [settleApprove, settleDeny, settleTimeout] = [settledAs('approve'), settledAs('deny'), settledAs('timeout')];
const withdraw: ApprovalEvent = { type: 'approval.withdraw' };
const expire: ApprovalEvent = { type: 'approval.expire' };
const refused: ApprovalEvent = { type: 'call.answered', id: 'sb-1', answer: { error: { code: 1, message: 'oh' } } };
const silent: ApprovalEvent = { type: 'approve.expired' };
const everyEvent = [
  ...[approve, deny, settleApprove, settleDeny, settleTimeout, withdraw, expire],
  ...[says('approved'), says('denied'), says('no'), refused, silent],
];

const chat = { kind: 'chat' } as const;
const chart: Chart<Facts> = {
  machine: approvalMachine.provide({
    guards: { isResolvedToApprove: saysWord('approved'), isResolvedToDeny: saysWord('denied') },
  }) as unknown as AnyStateMachine,
  facts: () => ({ id: 'approval-1', kind: 'gate', settledMeanwhile: undefined, taken: undefined }),
  input: (approval) => ({ approval }),
  ways: {
    pending: { by: [] },
    taken: { by: [approve], given: chat },
  },
};

const ended = ['publish', 'disarmTimeout'];
const pending: Omit<Row<Facts>, 'in'>[] = [
  { on: approve, to: 'approved', does: ['noteAnswer', 'confirmAnswer', ...ended] },
  { on: approve, given: { kind: 'asked' }, to: 'approved', does: ['noteAnswer', 'confirmAnswer', ...ended] },
  { on: deny, to: 'denied', does: ['noteAnswer', 'confirmAnswer', ...ended] },
  { on: deny, given: { kind: 'asked' }, to: 'denied', does: ['noteAnswer', 'confirmAnswer', ...ended] },
  { on: approve, given: chat, to: 'taken', does: ['askAgent'] },
  { on: deny, given: chat, to: 'taken', does: ['askAgent'] },
  { on: settleApprove, given: chat, to: 'approved', does: ['noteSettled', ...ended] },
  { on: settleDeny, given: chat, to: 'denied', does: ['noteSettled', ...ended] },
  { on: settleTimeout, given: chat, to: 'expired', does: ['noteSettled', ...ended] },
  { on: expire, to: 'expired', does: ended },
  { on: withdraw, to: 'withdrawn', does: ended },
];
const taken: Omit<Row<Facts>, 'in'>[] = [
  { on: approve, does: ['refuseAsTaken'] },
  { on: deny, does: ['refuseAsTaken'] },
  { on: settleApprove, does: ['noteSettled'] },
  { on: settleTimeout, does: ['noteSettled'] },
  { on: says('approved'), to: 'approved', does: ['forgetCall', 'noteAnswer', 'relayAnswer', ...ended] },
  { on: says('denied'), to: 'denied', does: ['forgetCall', 'noteAnswer', 'relayAnswer', ...ended] },
  { on: says('no'), to: 'pending', does: ['forgetCall', 'relayAnswer'] },
  { on: refused, to: 'pending', does: ['forgetCall', 'relayAnswer'] },
  ...(
    [
      ['approve', 'approved'],
      ['deny', 'denied'],
      ['timeout', 'expired'],
    ] as const
  ).flatMap(([settledMeanwhile, to]) => [
    { on: says('no'), given: { settledMeanwhile }, to, does: ['forgetCall', 'relayAnswer', ...ended] },
    { on: silent, given: { settledMeanwhile }, to, does: ['forgetCall', 'refuseAsSilent', ...ended] },
  ]),
  { on: silent, to: 'pending', does: ['forgetCall', 'refuseAsSilent'] },
  { on: withdraw, to: 'withdrawn', does: ['forgetCall', 'refuseAsWithdrawn', ...ended] },
];
const rows: Row<Facts>[] = Object.entries({ pending, taken }).flatMap(([state, list]) =>
  list.map((row) => ({ in: state, ...row })),
);
/** The finals, and ways to each. */
const FINALS: [final: string, given: Partial<Facts>, way: EventObject[]][] = [
  ['approved', {}, [approve]],
  ['approved', chat, [deny, says('no'), approve, says('approved')]],
  ['denied', {}, [deny]],
  ['denied', chat, [settleDeny]],
  ['expired', {}, [expire]],
  ['expired', chat, [approve, silent, settleTimeout]],
  ['withdrawn', {}, [withdraw]],
  ['withdrawn', chat, [approve, withdraw]],
];

/** What tells two events of one type apart, for a test's name. */
function detail(event: object): string {
  if ('approve' in event) return event.approve ? ' (approve)' : ' (deny)';
  if ('resolution' in event) return ` (${event.resolution})`;
  return 'answer' in event ? ` ${JSON.stringify(event.answer)}` : '';
}

test('approvalMachine › when it starts › then it is announced, its timeout armed, and it waits', () => {
  for (const kind of ['gate', 'asked', 'chat'] as const) {
    const play = start(chart, { kind });
    expect(play.value()).toBe('pending');
    expect(play.did).toEqual(['announce', 'armTimeout']);
  }
});

testRows('approvalMachine', chart, rows, detail);

test('approvalMachine › when its rows above are counted › then every transition of the chart is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(approvalMachine)) {
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

for (const state of Object.keys(chart.ways)) {
  const heard = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const event of everyEvent.filter(({ type }) => !heard.has(type))) {
    test(`approvalMachine › when ${event.type}${detail(event)} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(event);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

test('approvalMachine › when the agent puts it back › then it can be answered again, and is not announced again', () => {
  const play = start(chart, chat);
  for (const event of [approve, refused, deny, silent]) play.actor.send(event);
  expect(play.value()).toBe('pending');
  expect(play.did.filter((action) => action === 'announce')).toHaveLength(1);
  expect(play.did.filter((action) => action === 'askAgent')).toHaveLength(2);
  expect(play.did).not.toContain('publish');
});

for (const [final, given, way] of FINALS) {
  const told = way.map(({ type }) => type).join(', ');
  test(`approvalMachine › when it is ${final}${showGiven(given)} by ${told} › then that is published once, under that name, and nothing that still comes does anything`, () => {
    const play = start(chart, given);
    for (const event of way) play.actor.send(event);
    expect(play.value()).toBe(final);
    expect(play.status()).toBe('done');
    expect(approvalMachine.states[final]?.entry).toMatchObject([{ type: 'publish', params: { status: final } }]);
    expect(play.did.filter((action) => action === 'publish')).toHaveLength(1);
    expect(play.did.at(-1)).toBe('disarmTimeout');
    play.did.length = 0;
    for (const event of everyEvent) play.actor.send(event);
    expect(play.value()).toBe(final);
    expect(play.did).toEqual([]);
  });
}

test('approvalMachine › when all its paths are walked › then every state and every final is reached', () => {
  const variants: Partial<Facts>[] = [{}, { kind: 'asked' }, chat, { ...chat, settledMeanwhile: 'timeout' }];
  const reached = reachedBy(
    chart,
    everyEvent,
    variants.map((given) => ({ ...chart.facts(), ...given })),
  );
  // `returned` is left by `always` before anybody could see it.
  expect([...reached, 'returned'].sort()).toEqual(Object.keys(approvalMachine.states).sort());
});
