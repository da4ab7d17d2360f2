import { expect, it } from 'vitest';
import { startLinked } from '../../support/linked.ts';
import { http, startListening, upgradeHeaders } from '../../transport/socket-client.ts';
import { keptTrail } from './kept-trail.ts';

it('keys › when they are made, replaced, used and removed › then the audit says which, and never their secret', async () => {
  const kept = keptTrail();
  const { manager, connect, broker } = startLinked({ audit: kept.trail });
  const chief = await manager();
  kept.news();
  const wish = { name: 'alice', tenant: 'acme', agents: ['a', 'b'], fronts: ['ws'], expires_in_ms: 60_000 };
  const made = await chief.ok('keys.add', wish);
  expect(kept.last('keys.add')).toMatchObject({
    who: 'local',
    on: 'acme/alice',
    outcome: 'ok',
    data: { sub: 'alice', scopes: 'chat', agents: 'a,b', fronts: 'ws', expires_at: '1970-01-01T00:01:00.000Z' },
  });
  const rotated = await chief.ok('keys.rotate', { name: 'alice', tenant: 'acme', keep_ms: 5_000 });
  expect(kept.last('keys.rotate')).toMatchObject({ on: 'acme/alice', data: { keep_ms: 5_000 } });
  await connect().ok('session.auth', { token: rotated.token });
  expect(kept.last('session.auth')).toMatchObject({ tenant: 'acme', who: 'alice', data: { key: 'acme/alice' } });
  await connect().call('session.auth', { token: `${made.token}x` });
  expect(kept.last('session.auth')).toMatchObject({ outcome: 'refused' });
  await chief.ok('keys.remove', { name: 'alice', tenant: 'acme' });
  await broker.keys.add({ name: 'bob' });
  expect(kept.last('keys.add')).toMatchObject({ tenant: 'default', who: 'program', on: 'default/bob' });
  const all = JSON.stringify(kept.entries);
  for (const { token } of [made, rotated]) expect(all).not.toContain(token.slice(4, 20));
  expect(kept.last('keys.remove')).toMatchObject({ on: 'acme/alice', data: { removed: true } });
});

it('keys › when the audit is required and cannot be written › then nobody makes, replaces or removes one', async () => {
  const kept = keptTrail();
  const { manager, broker } = startLinked({ audit: kept.trail, auditRequired: true });
  const chief = await manager();
  await chief.ok('keys.add', { name: 'alice' });
  kept.fail();
  for (const method of ['keys.add', 'keys.rotate', 'keys.remove'])
    expect((await chief.call(method, { name: 'alice' })).error).toMatchObject({ message: 'internal error' });
  await expect(broker.keys.remove({ name: 'alice' })).rejects.toThrow('internal error');
  expect(await chief.ok('keys.list')).toHaveLength(1);
});

it('a token in a header › when it is refused, or taken › then the audit says from where', async () => {
  const kept = keptTrail();
  const { broker, port } = await startListening({ audit: kept.trail });
  const { token } = await broker.keys.add({ name: 'alice' });
  const tries = (secret: string) => http(port, '/', { headers: upgradeHeaders({ Authorization: `Bearer ${secret}` }) });
  expect((await tries('wrong')).status).toBe(401);
  expect(kept.last('session.auth')).toMatchObject({ outcome: 'refused', ip: '127.0.0.1' });
  expect((await tries(token)).status).toBe(101);
  expect(kept.last('session.auth')).toMatchObject({ outcome: 'ok', who: 'alice', data: { key: 'default/alice' } });
  expect(kept.last('session.auth')?.data?.vouched_for).toBeUndefined();
});
