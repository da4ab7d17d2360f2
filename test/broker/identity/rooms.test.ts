import { beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { openChat, settle } from '../../support/linked.ts';
import {
  components,
  create,
  data,
  idsOf,
  loadSurfaceSchemas,
  modelOf,
  remove,
  surfaceEvents,
  text,
} from '../../support/surfaces.ts';
import { start } from './people.ts';

/* Whose surfaces are whose. */

beforeAll(loadSurfaceSchemas);

const main = { agent_id: 'echo', session_id: 'main' };

test('surfaces › when two principals choose one id › then each has its own', async () => {
  const { join, host } = start();
  const [alice, bob, local] = [await join('alice'), await join('bob'), await host()];
  for (const client of [alice, bob, local]) await client.ok('a2ui/subscribe');
  await alice.ok('a2ui.apply', create('form'));
  await alice.ok('a2ui.apply', data('form', '/who', 'alice'));
  await bob.ok('a2ui.apply', create('form'));
  await bob.ok('a2ui.apply', data('form', '/who', 'bob'));
  expect(await modelOf(alice, 'form')).toEqual({ who: 'alice' });
  expect(await modelOf(bob, 'form')).toEqual({ who: 'bob' });
  expect(await local.ok('a2ui.get', { surfaceId: 'form' })).toBeNull();
  await bob.ok('a2ui.apply', remove('form'));
  expect(await idsOf(alice)).toEqual(['form']);
  await settle();
  expect(surfaceEvents(alice).every(({ kind }) => kind === 'a2ui.surface_updated')).toBe(true);
  expect(surfaceEvents(local)).toEqual([]);
});

test('surfaces › when they are the daemon token’s or an agent’s of the default tenant › then both have them in one room', async () => {
  const { agent, host } = start();
  const [echo, one, other] = [await agent('echo'), await host(), await host()];
  await echo.ok('a2ui.apply', create('form'));
  expect(await idsOf(one)).toEqual(['form']);
  await one.ok('a2ui.apply', create('mine'));
  expect(await idsOf(other)).toEqual(['form', 'mine']);
  expect(await idsOf(echo)).toEqual(['form', 'mine']);
});

test('surfaces › when somebody has as many as they may, and comes by another connection › then one that goes makes room for one that comes', async () => {
  const { join } = start({ limits: { maxSurfaces: 2 } });
  const [one, boss] = [await join('alice@acme'), await join('boss@acme+host')];
  for (const id of ['a', 'b']) await one.ok('a2ui.apply', create(id));
  const marked = (await idsOf(boss)).find((id) => id.startsWith('a:')) ?? '';
  const other = await join('alice@acme');
  await other.ok('a2ui.ingest', { payload: [{ data: remove(marked) }, { data: create('c') }] });
  expect(await idsOf(one)).toEqual(['b', 'c']);
});

test('an agent of another tenant › when it makes a surface for nobody in particular › then it is its own, and its management’s to see', async () => {
  const { join } = start();
  const [bot, alice, boss] = [await join('@acme', 'bot'), await join('alice@acme'), await join('boss@acme+host')];
  await bot.ok('a2ui.apply', create('form'));
  expect(await idsOf(bot)).toEqual(['form']);
  expect(await idsOf(alice)).toEqual([]);
  const [id] = await idsOf(boss);
  expect(id).toMatch(/^form:[a-z2-7]{13}$/);
  await boss.ok('a2ui.apply', remove(id ?? ''));
  expect(await idsOf(bot)).toEqual([]);
});

test('an agent › when it names the turn that it answers › then its surface is for whoever asked there, and it hears what they do', async () => {
  const { agent, join, host } = start();
  const [echo, other] = [await agent('echo'), await agent('other')];
  const [alice, local] = [await join('alice'), await host()];
  for (const client of [alice, echo, other, local]) await client.ok('a2ui/subscribe');
  await local.ok('a2ui.apply', create('form'));
  await openChat(alice, echo, main);
  const { session_id } = echo.lastChat().params;
  const shown = await echo.ok('a2ui.apply', { envelope: create('form'), session_id });
  expect(shown).toMatchObject({ surfaceId: expect.stringMatching(/^form:[a-z2-7]{13}$/), deleted: false });
  await echo.ok('a2ui.apply', { ...components('form', text('root', 'hello')), session_id });
  // Later, by the name that it was told, whether that turn still runs or not.
  await alice.ok('agents.chat.cancel', { session_id: 'main' });
  await echo.ok('a2ui.apply', data(shown.surfaceId, '/a', 1));
  expect(await alice.ok('a2ui.get', { surfaceId: 'form' })).toMatchObject({
    surfaceId: 'form',
    agentId: 'echo',
    dataModel: { a: 1 },
  });
  const action = { name: 'press', surfaceId: 'form', sourceComponentId: 'root', context: {} };
  expect((await alice.ok('a2ui.action', action)).event.surfaceId).toBe('form');
  await settle();
  expect(surfaceEvents(alice).at(-1).result.event.surfaceId).toBe('form');
  expect(surfaceEvents(echo).at(-1).result.event).toMatchObject({ name: 'press', surfaceId: shown.surfaceId });
  // Nobody else heard of more than the local person's own.
  for (const client of [other, local]) expect(surfaceEvents(client)).toHaveLength(1);
  expect(await modelOf(local, 'form')).toEqual({});
  // It is the agent's: she acts on it, and does not change it.
  expect((await alice.call('a2ui.apply', remove('form'))).error?.code).toBe(ErrorCode.Forbidden);
});

test('an agent › when it names a session that it does not answer › then -32014, and -32602 what is none', async () => {
  const { agent, join } = start();
  const [echo, other] = [await agent('echo'), await agent('other')];
  const alice = await join('alice');
  await openChat(alice, echo, main);
  const { session_id } = echo.lastChat().params;
  const code = async (client: typeof echo, session: unknown) => [
    (await client.call('a2ui.apply', { ...create('form'), session_id: session })).error?.code,
    (await client.call('a2ui.ingest', { payload: create('form'), session_id: session })).error?.code,
  ];
  expect(await code(other, session_id)).toEqual([ErrorCode.NotFound, ErrorCode.NotFound]);
  expect(await code(alice, 'main')).toEqual([ErrorCode.NotFound, ErrorCode.NotFound]);
  expect(await code(echo, 'elsewhere')).toEqual([ErrorCode.NotFound, ErrorCode.NotFound]);
  expect(await code(echo, 7)).toEqual([ErrorCode.InvalidParams, ErrorCode.InvalidParams]);
  expect(await code(echo, null)).toEqual([undefined, undefined]);
});

test('surfaces › when somebody has as many as there may be › then others have theirs, until all together have', async () => {
  const { join } = start({ limits: { maxSurfaces: 2, maxAllSurfaces: 3 } });
  const [alice, bob] = [await join('alice'), await join('bob')];
  for (const id of ['a', 'b']) await alice.ok('a2ui.apply', create(id));
  const limit = async (client: typeof alice) => (await client.call('a2ui.apply', create('c'))).error?.data.limit;
  expect(await limit(alice)).toEqual({ name: 'max_surfaces', value: 2 });
  await bob.ok('a2ui.apply', create('a'));
  expect(await limit(bob)).toEqual({ name: 'max_all_surfaces', value: 3 });
  await alice.ok('a2ui.apply', remove('a'));
  expect(await limit(bob)).toBeUndefined();
});

test('a2ui.reap › when somebody asks for it › then only their own idle surfaces go', async () => {
  const { join, advance } = start({ limits: { surfaceIdleMs: 1_000 } });
  const [alice, bob] = [await join('alice'), await join('bob')];
  for (const client of [alice, bob]) await client.ok('a2ui.apply', create('form'));
  // Before the sweep, which takes everybody’s.
  await advance(1_500);
  expect(await bob.ok('a2ui.reap')).toEqual({ removed: ['form'] });
  expect(await idsOf(alice)).toEqual(['form']);
});

test('an agent that is removed › when others of its id are in other tenants › then they keep their surfaces', async () => {
  const { join } = start();
  const [acme, beta] = [await join('@acme', 'bot'), await join('@beta', 'bot')];
  for (const client of [acme, beta]) await client.ok('a2ui.apply', create('form'));
  const boss = await join('boss@acme+host');
  await boss.ok('agents.remove', { id: 'bot' });
  await settle();
  expect(acme.closed).toBe(4403);
  expect(await idsOf(boss)).toEqual([]);
  expect(await idsOf(beta)).toEqual(['form']);
});
