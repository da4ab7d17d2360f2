import { expect, test } from 'vitest';
import type { AuthIdentity } from '../../../broker.ts';
import { startLinked } from '../../support/linked.ts';
import { REFUSED } from './keys.ts';

/* Whoever proves it by a token of the daemon's or of an agent's is that person: no word of an embedder's function is. */

test.each<[identity: AuthIdentity, agentId?: string]>([
  [{ sub: 'local' }],
  [{ sub: 'local', role: 'host' }],
  [{ sub: 'local', agentId: 'echo' }, 'echo'],
  [{ sub: 'agent:echo' }],
  [{ sub: 'agent:other', agentId: 'echo' }, 'echo'],
])('auth › when it gives %j › then nobody is that, and the log says why', async (identity, agentId) => {
  const said: string[] = [];
  const error = (fields: object) => void said.push(JSON.stringify(fields));
  const linked = startLinked({ auth: () => identity, log: { debug() {}, info() {}, warn() {}, error } });
  const asked = { token: 'their own', ...(agentId === undefined ? {} : { agent_id: agentId }) };
  expect((await linked.connect().call('session.auth', asked)).error).toEqual(REFUSED);
  expect(said.join()).toContain('sub is not local');
});

test('auth › when it gives an agent its own sub, or nobody one › then that is who it is', async () => {
  const linked = startLinked({ auth: ({ agentId }) => (agentId ? { agentId, sub: `agent:${agentId}` } : {}) });
  await linked.connect().ok('session.auth', { token: 'their own', agent_id: 'echo' });
  expect(await linked.connect().ok('session.auth', { token: 'their own' })).toEqual({ ok: true, auth_enabled: true });
});
