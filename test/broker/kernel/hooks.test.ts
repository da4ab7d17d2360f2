import { expect, test } from 'vitest';
import { MEETINGS } from '../../../actors/meetings/meetings.ts';
import { SURFACES } from '../../../actors/surfaces/surfaces.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { poison, startInternals } from '../../support/internals.ts';
import { settle } from '../../support/linked.ts';

/* What families want to hear of: one that breaks takes neither the root nor the next one down (law 11). */

test('a family › when it breaks as a connection ends › then the others still hear of it, and everybody else goes on', async () => {
  const internals = startInternals();
  const [host, other] = [await internals.host(), await internals.host()];
  await other.ok('host.register_agent', { id: 'lamp', name: 'lamp', kind: 'tool' });
  poison(internals.state.get(SURFACES), 'unsubscribe');
  other.close();
  await settle();
  expect(internals.root.getSnapshot().status).toBe('active');
  // The registry comes after surfaces in the list.
  expect(await host.ok('host.agents')).toEqual([]);
  expect(await host.ok('tools.list')).toEqual({ tools: [], count: 0 });
});

test('an agent › when its facts cannot be forgotten › then it is not removed, and has lost nothing else', async () => {
  const memory = {
    addFact: async () => 1,
    query: async () => [],
    delete: async () => false,
    factCount: async () => 0,
    forget: () => {
      throw new Error('the disk is full');
    },
  };
  const internals = startInternals({ memory });
  const [manager, agent] = [await internals.manager(), await internals.agent('echo')];
  await agent.ok('host.register_agent', { id: 'echo', name: 'echo', kind: 'assistant' });
  internals.state.get(MEETINGS).add({
    id: 'kept',
    head: { id: 'kept', title: null, status: 'ended', started_at: 1, ended_at: 2, agent_id: 'echo', bytes: 0 },
    client: internals.attached('echo'),
    actorId: 'meeting-kept',
  } as never);
  expect((await manager.call('agents.remove', { id: 'echo' })).error.code).toBe(ErrorCode.InternalError);
  expect((await manager.ok('agents.list'))[0]).toMatchObject({ spec: { id: 'echo' }, attached: true });
  expect(internals.state.get(MEETINGS).head('kept')).toBeDefined();
});
