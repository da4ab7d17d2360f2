import { expect, test } from 'vitest';
import type { EventObject } from 'xstate';
import { type TurnEvent, type TurnFacts, turnMachine } from '../../machines/turn.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, showGiven, start, transitionsOf } from './chart.ts';
import { testRow } from './chart-rows.ts';

type Facts = { -readonly [K in keyof TurnFacts]: TurnFacts[K] };
type Kinds = Extract<TurnEvent, { params: object }>['type'];

const frame = (type: Kinds, fields: { kind: string; [key: string]: unknown }): TurnEvent => ({
  type,
  params: { session_id: 's', ...fields },
  bytes: 10,
});
const answer = (answered: Extract<TurnEvent, { type: 'call.answered' }>['answer']): TurnEvent => ({
  type: 'call.answered',
  id: 'sb-1',
  answer: answered,
});
const ack = answer({ result: { accepted: true } });
const token = frame('turn.event', { kind: 'token', delta: 'a' });
const done = frame('turn.terminal', { kind: 'done', finish_reason: 'stop' });
const error = frame('turn.terminal', { kind: 'error', error: 'oh' });
const authRequired = frame('turn.terminal', { kind: 'auth_required', reason: 'r', message: 'm' });
const pending = frame('approval.pending', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
const resolved = frame('approval.resolved', { kind: 'approval_resolved', approval_id: 'a', resolution: 'approve' });
const expired: TurnEvent = { type: 'ack.expired' };
const cancel: TurnEvent = { type: 'turn.cancel', reason: 'host_cancelled', graceMs: 0 };
const cancelGently: TurnEvent = { type: 'turn.cancel', reason: 'host_cancelled', graceMs: 100 };
const graceOver: TurnEvent = { type: 'grace.expired' };
const stale: TurnEvent = { type: 'turn.stale' };
const hostGone: TurnEvent = { type: 'host.gone' };
const agentGone: TurnEvent = { type: 'agent.gone', code: 'agent_disconnected' };
const drain: TurnEvent = { type: 'turn.drain' };
const toolRequested: TurnEvent = { type: 'tool.requested', callback: { id: 'cb-1', isGated: false } };
const settled: TurnEvent = { type: 'approval.settled', approvalId: 'a' };
const hostJoined: TurnEvent = { type: 'host.joined', subscription: {} };
const observerJoined: TurnEvent = { type: 'observer.joined', subscription: {} };
const windowOver: TurnEvent = { type: 'window.expired' };
const childDone: TurnEvent = { type: 'child.done', id: 'cb-1' };
const childFailed: TurnEvent = { type: 'child.failed', id: 'cb-1', error: new Error('oh') };
const everyEvent = [
  ...[ack, token, done, error, pending, resolved, expired],
  ...[cancel, cancelGently, graceOver, stale, hostGone, agentGone, drain],
  ...[toolRequested, settled, hostJoined, observerJoined, windowOver, childDone, childFailed],
];

const chart: Chart<Facts> = {
  machine: turnMachine,
  facts: () => ({
    id: 'turn-1',
    sessionId: 's',
    agentId: 'echo',
    pendingApprovals: new Set(),
    maxPendingApprovals: 3,
    heldBytes: 0,
    maxHeldBytes: 100,
    heldTerminal: undefined,
    hasLog: false,
    mayDetach: false,
  }),
  input: (turn) => ({ turn }),
  ways: {
    dispatching: { by: [] },
    streaming: { by: [ack] },
    parked: { by: [ack, pending] },
    detached: { by: [ack, hostGone], given: { mayDetach: true } },
    cancelling: { by: [ack, cancelGently] },
  },
};

const one = { pendingApprovals: new Set(['a']) };
const two = { pendingApprovals: new Set(['a', 'b']) };
const another = { pendingApprovals: new Set(['b']) };
const last = { pendingApprovals: new Set(['b', 'c']) };
const tooMany = { pendingApprovals: new Set(['b', 'c', 'd']) };
const logged = { hasLog: true };
const resumable = { mayDetach: true };
const full = { heldBytes: 91 };
const overflows = {
  to: 'refused',
  does: ['disarmAck', 'endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'],
};
const rejected = { to: 'refused', does: ['disarmAck', 'endChildren', 'refuseAsRejected'] };
const accepted = ['disarmAck', 'acceptChat', 'releaseHeld'];

const dispatching: Omit<Row<Facts>, 'in'>[] = [
  { on: ack, to: 'streaming', does: accepted },
  { on: ack, given: one, to: 'parked', does: accepted },
  { on: ack, given: { heldTerminal: 'done', ...one }, to: 'done', does: accepted },
  { on: ack, given: { heldTerminal: 'auth_required' }, to: 'done', does: accepted },
  { on: ack, given: { heldTerminal: 'error' }, to: 'failed', does: accepted },
  { on: answer({ error: { code: 1, message: 'no' } }), ...rejected },
  { on: answer({ result: { accepted: false } }), ...rejected },
  { on: answer({ result: { accepted: 'true' } }), ...rejected },
  { on: answer({ result: null }), ...rejected },
  { on: answer({ result: [] }), ...rejected },
  { on: token, does: ['hold'] },
  { on: token, given: { heldBytes: 90 }, does: ['hold'] },
  { on: token, given: full, ...overflows },
  { on: token, given: { heldTerminal: 'done', ...full }, does: ['hold'] },
  { on: done, does: ['hold'] },
  { on: done, given: full, ...overflows },
  { on: pending, does: ['hold'] },
  { on: pending, given: full, ...overflows },
  { on: resolved, does: ['hold'] },
  { on: resolved, given: full, ...overflows },
  { on: expired, to: 'refused', does: ['disarmAck', 'endChildren', 'refuseAsSilent'] },
  {
    on: cancel,
    to: 'cancelled',
    does: ['disarmAck', 'acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'tellCancelled'],
  },
  {
    on: cancelGently,
    to: 'cancelling',
    does: ['disarmAck', 'acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'releaseHeld', 'armGrace'],
  },
  {
    on: cancelGently,
    given: { heldTerminal: 'done' },
    to: 'done',
    does: [
      'disarmAck',
      'acceptChat',
      'confirmCancel',
      'cancelAgent',
      'endChildren',
      'releaseHeld',
      'armGrace',
      'disarmGrace',
    ],
  },
  {
    on: cancelGently,
    given: { heldTerminal: 'error' },
    to: 'failed',
    does: [
      'disarmAck',
      'acceptChat',
      'confirmCancel',
      'cancelAgent',
      'endChildren',
      'releaseHeld',
      'armGrace',
      'disarmGrace',
    ],
  },
  { on: drain, to: 'refused', does: ['disarmAck', 'endChildren', 'refuseAsDraining', 'cancelAgentAsDraining'] },
  { on: hostGone, to: 'abandoned', does: ['disarmAck', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  {
    on: hostGone,
    given: resumable,
    to: 'abandoned',
    does: ['disarmAck', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'],
  },
  { on: agentGone, to: 'refused', does: ['disarmAck', 'endChildren', 'cancelReplacedAgent', 'refuseAsDetached'] },
  { on: toolRequested, does: ['holdCallback'] },
];

/** How an accepted turn ends alike, wherever it stands. */
const ending: Omit<Row<Facts>, 'in'>[] = [
  { on: done, to: 'done', does: ['endChildren', 'relay'] },
  { on: authRequired, to: 'done', does: ['endChildren', 'relay'] },
  { on: error, to: 'failed', does: ['endChildren', 'relay'] },
  { on: cancel, to: 'cancelled', does: ['confirmCancel', 'cancelAgent', 'endChildren', 'tellCancelled'] },
  { on: cancelGently, to: 'cancelling', does: ['confirmCancel', 'cancelAgent', 'endChildren', 'armGrace'] },
  { on: drain, to: 'failed', does: ['endChildren', 'cancelAgentAsDraining', 'failAsDraining'] },
  { on: agentGone, to: 'failed', does: ['endChildren', 'cancelReplacedAgent', 'failAsAgentGone'] },
];
/** What an accepted turn does alike, whether it streams or is parked. */
const accepting: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  ...ending,
  { on: hostGone, to: 'abandoned', does: ['endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: hostGone, given: resumable, to: 'detached', does: ['endCallbacks', 'releaseHost', 'armWindow'] },
  { on: hostJoined, does: ['admitHost'] },
  { on: observerJoined, does: ['admitObserver'] },
  { on: toolRequested, does: ['startCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const streaming: Omit<Row<Facts>, 'in'>[] = [
  ...accepting,
  { on: stale, to: 'failed', does: ['endChildren', 'cancelAgentAsStale', 'failAsStale'] },
  { on: pending, to: 'parked', does: ['relay', 'noteApproval'] },
  { on: pending, given: last, to: 'parked', does: ['relay', 'noteApproval'] },
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: resolved, does: ['relay'] },
];
const parked: Omit<Row<Facts>, 'in'>[] = [
  ...accepting,
  { on: pending, does: ['relay', 'noteApproval'] },
  { on: pending, given: last, does: ['relay', 'noteApproval'] },
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: resolved, given: one, to: 'streaming', does: ['relay', 'settleApproval'] },
  { on: resolved, given: two, does: ['relay', 'settleApproval'] },
  { on: resolved, given: another, does: ['relay', 'settleApproval'] },
  { on: settled, given: one, to: 'streaming', does: ['forgetApproval'] },
  { on: settled, given: two, does: ['forgetApproval'] },
  { on: settled, given: another, does: ['forgetApproval'] },
];
const detached: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  ...ending.map(({ does, ...row }) => ({ ...row, does: ['disarmWindow', ...does] })),
  { on: stale, to: 'failed', does: ['disarmWindow', 'endChildren', 'cancelAgentAsStale', 'failAsStale'] },
  { on: stale, given: one, does: [] },
  { on: pending, does: ['relay', 'noteApproval'] },
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: resolved, given: one, does: ['relay', 'settleApproval'] },
  { on: settled, given: one, does: ['forgetApproval'] },
  { on: hostJoined, to: 'streaming', does: ['disarmWindow', 'admitHost'] },
  { on: hostJoined, given: one, to: 'parked', does: ['disarmWindow', 'admitHost'] },
  { on: observerJoined, does: ['admitObserver'] },
  {
    on: windowOver,
    to: 'abandoned',
    does: ['disarmWindow', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'],
  },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const cancelling: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  { on: pending, does: ['relay'] },
  { on: resolved, does: ['relay'] },
  { on: done, to: 'done', does: ['disarmGrace', 'relay'] },
  { on: error, to: 'failed', does: ['disarmGrace', 'relay'] },
  { on: graceOver, to: 'cancelled', does: ['disarmGrace', 'tellCancelled'] },
  { on: cancelGently, does: ['confirmCancel', 'armGrace'] },
  { on: cancel, to: 'cancelled', does: ['disarmGrace', 'confirmCancel', 'tellCancelled'] },
  { on: drain, to: 'cancelled', does: ['disarmGrace', 'tellCancelled'] },
  { on: hostGone, to: 'abandoned', does: ['disarmGrace', 'tellAbandoned'] },
  { on: hostGone, given: logged, does: ['releaseHost'] },
  { on: hostJoined, does: ['admitHost'] },
  { on: observerJoined, does: ['admitObserver'] },
  { on: agentGone, to: 'failed', does: ['disarmGrace', 'failAsAgentGone'] },
  { on: toolRequested, does: ['refuseCallback'] },
];
const rows: Row<Facts>[] = Object.entries({ dispatching, streaming, parked, detached, cancelling }).flatMap(
  ([state, list]) => list.map((row) => ({ in: state, ...row })),
);
/** The finals, and one way to each. */
const FINALS: Record<string, EventObject[]> = {
  done: [ack, done],
  failed: [ack, error],
  cancelled: [cancel],
  abandoned: [hostGone],
  refused: [expired],
};

/** One row in words. */
const told = (row: Row<Facts>) =>
  `turnMachine › when ${row.on.type} comes while ${row.in}${showGiven(row.given)} › then it ${row.to ? `is ${row.to}` : `stays ${row.in}`}: ${row.does.join(', ')}`;

test('turnMachine › when it starts › then it calls the agent and waits', () => {
  const play = start(chart);
  expect(play.value()).toBe('dispatching');
  expect(play.did).toEqual(['callAgent']);
});

for (const row of rows) testRow(told(row), chart, row);

test('turnMachine › when its rows above are counted › then every transition of the chart is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(turnMachine)) {
    if (transition.startsWith('accepted ›')) continue;
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
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
    const play = start(chart);
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
  const variants = [{}, one, full, resumable, { heldTerminal: 'error' }, { heldTerminal: 'done' }];
  const reached = reachedBy(
    chart,
    everyEvent,
    variants.map((given) => ({ ...chart.facts(), ...given })),
  );
  // `accepted` is left by `always` before anybody could see it.
  expect([...reached, 'accepted'].sort()).toEqual(Object.keys(turnMachine.states).sort());
});
