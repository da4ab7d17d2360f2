import { expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { openChat, settle } from '../../support/linked.ts';
import { start } from './people.ts';

const main = { agent_id: 'echo', session_id: 'main' };

test('two principals › when both call their session main › then they are two, and an agent reads two names', async () => {
  const { agent, join } = start();
  const echo = await agent('echo');
  const [alice, bob] = [await join('alice'), await join('bob')];
  await openChat(alice, echo, main);
  const hers = echo.lastChat().params;
  await openChat(bob, echo, main);
  const his = echo.lastChat().params;
  expect(hers.session_id).toMatch(/^main:[a-z2-7]{13}$/);
  expect(his.session_id).toMatch(/^main:[a-z2-7]{13}$/);
  expect(his.session_id).not.toBe(hers.session_id);
  expect(hers.context.principal).toEqual({ sub: 'alice', tenant: 'default', name: 'ALICE' });
  echo.emit(hers.session_id, { kind: 'token', delta: 'for her' });
  echo.emit(hers.session_id, { kind: 'todos', items: [] });
  echo.emit(his.session_id, { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(alice.events()).toMatchObject([
    { session_id: 'main', kind: 'token', delta: 'for her' },
    { session_id: 'main', kind: 'todos' },
  ]);
  expect(bob.events()).toMatchObject([{ session_id: 'main', kind: 'done' }]);
});

test('the daemon token › when it opens a chat › then its agent reads the very id', async () => {
  const { agent, host } = start();
  const echo = await agent('echo');
  await openChat(await host(), echo, main);
  expect(echo.lastChat().params.session_id).toBe('main');
  expect(echo.lastChat().params.context.principal).toEqual({ sub: 'local', tenant: 'default' });
});

test('a principal › when a host writes another into the context › then the broker’s word stands', async () => {
  const { agent, join } = start();
  const echo = await agent('echo');
  await openChat(await join('alice'), echo, { ...main, context: { principal: { sub: 'bob', tenant: 'x' } } });
  expect(echo.lastChat().params.context.principal).toMatchObject({ sub: 'alice', tenant: 'default' });
});

test('a stranger’s session › when somebody knows its names › then it is not found, whatever is tried', async () => {
  const { agent, join, host } = start();
  const echo = await agent('echo');
  const alice = await join('alice');
  const opened = await openChat(alice, echo, { ...main, resume_window_ms: 60_000 });
  const { session_id: agents } = echo.lastChat().params;
  const { resume_token } = opened;
  for (const stranger of [await join('bob'), await join('alice@acme'), await host()]) {
    for (const session_id of ['main', agents]) {
      const code = async (method: string, more: object = {}) =>
        (await stranger.call(method, { session_id, ...more })).error?.code;
      expect(await code('agents.chat.cancel')).toBe(ErrorCode.NotFound);
      expect(await code('agents.chat.approve', { approval_id: 'a' })).toBe(ErrorCode.NotFound);
      expect(await code('agents.chat.subscribe')).toBe(ErrorCode.NotFound);
      expect(await code('agents.chat.subscribe', { resume_token })).toBe(ErrorCode.NotFound);
      expect(await code('agents.chat.subscribe', { role: 'observer', resume_token })).toBe(ErrorCode.NotFound);
    }
    expect(await stranger.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  }
  // Her own other window comes back by the token, as ever.
  expect(await (await join('alice')).ok('agents.chat.subscribe', { session_id: 'main', resume_token })).toMatchObject({
    session_id: 'main',
    status: 'streaming',
  });
});

test('a marked id › when the daemon token chooses what another’s session is called › then it is a session of its own', async () => {
  const { agent, join, host } = start();
  const echo = await agent('echo');
  const alice = await join('alice');
  await openChat(alice, echo, main);
  const marked: string = echo.lastChat().params.session_id;
  const local = await host();
  await openChat(local, echo, { agent_id: 'echo', session_id: marked });
  expect(echo.lastChat().params.session_id).not.toBe(marked);
  echo.emit(marked, { kind: 'token', delta: 'hers' });
  await settle();
  expect(local.events()).toEqual([]);
  expect(alice.events()).toHaveLength(1);
});

test('a long id › when it and the mark are over 128 characters › then its agent reads 128 at most, and one for each id', async () => {
  const { agent, join } = start();
  const echo = await agent('echo');
  const alice = await join('alice');
  const seen = new Set<string>();
  for (const last of ['a', 'b']) {
    await openChat(alice, echo, { agent_id: 'echo', session_id: 'x'.repeat(127) + last });
    seen.add(echo.lastChat().params.session_id);
  }
  expect(seen.size).toBe(2);
  for (const id of seen) expect(id).toMatch(/^[A-Za-z0-9._:-]{115,128}$/);
});

test('an agent of another tenant › when it is asked for › then it is not there', async () => {
  const { agent, join } = start();
  await agent('echo');
  const acme = await join('alice@acme');
  expect((await acme.call('agents.chat', { ...main, prompt: 'hi' })).error?.code).toBe(ErrorCode.AgentNotAttached);
  const theirs = await join('@acme', 'echo');
  await openChat(acme, theirs, main);
  theirs.emit(theirs.lastChat().params.session_id, { kind: 'token', delta: 'acme' });
  await settle();
  expect(acme.events()).toMatchObject([{ session_id: 'main', agent_id: 'echo', delta: 'acme' }]);
});

test('mayUse › when it says no › then that agent is not there', async () => {
  const { agent, join } = start();
  await agent('echo');
  await agent('secret');
  const narrow = await join('narrow');
  const code = async (agent_id: string) =>
    (await narrow.call('agents.chat', { agent_id, prompt: 'hi', session_id: agent_id })).error?.code;
  expect(await code('secret')).toBe(ErrorCode.AgentNotAttached);
});

test('observe › when somebody else’s turn runs › then it is listed, and watched by its agent’s name for it', async () => {
  const { agent, join } = start();
  const echo = await agent('echo');
  const alice = await join('alice');
  await openChat(alice, echo, { ...main, resume_window_ms: 60_000 });
  const watcher = await join('eve+observe');
  const { sessions } = await watcher.ok('agents.chat.sessions');
  expect(sessions).toMatchObject([{ session_id: echo.lastChat().params.session_id, status: 'streaming' }]);
  const [{ session_id }] = sessions;
  await watcher.ok('agents.chat.subscribe', { session_id, role: 'observer' });
  echo.emit(session_id, { kind: 'token', delta: 'a' });
  await settle();
  expect(watcher.events()).toMatchObject([{ kind: 'token', delta: 'a' }]);
  expect((await watcher.call('agents.chat.cancel', { session_id })).error?.code).toBe(ErrorCode.Forbidden);
  expect((await watcher.call('agents.chat.subscribe', { session_id })).error?.code).toBe(ErrorCode.Forbidden);
});
