import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { heard, refusal, startResumable } from '../../support/resume-scene.ts';

/* A host that goes away and comes back to its turn (wire.md section 8). */

test('agents.chat › when it wants a window › then its answer has a token of 43 characters, and each turn another', async () => {
  const scene = await startResumable();
  expect(scene.token).toMatch(/^[\w-]{43}$/);
  const other = await openChat(scene.host, scene.agent, { agent_id: 'echo', resume_window_ms: 1 });
  expect(other.resume_token).not.toBe(scene.token);
});

test('agents.chat › when it wants no window, or the broker allows none › then there is no token', async () => {
  for (const [limits, resume_window_ms] of [
    [{}, 0],
    [{ resumeWindowMs: 0 }, 60_000],
  ] as const) {
    const scene = await startResumable({ limits }, { resume_window_ms });
    expect(scene.token).toBeUndefined();
    await scene.leave();
    expect(await scene.status()).toBeUndefined();
    expect(scene.reasons()).toEqual(['host_disconnected']);
  }
});

test('a turn with a window › when its host goes › then it is detached, has no host, and its agent hears nothing of it', async () => {
  const scene = await startResumable();
  const manager = await scene.linked.manager();
  await scene.say('a');
  await scene.leave();
  await scene.say('b');
  const { sessions } = await manager.ok('agents.chat.sessions');
  expect(sessions).toMatchObject([{ session_id: 's', status: 'detached', host_client_id: null, seq: 2 }]);
  expect(await readMetric(scene.broker, 'turns')).toEqual({ detached: 1 });
  expect(scene.reasons()).toEqual([]);
});

test('agents.chat.subscribe › when the host is back with its token › then reply, what it missed, and the live events follow', async () => {
  const scene = await startResumable();
  await scene.say('a', 'b');
  await scene.leave();
  await scene.say('c');
  await scene.emit({ kind: 'mood', mood: 'fine' });
  const { client, result } = await scene.resume({ after: 2 });
  expect(result).toEqual({
    ...{ session_id: 's', turn_id: scene.turnId, agent_id: 'echo' },
    ...{ status: 'streaming', head: 4, recovered: true, pending_approvals: [], epoch: expect.any(String) },
  });
  await scene.say('d');
  await scene.emit({ kind: 'done', finish_reason: 'stop' });
  expect(heard(scene.host)).toEqual(['1 token a', '2 token b']);
  expect(heard(client)).toEqual(['3 token c', '4 mood', '5 token d', '6 done stop']);
  // The reply first.
  expect(client.frames.map((frame) => frame.method ?? 'reply')).toEqual([
    ...['reply', 'reply', ...Array(4).fill('agents.chat.event')],
  ]);
  expect(await readMetric(scene.broker, 'resumes_total')).toEqual({ controller: 1 });
});

test('agents.chat.subscribe › when events are replayed › then their frames are those that were sent at first, to the letter', async () => {
  const scene = await startResumable();
  await scene.say('a', '\u2028"\u0000 ü 😀');
  await scene.emit({ kind: 'token', delta: 'x', logprob: -1, seq: 9, seq_from: 9, synthesized: true, agent_id: 'me' });
  await scene.emit({ kind: 'tool_call', tool: 'clock', params: { __proto__: null, a: [1] } });
  await scene.emit({ kind: 'done', finish_reason: 'stop', text: 'all' });
  const { client } = await scene.resume();
  expect(client.received('agents.chat.event')).toEqual(scene.host.received('agents.chat.event'));
  expect(heard(client)).toHaveLength(5);
});

test('agents.chat.subscribe › when an event is on its way at that moment › then it comes once, whichever is first', async () => {
  const scene = await startResumable();
  const client = await scene.linked.host();
  scene.agent.emit('s', { kind: 'token', delta: 'a' });
  client.post('agents.chat.subscribe', scene.claim());
  scene.agent.emit('s', { kind: 'token', delta: 'b' });
  await settle();
  expect(heard(client)).toEqual(['1 token a', '2 token b']);
});

test('agents.chat.subscribe › when a new host takes over › then the old one hears nothing more and may do nothing', async () => {
  const scene = await startResumable();
  await scene.say('a');
  const { client } = await scene.resume({ after: 1 });
  await scene.say('b');
  expect([heard(scene.host), heard(client)]).toEqual([['1 token a'], ['2 token b']]);
  expect((await scene.host.call('agents.chat.cancel', { session_id: 's' })).error.code).toBe(-32015);
  expect((await scene.host.ok('agents.chat.sessions')).sessions).toEqual([]);
  expect((await client.ok('agents.chat.sessions')).sessions).toHaveLength(1);
  // The old one's end is not the turn's.
  await scene.leave();
  expect(await scene.status()).toBe('streaming');
  await scene.leave(client);
  expect(await scene.status()).toBe('detached');
});

test('agents.chat.subscribe › when the connection that opened the turn wants it back › then it needs no token', async () => {
  const scene = await startResumable();
  await scene.say('a');
  const { client } = await scene.resume({ after: 1 });
  await scene.host.ok('agents.chat.subscribe', { session_id: 's', after: 1 });
  await scene.say('b');
  expect([heard(scene.host), heard(client)]).toEqual([['1 token a', '2 token b'], []]);
});

test('agents.chat.subscribe › when the host role asks › then it needs no token either', async () => {
  const scene = await startResumable();
  await scene.leave();
  await scene.say('a');
  const manager = await scene.linked.manager();
  await manager.ok('agents.chat.subscribe', { session_id: 's' });
  expect(heard(manager)).toEqual(['1 token a']);
  expect(await manager.ok('agents.chat.cancel', { session_id: 's' })).toMatchObject({ cancelled: true });
  expect(heard(manager)).toEqual(['1 token a', '2 done cancelled']);
});

test('agents.chat.subscribe › when the host subscribes again › then it stays the host and hears each live event once', async () => {
  const scene = await startResumable();
  await scene.say('a');
  await scene.host.ok('agents.chat.subscribe', { session_id: 's', after: 0 });
  await scene.host.ok('agents.chat.subscribe', { session_id: 's', after: 1, role: 'observer' });
  await scene.say('b');
  expect(heard(scene.host)).toEqual(['1 token a', '1 token a', '2 token b']);
  expect(await scene.status()).toBe('streaming');
});

test.each<[string, object, number]>([
  ['a wrong token', { resume_token: 'A'.repeat(43) }, -32015],
  ['no token', { resume_token: undefined }, -32015],
  ['an empty token', { resume_token: '' }, -32015],
  ['a wrong token, and too large an after', { resume_token: 'x', after: 99 }, -32015],
  ['an unknown session', { session_id: 'nope' }, -32014],
  ['another turn', { turn_id: 'turn-nope' }, -32014],
  ['an after beyond the head', { after: 2 }, -32602],
  ['a negative after', { after: -1 }, -32602],
  ['a fraction', { after: 0.5 }, -32602],
  ['no such role', { role: 'owner' }, -32602],
  ['no session', { session_id: undefined }, -32602],
])(
  'agents.chat.subscribe › when a stranger comes with %s › then %j gets %i and nothing changes',
  async (_what, params, code) => {
    const scene = await startResumable();
    await scene.say('a');
    const stranger = await scene.linked.host();
    expect(await refusal(stranger, { ...scene.claim(), ...params })).toBe(code);
    await scene.say('b');
    expect([heard(stranger), heard(scene.host)]).toEqual([[], ['1 token a', '2 token b']]);
  },
);

test('agents.chat.subscribe › when the turn keeps no log › then -32014, and -32015 for a stranger', async () => {
  const scene = await startResumable({}, { resume_window_ms: 0 });
  expect(await refusal(scene.host, { session_id: 's' })).toBe(-32014);
  expect(await refusal(await scene.linked.manager(), { session_id: 's' })).toBe(-32014);
  expect(await refusal(await scene.linked.host(), { session_id: 's' })).toBe(-32015);
});

test('agents.chat.subscribe › when another turn’s token is shown › then -32015', async () => {
  const scene = await startResumable();
  const other = await openChat(await scene.linked.host(), scene.agent, {
    ...{ agent_id: 'echo', session_id: 'other', resume_window_ms: 1_000 },
  });
  const stranger = await scene.linked.host();
  expect(await refusal(stranger, { session_id: 's', resume_token: other.resume_token })).toBe(-32015);
});

test('agents.chat.subscribe › when the agent has not accepted yet › then -32014 for the host role and -32015 for a stranger', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's', resume_window_ms: 60_000 });
  await settle();
  expect(await refusal(await linked.manager(), { session_id: 's' })).toBe(-32014);
  expect(await refusal(await linked.host(), { session_id: 's' })).toBe(-32015);
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(await refusal(await linked.manager(), { session_id: 's' })).toBeUndefined();
});

test('agents.chat.subscribe › when the new host has as many turns as it may › then -32020, and the turn stays as it is', async () => {
  const scene = await startResumable({ limits: { maxTurnsPerConnection: 1 } });
  const busy = await scene.linked.host();
  await openChat(busy, scene.agent, { agent_id: 'echo' });
  expect(await refusal(busy, scene.claim())).toBe(-32020);
  // To watch takes none of them.
  expect(await refusal(busy, { ...scene.claim(), role: 'observer' })).toBeUndefined();
  expect(await refusal(scene.host, scene.claim())).toBeUndefined();
});
