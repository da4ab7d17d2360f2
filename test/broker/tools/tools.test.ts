import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';

/* What a connection registers, and who sees it (wire.md section 3). */

const tool = (name: string, more: object = {}) => ({ name, ...more });
const many = (count: number, prefix = 't') => Array.from({ length: count }, (_, n) => tool(`${prefix}${n}`));

async function setUp() {
  const linked = startLinked();
  const host = await linked.host();
  return { linked, host, list: () => host.ok('tools.list') };
}

test('session.init › when no tools are given › then it answers the connection’s id, and nothing is registered', async () => {
  const { linked, host, list } = await setUp();
  const agent = await linked.agent('echo');
  const { session_id, ...rest } = await host.ok('session.init', {});
  expect(rest).toEqual({ tools_registered: 0, policies_registered: 0 });
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  expect(agent.lastChat().params.context.host_client_id).toBe(session_id);
  expect(await host.ok('session.init')).toMatchObject({ session_id });
  expect(await list()).toEqual({ tools: [], count: 0 });
});

test('session.init › when tools are given › then they are registered, and those that were there stay', async () => {
  const { host, list } = await setUp();
  await host.ok('tools.register', [tool('a')]);
  expect(await host.ok('session.init', { tools: [tool('c'), tool('b')] })).toMatchObject({ tools_registered: 2 });
  expect(await list()).toEqual({ tools: [tool('a'), tool('b'), tool('c')], count: 3 });
});

test('tools.register › when tools are sent › then it answers how many, and they are listed by name, whole', async () => {
  const { host, list } = await setUp();
  const schema = { type: 'object', properties: { __proto__x: { type: 'string' } }, required: [] };
  const tools = [
    tool('b', { description: 'B', parameters: schema }),
    tool('a b'),
    tool('B', { description: '' }),
    tool('10'),
    tool('9'),
    tool('__proto__', { parameters: {} }),
  ];
  expect(await host.ok('tools.register', tools)).toBe(6);
  const listed = await list();
  expect(listed.count).toBe(6);
  expect(listed.tools.map(({ name }: { name: string }) => name)).toEqual(['10', '9', 'B', '__proto__', 'a b', 'b']);
  expect(listed.tools.at(-1)).toEqual(tools[0]);
});

test('tools.register › when a name is there already › then its tool is replaced, nothing of the old one stays', async () => {
  const { host, list } = await setUp();
  await host.ok('tools.register', [tool('a', { description: 'old', parameters: { type: 'object' } }), tool('b')]);
  expect(await host.ok('tools.register', [tool('a')])).toBe(1);
  expect(await list()).toEqual({ tools: [tool('a'), tool('b')], count: 2 });
});

test('tools.register › when no tool is sent › then it answers 0', async () => {
  const { host } = await setUp();
  expect(await host.ok('tools.register', [])).toBe(0);
});

test('tools.register › when the 257th tool is sent › then -32020, and none of that request is registered', async () => {
  const { host, list } = await setUp();
  await host.ok('tools.register', many(255));
  const { error } = await host.call('tools.register', [tool('x'), tool('y')]);
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_tools_per_connection', value: 256 } } });
  expect((await list()).count).toBe(255);
  expect(await host.ok('tools.register', [tool('x'), tool('t0')])).toBe(2);
  expect((await list()).count).toBe(256);
  // What is there may be changed all the same.
  expect(await host.ok('tools.register', [tool('t1', { description: 'new' })])).toBe(1);
  expect((await host.call('session.init', { tools: [tool('y')] })).error.code).toBe(-32020);
  await host.ok('tools.unregister', { name: 'x' });
  expect(await host.ok('session.init', { tools: [tool('y')] })).toMatchObject({ tools_registered: 1 });
});

test('tools.unregister › when there is such a tool, and when there is none › then it says which', async () => {
  const { host, list } = await setUp();
  await host.ok('tools.register', [tool('a'), tool('b')]);
  expect(await host.ok('tools.unregister', { name: 'a' })).toEqual({ unregistered: 'a', removed: 1 });
  expect(await host.ok('tools.unregister', { name: 'a' })).toEqual({ unregistered: 'a', removed: 0 });
  expect(await host.ok('tools.unregister', { name: 'toString' })).toEqual({ unregistered: 'toString', removed: 0 });
  expect(await list()).toEqual({ tools: [tool('b')], count: 1 });
});

test('tools › when another connection registers some › then neither sees the other’s, and they go with their connection', async () => {
  const { linked, host, list } = await setUp();
  const other = await linked.host();
  await host.ok('tools.register', [tool('a')]);
  await other.ok('tools.register', [tool('b')]);
  expect(await list()).toEqual({ tools: [tool('a')], count: 1 });
  expect(await other.ok('tools.unregister', { name: 'a' })).toEqual({ unregistered: 'a', removed: 0 });
  host.close();
  await settle();
  expect(await (await linked.host()).ok('tools.list')).toEqual({ tools: [], count: 0 });
});

test('agent.chat › when the host has tools › then the agent reads them in context.tools, sorted, as they are then', async () => {
  const { linked, host } = await setUp();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', context: { tools: ['mine'], other: 1 } });
  expect(agent.lastChat().params.context).toMatchObject({ tools: [], other: 1 });
  await host.ok('tools.register', [tool('b', { description: 'B', parameters: { type: 'object' } }), tool('a')]);
  await (await linked.host()).ok('tools.register', [tool('c')]);
  await openChat(host, agent, { agent_id: 'echo', session_id: 'later' });
  expect(agent.lastChat().params.context.tools).toEqual([
    tool('a'),
    tool('b', { description: 'B', parameters: { type: 'object' } }),
  ]);
});

test.each([
  ['tools.register', undefined, ['']],
  ['tools.register', {}, ['']],
  ['tools.register', { tools: [] }, ['']],
  ['tools.register', [{}], ['0.name']],
  ['tools.register', [tool('a'), tool(''), { name: 1 }, null], ['1.name', '2.name', '3']],
  ['tools.register', [tool('a', { description: 1, parameters: [] })], ['0.description', '0.parameters']],
  ['tools.register', [tool('a', { parameters: 'x' })], ['0.parameters']],
  ['tools.register', [tool('x'.repeat(257))], ['0.name']],
  ['session.init', { tools: {} }, ['tools']],
  ['session.init', { tools: [tool('')] }, ['tools.0.name']],
  ['session.init', [1], ['']],
  ['tools.unregister', {}, ['name']],
  ['tools.unregister', { name: '' }, ['name']],
])(
  '%s › when the params are %j › then -32602 names every field that is wrong, and nothing is registered',
  async (method, params, paths) => {
    const { host, list } = await setUp();
    const { error } = await host.call(method, params);
    expect(error.code).toBe(-32602);
    expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual(paths);
    for (const issue of error.data.issues) expect(issue.message).toEqual(expect.stringMatching(/./));
    expect(await list()).toEqual({ tools: [], count: 0 });
  },
);
