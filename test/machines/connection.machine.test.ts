import { expect, test } from 'vitest';
import { type ConnectionEvent, type ConnectionFacts, connectionMachine } from '../../machines/connection.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import { LOCAL } from '../../protocol/principal.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

type Facts = { -readonly [K in keyof ConnectionFacts]: ConnectionFacts[K] };

const request = (method: string): ConnectionEvent => ({ type: 'rpc.request', id: 1, method, params: {} });
const auth = request('session.auth');
const other = request('agents.list');
const asked: ConnectionEvent = { type: 'auth.asked' };
const granted: ConnectionEvent = { type: 'auth.granted', id: 1, identity: { role: 'client', principal: LOCAL } };
const refused: ConnectionEvent = { type: 'auth.refused', id: 1 };
const unjudged: ConnectionEvent = { type: 'auth.unjudged', id: 1, why: 'jwks' };
const expired: ConnectionEvent = { type: 'auth.expired' };
const close: ConnectionEvent = { type: 'connection.close', code: 1001 };
const closed: ConnectionEvent = { type: 'link.closed', code: 1000 };
const notification: ConnectionEvent = { type: 'rpc.notification', method: 'agent.chat.event', params: {} };
const response: ConnectionEvent = { type: 'rpc.response', id: 'sb-1', result: {} };
const bad: ConnectionEvent = { type: 'rpc.bad', id: null, error: WireError.parseError() };
const chatEvent: ConnectionEvent = {
  type: 'chat.event',
  params: { session_id: 's', kind: 'token', delta: 'a' },
  bytes: 10,
};
const voiceEvent: ConnectionEvent = {
  type: 'voice.event',
  params: { stream_id: 's', type: 'partial', text: 'a' },
};
const audio: ConnectionEvent = {
  type: 'voice.audio',
  frame: { type: 1, streamId: 's', seq: 0n, format: 'pcm', payload: new Uint8Array(2) },
};
const voiceOut: ConnectionEvent = { type: 'voice.deliver', params: { type: 'partial' }, isPartial: true };
const audioOut: ConnectionEvent = { type: 'audio.deliver', data: new Uint8Array(2) };
const reply: ConnectionEvent = { type: 'rpc.reply', id: 1, result: {} };
const fail: ConnectionEvent = { type: 'rpc.fail', id: 1, error: WireError.draining() };
const relay: ConnectionEvent = { type: 'rpc.relay', id: 1, answer: { error: { code: 1 } } };
const call: ConnectionEvent = { type: 'rpc.call', id: 'sb-1', method: 'agent.chat', params: {} };
const notify: ConnectionEvent = { type: 'rpc.notify', method: 'agent.chat.cancel', params: {} };
const deliver: ConnectionEvent = { type: 'chat.deliver', params: { kind: 'token' } };
const framed: ConnectionEvent = { type: 'chat.frame', text: '{}' };
const token: ConnectionEvent = { type: 'chat.token', token: { head: '{', seq: 1, seqFrom: 1, delta: 'a' } };
const overrun: ConnectionEvent = { type: 'link.overrun' };
const everyEvent = [
  ...[auth, other, asked, granted, refused, expired, close, closed, notification],
  ...[response, bad, chatEvent, reply, fail, relay, call, notify, deliver, framed, token, overrun],
  ...[voiceEvent, audio, voiceOut, audioOut],
];

const chart: Chart<Facts> = {
  machine: connectionMachine,
  facts: () => ({ id: 'client-1', needsAuth: true, authFailures: 0, maxAuthFailures: 5 }),
  input: (client) => ({ client }),
  ways: {
    authenticating: { by: [] },
    deciding: { by: [asked] },
    ready: { by: [granted] },
    closing: { by: [close] },
  },
};

const lastTry = { authFailures: 4 };
const rows: Row<Facts>[] = [
  { in: 'authenticating', on: auth, does: ['authenticate'] },
  {
    in: 'authenticating',
    on: other,
    to: 'closing',
    does: ['disarmAuthTimeout', 'refuseUnauthenticated', 'closeUnauthenticated'],
  },
  { in: 'authenticating', on: notification, does: ['dropNotification'] },
  { in: 'authenticating', on: chatEvent, does: ['dropNotification'] },
  { in: 'authenticating', on: voiceEvent, does: ['dropNotification'] },
  { in: 'authenticating', on: bad, does: ['refuseFrame'] },
  { in: 'authenticating', on: fail, does: ['write'] },
  {
    in: 'authenticating',
    on: granted,
    to: 'ready',
    does: ['disarmAuthTimeout', 'confirmIdentity', 'bindIdentity'],
  },
  { in: 'authenticating', on: refused, does: ['refuseToken', 'countFailure'] },
  { in: 'authenticating', on: refused, given: { authFailures: 3 }, does: ['refuseToken', 'countFailure'] },
  {
    in: 'authenticating',
    on: refused,
    given: lastTry,
    to: 'closing',
    does: ['disarmAuthTimeout', 'refuseToken', 'closeUnauthenticated'],
  },
  { in: 'authenticating', on: expired, to: 'closing', does: ['disarmAuthTimeout', 'closeUnauthenticated'] },
  { in: 'authenticating', on: close, to: 'closing', does: ['disarmAuthTimeout', 'closeAsAsked'] },
  { in: 'authenticating', on: overrun, to: 'closing', does: ['disarmAuthTimeout', 'noteOverrun', 'closeOverrun'] },
  { in: 'authenticating', on: closed, to: 'closed', does: ['disarmAuthTimeout', 'release'] },
  { in: 'authenticating', on: asked, to: 'deciding', does: ['disarmAuthTimeout', 'armAuthTimeout'] },
  {
    in: 'deciding',
    on: granted,
    to: 'ready',
    does: ['disarmAuthTimeout', 'endDecision', 'confirmIdentity', 'bindIdentity'],
  },
  {
    in: 'deciding',
    on: refused,
    to: 'authenticating',
    does: ['disarmAuthTimeout', 'endDecision', 'refuseToken', 'countFailure', 'armAuthTimeout'],
  },
  {
    in: 'deciding',
    on: refused,
    given: lastTry,
    to: 'closing',
    does: ['disarmAuthTimeout', 'endDecision', 'refuseToken', 'closeUnauthenticated'],
  },
  {
    in: 'deciding',
    on: unjudged,
    given: lastTry,
    to: 'authenticating',
    does: ['disarmAuthTimeout', 'endDecision', 'putOff', 'armAuthTimeout'],
  },
  {
    in: 'deciding',
    on: expired,
    to: 'closing',
    does: ['disarmAuthTimeout', 'endDecision', 'closeUnauthenticated'],
  },
  { in: 'deciding', on: close, to: 'closing', does: ['disarmAuthTimeout', 'endDecision', 'closeAsAsked'] },
  {
    in: 'deciding',
    on: overrun,
    to: 'closing',
    does: ['disarmAuthTimeout', 'endDecision', 'noteOverrun', 'closeOverrun'],
  },
  { in: 'deciding', on: closed, to: 'closed', does: ['disarmAuthTimeout', 'endDecision', 'release'] },
  { in: 'ready', on: auth, does: ['authenticate'] },
  { in: 'ready', on: other, does: ['route'] },
  { in: 'ready', on: notification, does: ['routeNotification'] },
  { in: 'ready', on: response, does: ['routeAnswer'] },
  { in: 'ready', on: bad, does: ['refuseFrame'] },
  { in: 'ready', on: chatEvent, does: ['routeChatEvent'] },
  { in: 'ready', on: voiceEvent, does: ['routeVoiceEvent'] },
  { in: 'ready', on: audio, does: ['routeAudio'] },
  { in: 'ready', on: voiceOut, does: ['writeVoice'] },
  { in: 'ready', on: audioOut, does: ['writeAudio'] },
  { in: 'ready', on: reply, does: ['write'] },
  { in: 'ready', on: fail, does: ['write'] },
  { in: 'ready', on: relay, does: ['write'] },
  { in: 'ready', on: call, does: ['write'] },
  { in: 'ready', on: notify, does: ['write'] },
  { in: 'ready', on: deliver, does: ['write'] },
  { in: 'ready', on: framed, does: ['write'] },
  { in: 'ready', on: token, does: ['writeToken'] },
  { in: 'ready', on: granted, does: ['confirmIdentity', 'bindIdentity'] },
  { in: 'ready', on: close, to: 'closing', does: ['announceGone', 'closeAsAsked'] },
  { in: 'ready', on: overrun, to: 'closing', does: ['announceGone', 'noteOverrun', 'closeOverrun'] },
  { in: 'ready', on: closed, to: 'closed', does: ['announceGone', 'release'] },
  { in: 'closing', on: closed, to: 'closed', does: ['release'] },
];

testRows('connectionMachine', chart, rows, (event) => ('method' in event ? ` ${event.method}` : ''));

test('connectionMachine › when its rows above are counted › then every transition of the chart is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(connectionMachine)) {
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

for (const state of Object.keys(chart.ways)) {
  const heard = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const event of everyEvent.filter(({ type }) => !heard.has(type))) {
    test(`connectionMachine › when ${event.type} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(event);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

test('connectionMachine › when it starts where authentication is on › then it arms the timeout and waits', () => {
  const play = start(chart);
  expect(play.value()).toBe('authenticating');
  expect(play.did).toEqual(['armAuthTimeout']);
});

test('connectionMachine › when it starts where authentication is off › then it is ready, and a client may still say who it is', () => {
  const play = start(chart, { needsAuth: false });
  expect(play.value()).toBe('ready');
  play.actor.send(other);
  play.actor.send(auth);
  expect(play.did.slice(-2)).toEqual(['route', 'authenticate']);
});

test('connectionMachine › when it is closed › then nothing that still comes does anything', () => {
  const play = playTo(chart, 'ready');
  play.actor.send(closed);
  play.did.length = 0;
  for (const event of everyEvent) play.actor.send(event);
  expect(play.value()).toBe('closed');
  expect(play.did).toEqual([]);
});

test('connectionMachine › when it leaves ready by whichever way › then that it is gone is announced exactly once', () => {
  for (const way of [[close, closed], [closed], [close, close, closed]]) {
    const play = playTo(chart, 'ready');
    for (const event of way) play.actor.send(event);
    expect(play.did.filter((action) => action === 'announceGone')).toHaveLength(1);
  }
});

test('connectionMachine › when all its paths are walked › then every state and the final is reached', () => {
  const reached = reachedBy(chart, everyEvent, [chart.facts(), { ...chart.facts(), needsAuth: false }]);
  expect([...reached].sort()).toEqual(Object.keys(connectionMachine.states).sort());
});
