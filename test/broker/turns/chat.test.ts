import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';

test('agents.chat › when the agent accepts and streams › the host hears every event, stamped, and one terminal', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const { session_id, turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit('s', { kind: 'token', delta: 'a', seq: 99, synthesized: true });
  agent.emit('s', { kind: 'mood', extra: { deep: [1] } });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  agent.emit('s', { kind: 'token', delta: 'late' });
  await settle();
  const stamp = { session_id, turn_id, agent_id: 'echo' };
  expect(host.events()).toEqual([
    { ...stamp, kind: 'token', delta: 'a', seq: 1 },
    { ...stamp, kind: 'mood', extra: { deep: [1] }, seq: 2 },
    { ...stamp, kind: 'done', finish_reason: 'stop', seq: 3 },
  ]);
  expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
});
