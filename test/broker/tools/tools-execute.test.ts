import { expect, test } from 'vitest';
import { openChat, settle } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { answersTo, callsOf, startToolScene } from '../../support/tool-scene.ts';

/* The round trip, what passes, and who may (wire.md section 7). */

test('tools.execute › when the agent fills in every field › then the host reads each, and the defaults where it did not', async () => {
  const { host, execute, asked } = await startToolScene();
  const parameters = { zone: null, deep: [{ __x: 1 }], n: 0.1 };
  await execute({ parameters, timeout_ms: 1_500, action_id: 'act-1', attempt: 3, request_id: 'mine', extra: 1 });
  expect(asked()).toEqual({
    jsonrpc: '2.0',
    id: 'cb-1',
    method: 'tools.execute',
    params: {
      action_id: 'act-1',
      tool: 'clock',
      parameters,
      params: parameters,
      timeout_ms: 1_500,
      attempt: 3,
      request_id: 'cb-1',
      session_id: 's',
    },
  });
  await execute();
  expect(asked()).toMatchObject({
    id: 'cb-2',
    params: { action_id: '', timeout_ms: 300_000, attempt: 1, request_id: 'cb-2' },
  });
  expect(host.received('tools.execute')).toHaveLength(2);
});

test.each([{}, { parameters: null, timeout_ms: null, action_id: null, attempt: null }])(
  'tools.execute › when what may be left out is %j › then the host reads the defaults',
  async (params) => {
    const { host, agent } = await startToolScene();
    agent.post('tools.execute', { session_id: 's', tool: 'clock', ...params });
    await settle();
    const [{ params: asked }] = host.received('tools.execute');
    expect(asked).toMatchObject({ parameters: {}, params: {}, timeout_ms: 300_000, action_id: '', attempt: 1 });
  },
);

test.each([false, 0, '', [], 'x', [1, 'x'], '"', { a: null, b: [null] }])(
  'tools.execute › when the parameters are %j › then the host reads just that',
  async (parameters) => {
    const { execute, asked } = await startToolScene();
    await execute({ parameters });
    expect(asked().params.parameters).toEqual(parameters);
    expect(asked().params.params).toEqual(parameters);
  },
);

test.each([
  ...[null, false, 0, '', true, -1.5, 'text', [], {}],
  { a: [{ b: { c: null } }], __x: 1, error: { code: 1 } },
  { accepted: true, resolved: true, result: { result: null } },
])('tools.execute › when the host answers %j › then the agent reads just that', async (result) => {
  const { host, agent, execute, asked } = await startToolScene();
  const id = await execute();
  host.answer(asked(), result);
  await settle();
  expect(answersTo(agent, id)).toEqual([{ jsonrpc: '2.0', id, result }]);
});

test.each([
  { code: -1, message: '' },
  { code: 42, message: 'no clock', data: null },
  { code: -32601, message: 'method not found', data: { tried: ['a'] }, hint: 'extra', more: { deep: [1] } },
  { code: -32603, message: 'its own fault', data: false },
])('tools.execute › when the host answers with the error %j › then the agent reads just that', async (error) => {
  const { host, agent, execute, asked } = await startToolScene();
  const id = await execute();
  host.send({ jsonrpc: '2.0', id: asked().id, error });
  await settle();
  expect(answersTo(agent, id)).toEqual([{ jsonrpc: '2.0', id, error }]);
});

const peerError = (peer_error: unknown) => ({
  error: { code: -32603, message: 'the peer answered with a malformed error', data: { peer_error } },
});

test.each<[object, object]>([
  [{}, { result: null }],
  [{ error: null }, { result: null }],
  [{ result: undefined }, { result: null }],
  [{ jsonrpc: undefined, result: 1 }, { result: 1 }],
  [{ jsonrpc: '1.0', result: 1, error: null }, { result: 1 }],
  [{ method: null, params: null, result: 1, error: null }, { result: 1 }],
  [{ error: 'no' }, peerError('no')],
  [{ error: false }, peerError(false)],
  [{ error: ['no'] }, peerError(['no'])],
  [{ error: { code: 'x', message: '' } }, peerError({ code: 'x', message: '' })],
  [{ error: { message: 'no' } }, peerError({ message: 'no' })],
  [{ error: { code: 1.5, message: 'no' } }, peerError({ code: 1.5, message: 'no' })],
  [{ result: 1, error: { code: 1 } }, peerError({ code: 1 })],
  [{ result: 1, error: { code: 1, message: 'no' } }, { error: { code: 1, message: 'no' } }],
])('tools.execute › when the host answers with %j › then that settles it, and nobody waits', async (answer, read) => {
  const warned: object[] = [];
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (fields: object, what: string) => warned.push({ what, ...fields }),
  };
  const { host, agent, execute, asked } = await startToolScene({ log });
  const id = await execute();
  host.send({ jsonrpc: '2.0', id: asked().id, ...answer });
  host.answer(asked(), 'late');
  await settle();
  expect(answersTo(agent, id)).toEqual([{ jsonrpc: '2.0', id, ...read }]);
  const isWhole = 'method' in answer;
  expect(warned).toMatchObject(isWhole ? [] : [{ what: 'an answer was malformed', id: asked().id }]);
  // Nothing of it is anybody's fault but its sender's, who is not told either.
  expect(host.frames.filter((frame) => frame.error)).toEqual([]);
});

test('tools.execute › when many are answered in another order › then each answer goes to its own request', async () => {
  const { host, agent, execute } = await startToolScene();
  const ids = [await execute({ parameters: 0 }), await execute({ parameters: 1 }), await execute({ parameters: 2 })];
  for (const n of [2, 0, 1]) host.answer(host.received('tools.execute')[n], `answer ${n}`);
  await settle();
  expect(ids.map((id) => agent.replyTo(id).result)).toEqual(['answer 0', 'answer 1', 'answer 2']);
  expect(agent.frames.slice(-3).map((frame) => frame.id)).toEqual([ids[2], ids[0], ids[1]]);
});

test('tools.execute › when two turns of two hosts ask › then each host is asked for its own, by ids that are never used twice', async () => {
  const { linked, host, agent, execute } = await startToolScene();
  const other = await linked.host();
  await other.ok('tools.register', [{ name: 'clock' }]);
  await openChat(other, agent, { agent_id: 'echo', session_id: 'other' });
  const first = await execute();
  const second = await execute({ session_id: 'other' });
  expect(host.received('tools.execute').map((frame) => frame.params.session_id)).toEqual(['s']);
  expect(other.received('tools.execute').map((frame) => frame.params.session_id)).toEqual(['other']);
  expect(other.received('tools.execute')[0].id).toBe('cb-2');
  other.answer(other.received('tools.execute')[0], 'theirs');
  host.answer(host.received('tools.execute')[0], 'ours');
  await settle();
  expect([agent.replyTo(first).result, agent.replyTo(second).result]).toEqual(['ours', 'theirs']);
});

test('tools.execute › when a stranger answers with the right id › then nothing comes of it, and it is counted', async () => {
  const { linked, broker, host, agent, execute, asked } = await startToolScene();
  const id = await execute();
  const strangers = [await linked.host(), await linked.manager(), await linked.agent('other'), agent];
  for (const stranger of strangers) stranger.answer(asked(), 'forged');
  strangers[0]?.notify('tools.progress', { request_id: asked().id, progress: 1 });
  await settle();
  expect(agent.replyTo(id)).toBeUndefined();
  expect(agent.received('tools.progress')).toEqual([]);
  expect(await readDrops(broker)).toEqual({ late_response: 4, late_progress: 1 });
  host.answer(asked(), 'true');
  await settle();
  expect(answersTo(agent, id)).toMatchObject([{ result: 'true' }]);
});

test('tools.execute › when the host answers twice › then the second is dropped and counted', async () => {
  const { broker, host, agent, execute, asked } = await startToolScene();
  const id = await execute();
  host.answer(asked(), 1);
  host.answer(asked(), 2);
  await settle();
  expect(answersTo(agent, id)).toMatchObject([{ result: 1 }]);
  expect(await readDrops(broker)).toEqual({ late_response: 1 });
});

test('tools.execute › when the tool is not registered by that host › then -32019, and the host hears nothing', async () => {
  const { linked, host, agent, execute } = await startToolScene();
  await (await linked.host()).ok('tools.register', [{ name: 'theirs' }]);
  await agent.ok('tools.register', [{ name: 'own' }]);
  for (const tool of ['theirs', 'own', 'Clock', 'clock ', 'constructor', '__proto__']) {
    const id = await execute({ tool });
    expect(agent.replyTo(id).error.code).toBe(-32019);
  }
  await host.ok('tools.unregister', { name: 'clock' });
  expect(agent.replyTo(await execute()).error.code).toBe(-32019);
  await host.ok('tools.register', [{ name: 'clock' }]);
  expect(host.received('tools.execute')).toEqual([]);
  expect(agent.replyTo(await execute())).toBeUndefined();
  expect(host.received('tools.execute')).toHaveLength(1);
});

test('tools.execute › when the host takes the tool back meanwhile › then what it was asked already is answered', async () => {
  const { host, agent, execute, asked } = await startToolScene();
  const id = await execute();
  await host.ok('tools.unregister', { name: 'clock' });
  host.answer(asked(), 'noon');
  await settle();
  expect(agent.replyTo(id).result).toBe('noon');
});

test('tools.execute › when the session is not live › then -32014', async () => {
  const { agent, execute } = await startToolScene();
  expect(agent.replyTo(await execute({ session_id: 'none' })).error.code).toBe(-32014);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  expect(agent.replyTo(await execute()).error.code).toBe(-32014);
});

test('tools.execute › when the session is somebody else’s › then -32015, the host itself and the host role included, and to another agent there is none', async () => {
  const { linked, host } = await startToolScene();
  const params = { session_id: 's', tool: 'clock', parameters: {} };
  const sameEyes = [host, await linked.host(), await linked.manager()].map((client) => [client, -32015] as const);
  for (const [client, code] of [...sameEyes, [await linked.agent('other'), -32014] as const]) {
    expect((await client.call('tools.execute', params)).error.code).toBe(code);
    // Whose it is comes before what it has.
    expect((await client.call('tools.execute', { ...params, tool: 'none' })).error.code).toBe(code);
  }
  expect(host.received('tools.execute')).toEqual([]);
});

test.each([
  [{}, ['session_id', 'tool']],
  [{ session_id: 1, tool: 1, parameters: 1 }, ['session_id', 'tool']],
  [{ session_id: 's/', tool: '', parameters: 1 }, ['session_id', 'tool']],
  [{ session_id: 'none', tool: 'clock', parameters: 1, timeout_ms: 0 }, ['timeout_ms']],
  [{ session_id: 's', tool: 'clock', parameters: 1, timeout_ms: 1.5 }, ['timeout_ms']],
  [{ session_id: 's', tool: 'clock', parameters: 1, timeout_ms: '1' }, ['timeout_ms']],
  [{ session_id: 's', tool: 'clock', parameters: 1, timeout_ms: 86_400_001 }, ['timeout_ms']],
  [{ session_id: 's', tool: 'clock', parameters: 1, action_id: 1, attempt: 0 }, ['action_id', 'attempt']],
  [['s', 'clock', {}], ['']],
])(
  'tools.execute › when the params are %j › then -32602 names every field that is wrong, before anything else',
  async (params, paths) => {
    const { host, agent } = await startToolScene();
    const { error } = await agent.call('tools.execute', params);
    expect(error.code).toBe(-32602);
    expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual(paths);
    expect(host.received('tools.execute')).toEqual([]);
  },
);

test('tools.execute › when its id is 1 and another’s is "1" › then they are two requests', async () => {
  const { host, agent } = await startToolScene();
  const params = { session_id: 's', tool: 'clock', parameters: {} };
  for (const id of [100, '100', '', 0, -1.5]) agent.send({ jsonrpc: '2.0', id, method: 'tools.execute', params });
  await settle();
  const [first, second, third, fourth, fifth] = host.received('tools.execute');
  agent.notify('tools.cancel', { id: '100' });
  await settle();
  expect(answersTo(agent, '100')).toMatchObject([{ error: { code: -32018, data: { reason: 'agent_withdrew' } } }]);
  expect(answersTo(agent, 100)).toEqual([]);
  for (const [n, request] of [first, second, third, fourth, fifth].entries()) host.answer(request, n);
  await settle();
  expect(answersTo(agent, 100)).toMatchObject([{ result: 0 }]);
  expect(answersTo(agent, '100')).toHaveLength(1);
  expect(
    [answersTo(agent, ''), answersTo(agent, 0), answersTo(agent, -1.5)].flat().map(({ result }) => result),
  ).toEqual([2, 3, 4]);
});

test('tools.execute › when it comes as a notification › then the tool runs, and nobody is answered', async () => {
  const { broker, host, agent, asked } = await startToolScene();
  const frames = agent.frames.length;
  agent.notify('tools.execute', { session_id: 's', tool: 'clock', parameters: 1 });
  await settle();
  host.notify('tools.progress', { request_id: asked().id });
  host.answer(asked(), 'noon');
  agent.notify('tools.execute', { session_id: 's', tool: 'none', parameters: 1 });
  await settle();
  expect(agent.frames).toHaveLength(frames);
  expect(await readDrops(broker)).toEqual({ failed_notification: 1 });
});

test('tools.execute › when 64 are pending for a turn › then the 65th gets -32020, and an end makes room', async () => {
  const { linked, host, agent, execute } = await startToolScene();
  for (let n = 0; n < 64; n += 1) await execute();
  const { error } = agent.replyTo(await execute());
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_pending_tools', value: 64 } } });
  expect(host.received('tools.execute')).toHaveLength(64);
  // Another turn has its own.
  const other = await linked.host();
  await other.ok('tools.register', [{ name: 'clock' }]);
  await openChat(other, agent, { agent_id: 'echo', session_id: 'other' });
  expect(agent.replyTo(await callsOf(other, agent).execute({ session_id: 'other' }))).toBeUndefined();
  host.answer(host.received('tools.execute')[7], 1);
  await settle();
  expect(agent.replyTo(await execute())).toBeUndefined();
  expect(agent.replyTo(await execute()).error.code).toBe(-32020);
});

test('tools.execute › when gate-parked ones make up the 64 › then the next gets -32020, parked or not', async () => {
  const { agent, execute } = await startToolScene({ approvals: { methods: ['tools.execute:risky'] } }, [
    { name: 'clock' },
    { name: 'risky' },
  ]);
  for (let n = 0; n < 64; n += 1) await execute({ tool: n % 2 ? 'risky' : 'clock' });
  for (const tool of ['risky', 'clock']) expect(agent.replyTo(await execute({ tool })).error.code).toBe(-32020);
});
