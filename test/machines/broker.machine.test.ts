import { expect, test } from 'vitest';
import { type BrokerEvent, type BrokerFacts, brokerMachine } from '../../machines/broker.machine.ts';
import type { Link } from '../../protocol/link.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

type Facts = { -readonly [K in keyof BrokerFacts]: BrokerFacts[K] };

const from = { id: 'client-1', needsAuth: true, authFailures: 0, maxAuthFailures: 5 };
const opened: BrokerEvent = { type: 'link.opened', link: {} as Link };
const guestOpened: BrokerEvent = { type: 'link.opened', link: { kind: 'peer' } as Link };
const identified: BrokerEvent = { type: 'client.identified', from };
const gone: BrokerEvent = { type: 'client.gone', from };
const chat: BrokerEvent = { type: 'rpc.request', from, id: 1, method: 'agents.chat', params: {} };
const cancel: BrokerEvent = { type: 'rpc.request', from, id: 1, method: 'agents.chat.cancel', params: {} };
const chatEvent: BrokerEvent = { type: 'chat.event', from, params: { session_id: 's', kind: 'token' }, bytes: 10 };
const voiceEvent: BrokerEvent = { type: 'voice.event', from, params: { stream_id: 's', type: 'partial', text: 'a' } };
const frame = { type: 1, streamId: 's', seq: 0n, format: 'pcm', payload: new Uint8Array(2) } as const;
const audio: BrokerEvent = { type: 'voice.audio', from, frame };
const childDone: BrokerEvent = { type: 'child.done', id: 'turn-1' };
const childFailed: BrokerEvent = { type: 'child.failed', id: 'turn-1', error: new Error('oh') };
const sweep: BrokerEvent = { type: 'sweep' };
const drain: BrokerEvent = { type: 'broker.drain' };
const everyEvent = [
  ...[opened, identified, gone, chat, cancel, chatEvent, voiceEvent, audio],
  ...[childDone, childFailed, sweep, drain],
];

const chart: Chart<Facts> = {
  machine: brokerMachine,
  facts: () => ({
    turnCount: 1,
    isHeld: false,
    isLast: false,
    connectionCount: 1,
    drainTimeoutMs: 10_000,
    closeTimeoutMs: 2_000,
  }),
  input: (broker) => ({ broker }),
  ways: {
    accepting: { by: [] },
    draining: { by: [drain] },
    closing: { by: [drain], given: { turnCount: 0 } },
  },
};

/** What goes on until the end. */
const always: Omit<Row<Facts>, 'in'>[] = [
  { on: identified, does: ['attachAgent'] },
  { on: gone, does: ['endTurnsOfClient'] },
  { on: chatEvent, does: ['routeChatEvent'] },
  { on: voiceEvent, does: ['routeToFamily'] },
  { on: audio, does: ['routeToFamily'] },
  { on: childDone, does: ['forgetChild'] },
  { on: childFailed, does: ['buryChild'] },
  { on: sweep, does: ['sweep'] },
];
const rows: Row<Facts>[] = [
  ...['accepting', 'draining', 'closing'].flatMap((state) => always.map((row) => ({ in: state, ...row }))),
  { in: 'accepting', on: opened, does: ['openConnection'] },
  { in: 'accepting', on: chat, does: ['route'] },
  { in: 'accepting', on: cancel, does: ['route'] },
  { in: 'accepting', on: drain, to: 'draining', does: ['dropQueuedChats'] },
  {
    in: 'accepting',
    on: drain,
    given: { turnCount: 0 },
    to: 'closing',
    does: ['dropQueuedChats', 'closeConnections'],
  },
  {
    in: 'accepting',
    on: drain,
    given: { turnCount: 0, connectionCount: 0 },
    to: 'stopped',
    does: ['dropQueuedChats', 'closeConnections', 'release'],
  },
  { in: 'draining', on: opened, does: ['refuseConnection'] },
  { in: 'draining', on: guestOpened, does: ['openConnection'] },
  // Others that stop with it still have turns.
  { in: 'draining', on: childDone, given: { turnCount: 0, isHeld: true }, does: ['forgetChild'] },
  { in: 'draining', on: chat, does: ['refuseAsDraining'] },
  { in: 'draining', on: cancel, does: ['route'] },
  {
    in: 'draining',
    on: childDone,
    given: { turnCount: 0 },
    to: 'closing',
    does: ['forgetChild', 'closeConnections'],
  },
  { in: 'closing', on: opened, does: ['refuseConnection'] },
  {
    in: 'closing',
    on: childDone,
    given: { connectionCount: 0 },
    to: 'stopped',
    does: ['forgetChild', 'release'],
  },
];

testRows('brokerMachine', chart, rows, (event) => ('method' in event ? ` ${event.method}` : ''));

test('brokerMachine › when its rows above are counted › then every transition of the chart but the timed ones is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(brokerMachine)) {
    if (transition.includes('xstate.after')) continue;
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

for (const state of Object.keys(chart.ways)) {
  const heard = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const event of everyEvent.filter(({ type }) => !heard.has(type))) {
    const method = 'method' in event ? ` ${event.method}` : '';
    test(`brokerMachine › when ${event.type}${method} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(event);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

test('brokerMachine › when turns do not end while draining › then after the drain timeout, and no sooner, they are ended', () => {
  const play = playTo(chart, 'draining');
  play.clock.increment(9_999);
  expect(play.value()).toBe('draining');
  expect(play.did).toEqual([]);
  play.clock.increment(1);
  expect(play.value()).toBe('closing');
  expect(play.did).toEqual(['endAllTurns', 'closeConnections']);
});

test.each([
  [true, 'draining'],
  [false, 'closing'],
])(
  'brokerMachine › when others hold it, as the last of them: %s › then the drain timeout ends its turns and it is %s',
  (isLast, then) => {
    const play = playTo(chart, 'draining');
    Object.assign(play.facts, { isHeld: true, isLast });
    play.clock.increment(10_000);
    expect(play.value()).toBe(then);
    expect(play.did).toEqual(['endAllTurns', ...(isLast ? [] : ['closeConnections'])]);
  },
);

test('brokerMachine › when sockets do not answer the close › then after the close timeout, and no sooner, they are cut', () => {
  const play = playTo(chart, 'closing');
  play.clock.increment(1_999);
  expect(play.did).toEqual([]);
  play.clock.increment(1);
  expect(play.did).toEqual(['cutConnections']);
  expect(play.value()).toBe('closing');
});

test('brokerMachine › when it starts › then it accepts, though it has neither turns nor connections', () => {
  const play = start(chart, { turnCount: 0, connectionCount: 0 });
  expect(play.value()).toBe('accepting');
  expect(play.did).toEqual([]);
});

test('brokerMachine › when it has stopped › then nothing that still comes does anything', () => {
  const play = start(chart, { turnCount: 0, connectionCount: 0 });
  play.actor.send(drain);
  play.did.length = 0;
  for (const event of everyEvent) play.actor.send(event);
  expect(play.value()).toBe('stopped');
  expect(play.did).toEqual([]);
});

test('brokerMachine › when all its paths are walked › then every state and the final is reached', () => {
  const facts = chart.facts();
  const variants = [facts, { ...facts, turnCount: 0 }, { ...facts, turnCount: 0, connectionCount: 0 }];
  const timers = ['drainTimeout.broker.draining', 'closeTimeout.broker.closing'];
  const events = [...everyEvent, ...timers.map((name) => ({ type: `xstate.after.${name}` }))];
  const reached = reachedBy(chart, events, variants);
  expect([...reached].sort()).toEqual(Object.keys(brokerMachine.states).sort());
});
