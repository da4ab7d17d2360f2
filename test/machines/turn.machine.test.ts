import { expect, test } from 'vitest';
import type { EventObject } from 'xstate';
import { type TurnFacts, turnMachine } from '../../machines/turn.machine.ts';
import { type LiveTurn, turnStatusOf } from '../../machines/turn-status.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, showGiven, start, transitionsOf } from './chart.ts';
import { testRow } from './chart-rows.ts';
import {
  ack,
  agentGone,
  answer,
  authRequired,
  cancel,
  cancelGently,
  childDone,
  childFailed,
  done,
  drain,
  error,
  everyEvent,
  expired,
  graceOver,
  hostGone,
  hostJoined,
  observerJoined,
  pending,
  resolved,
  settled,
  stale,
  token,
  toolRequested,
  windowOver,
} from './turn-events.ts';

type Facts = { -readonly [K in keyof TurnFacts]: TurnFacts[K] };

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
    'streaming, away': { by: [ack, hostGone], given: { mayDetach: true } },
    'parked, away': { by: [ack, pending, hostGone], given: { mayDetach: true } },
    cancelling: { by: [ack, cancelGently] },
    'cancelling, gone': { by: [ack, hostGone, cancelGently], given: { mayDetach: true } },
  },
  standing: (value) => {
    if (typeof value === 'string') return value;
    const { host, work } = value.live as unknown as LiveTurn;
    return host === 'here' ? work : `${work}, ${host}`;
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
const gracefully = [
  ...['disarmAck', 'acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'releaseHeld', 'armGrace'],
];

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
    does: gracefully,
  },
  {
    on: cancelGently,
    given: { heldTerminal: 'done' },
    to: 'done',
    does: [...gracefully, 'disarmGrace'],
  },
  {
    on: cancelGently,
    given: { heldTerminal: 'error' },
    to: 'failed',
    does: [...gracefully, 'disarmGrace'],
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
const accepting = (away: string): Omit<Row<Facts>, 'in'>[] => [
  { on: token, does: ['relay'] },
  ...ending,
  { on: hostGone, to: 'abandoned', does: ['endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: hostGone, given: resumable, to: away, does: ['endCallbacks', 'releaseHost', 'armWindow'] },
  { on: hostJoined, does: ['admitHost'] },
  { on: observerJoined, does: ['admitObserver'] },
  { on: toolRequested, does: ['startCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const streaming: Omit<Row<Facts>, 'in'>[] = [
  ...accepting('streaming, away'),
  { on: stale, to: 'failed', does: ['endChildren', 'cancelAgentAsStale', 'failAsStale'] },
  { on: pending, to: 'parked', does: ['relay', 'noteApproval'] },
  { on: pending, given: last, to: 'parked', does: ['relay', 'noteApproval'] },
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: resolved, does: ['relay'] },
];
const parked: Omit<Row<Facts>, 'in'>[] = [
  ...accepting('parked, away'),
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
/** What a turn does alike whose host is away, whether it streams or is parked. */
const detached: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  ...ending.map((row) => ({
    ...row,
    ...(row.to === 'cancelling' ? { to: 'cancelling, gone' } : {}),
    does: ['disarmWindow', ...row.does],
  })),
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: observerJoined, does: ['admitObserver'] },
  {
    on: windowOver,
    to: 'abandoned',
    does: ['disarmWindow', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'],
  },
  { on: toolRequested, does: ['startCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const streamingAway: Omit<Row<Facts>, 'in'>[] = [
  ...detached,
  { on: stale, to: 'failed', does: ['disarmWindow', 'endChildren', 'cancelAgentAsStale', 'failAsStale'] },
  { on: pending, to: 'parked, away', does: ['relay', 'noteApproval'] },
  { on: resolved, does: ['relay'] },
  { on: hostJoined, to: 'streaming', does: ['disarmWindow', 'admitHost'] },
];
const parkedAway: Omit<Row<Facts>, 'in'>[] = [
  ...detached,
  { on: pending, does: ['relay', 'noteApproval'] },
  { on: resolved, given: one, to: 'streaming, away', does: ['relay', 'settleApproval'] },
  { on: resolved, given: two, does: ['relay', 'settleApproval'] },
  { on: settled, given: one, to: 'streaming, away', does: ['forgetApproval'] },
  { on: settled, given: two, does: ['forgetApproval'] },
  { on: hostJoined, to: 'parked', does: ['disarmWindow', 'admitHost'] },
];
/** How a turn ends alike that was cancelled with grace. That its agent is told no second time, its effects see to. */
const graceful: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  { on: pending, does: ['relay'] },
  { on: resolved, does: ['relay'] },
  { on: done, to: 'done', does: ['disarmGrace', 'endChildren', 'relay'] },
  { on: error, to: 'failed', does: ['disarmGrace', 'endChildren', 'relay'] },
  { on: graceOver, to: 'cancelled', does: ['disarmGrace', 'tellCancelled'] },
  { on: cancelGently, does: ['confirmCancel', 'armGrace'] },
  { on: cancel, to: 'cancelled', does: ['disarmGrace', 'confirmCancel', 'tellCancelled'] },
  { on: drain, to: 'cancelled', does: ['disarmGrace', 'tellCancelled'] },
  { on: observerJoined, does: ['admitObserver'] },
  { on: agentGone, to: 'failed', does: ['disarmGrace', 'endChildren', 'cancelReplacedAgent', 'failAsAgentGone'] },
  { on: toolRequested, does: ['refuseCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const cancelling: Omit<Row<Facts>, 'in'>[] = [
  ...graceful,
  { on: hostGone, to: 'abandoned', does: ['disarmGrace', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: hostGone, given: logged, to: 'cancelling, gone', does: ['releaseHost'] },
  { on: hostGone, given: { ...logged, ...resumable }, to: 'cancelling, gone', does: ['releaseHost'] },
  { on: hostJoined, does: ['admitHost'] },
];
const cancellingGone: Omit<Row<Facts>, 'in'>[] = [
  ...graceful,
  { on: hostJoined, to: 'cancelling', does: ['admitHost'] },
];
const rows: Row<Facts>[] = Object.entries({
  dispatching,
  streaming,
  parked,
  'streaming, away': streamingAway,
  'parked, away': parkedAway,
  cancelling,
  'cancelling, gone': cancellingGone,
}).flatMap(([state, list]) => list.map((row) => ({ in: state, ...row })));
/** The states of the chart that are active wherever the rows say that it stands. */
const WITHIN: Record<string, string[]> = {
  dispatching: ['dispatching'],
  streaming: ['live', 'live.host.here', 'live.work', 'live.work.streaming'],
  parked: ['live', 'live.host.here', 'live.work', 'live.work.parked'],
  'streaming, away': ['live', 'live.host.away', 'live.work', 'live.work.streaming'],
  'parked, away': ['live', 'live.host.away', 'live.work', 'live.work.parked'],
  cancelling: ['live', 'live.host.here', 'live.work.cancelling'],
  'cancelling, gone': ['live', 'live.host.gone', 'live.work.cancelling'],
};
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
  const variants = [{}, one, full, { ...logged, ...resumable }, { heldTerminal: 'error' }, { heldTerminal: 'done' }];
  const reached = reachedBy(
    chart,
    everyEvent,
    variants.map((given) => ({ ...chart.facts(), ...given })),
  );
  // `accepted` is left by `always` before anybody could see it.
  expect([...reached].sort()).toEqual([...Object.keys(chart.ways), ...Object.keys(FINALS)].sort());
});
