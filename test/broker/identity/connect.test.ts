import { expect, test } from 'vitest';
import { type AuthIdentity, createBroker } from '../../../broker.ts';
import { connectHost } from '../../../client/node.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';

test('broker.connect › when it says who that is › then nothing has to be proved, and the agent hears it', async () => {
  const linked = startLinked();
  const echo = await linked.agent('echo');
  const alice = new LinkedClient(linked.broker.connect({ principal: { sub: 'alice', name: 'Alice' } }));
  await openChat(alice, echo, { agent_id: 'echo', session_id: 'main' });
  expect(echo.lastChat().params.context.principal).toEqual({ sub: 'alice', tenant: 'default', name: 'Alice' });
  expect(await alice.ok('session.auth', {})).toEqual({
    ok: true,
    auth_enabled: true,
    sub: 'alice',
    tenant: 'default',
  });
});

test('broker.connect › when it says who that is › then no token makes it anybody else', async () => {
  const { broker } = startLinked();
  const alice = new LinkedClient(broker.connect({ principal: { sub: 'alice' } }));
  for (const secret of [{ token: broker.tokens.daemon }, { host_token: broker.tokens.host }])
    expect((await alice.call('session.auth', secret)).error?.code).toBe(ErrorCode.InvalidRequest);
  expect((await alice.call('agents.upsert', { id: 'x' })).error?.code).toBe(ErrorCode.MethodNotFound);
});

test('broker.connect › when that is an agent › then it is attached at once', async () => {
  const linked = startLinked();
  const echo = new LinkedClient(linked.broker.connect({ principal: { agentId: 'echo' } }));
  await settle();
  await openChat(await linked.host(), echo, { agent_id: 'echo', session_id: 's' });
  expect(echo.lastChat().params.session_id).toBe('s');
});

test('broker.connect › when the SDK uses it › then a host needs no token', async () => {
  const broker = createBroker();
  const host = await connectHost({ link: broker.connect({ principal: { sub: 'alice', role: 'host' } }) });
  expect(await host.agents.list()).toEqual([]);
  await host.close();
  await broker.close();
});

test.each([
  [{ sub: '' }, /sub is/],
  [{ tenant: 'a b', sub: 'x' }, /tenant is/],
  [{ sub: 'local' }, /sub is not local/],
  [{ sub: 'local', role: 'host' }, /sub is not local/],
  [{ sub: 'local', agentId: 'echo' }, /sub is not local/],
  [{ sub: 'agent:echo' }, /sub is not local/],
  [{ sub: 'agent:echo', agentId: 'other' }, /sub is not local/],
  [{ tenant: 'acme' }, /a tenant goes with a sub/],
  [{ sub: 'x', scopes: ['all'] }, /scopes are of chat, observe, host/],
  [{ sub: 'x', scopes: ['host'] }, /scope host goes with role host/],
  [{ sub: 'x', user: 'y' }, /there is no option user/],
  [{ sub: 'x', mayUse: ['echo'] }, /mayUse is a function/],
])('broker.connect › when it is given %j › then a TypeError says what is wrong', (principal, message) => {
  const { broker } = startLinked();
  expect(() => broker.connect({ principal: principal as AuthIdentity })).toThrow(message);
});
