import { expect, test } from 'vitest';
import { AGENTS } from '../../../actors/connection/agent-registry.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { linkedPair } from '../../../transport/linked-pair.ts';
import { HeldLink } from '../../support/held-link.ts';
import { startInternals } from '../../support/internals.ts';
import { LinkedClient, settle } from '../../support/linked.ts';
import { answersTo } from '../../support/tool-scene.ts';

/* Who causes bytes pays for them, before their reader is cut off for it. */

const LIMITS = { softLimitBytes: 1_000, hardLimitBytes: 8_000, maxMessageBytes: 20_000 };
const BEHIND = {
  code: ErrorCode.LimitExceeded,
  data: { limit: { name: 'reader_backlog_bytes' }, retry_after_ms: 1_000 },
};

/** An agent and a host, whose connections say that so much waits for them. */
async function scene() {
  const internals = startInternals({ limits: LIMITS });
  const client = async (params: object) => {
    const [near, far] = linkedPair();
    const link = new HeldLink(far);
    internals.open(link);
    const linked = new LinkedClient(near);
    await linked.ok('session.auth', params);
    return { link, client: linked };
  };
  const host = await client({ token: internals.tokens.daemon });
  const { token = '' } = internals.state.get(AGENTS).upsert({ id: 'echo' });
  const agent = await client({ agent_id: 'echo', token });
  return { host, agent };
}

test('agents.chat › when its agent is behind › then who asks gets -32020, and the agent neither the chat nor a close', async () => {
  const { host, agent } = await scene();
  agent.link.other = 5_000;
  const id = host.client.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'x'.repeat(4_000) });
  await settle();
  expect(answersTo(host.client, id)).toMatchObject([{ error: BEHIND }]);
  expect(agent.client.received('agent.chat')).toEqual([]);
  expect((await host.client.ok('agents.chat.sessions')).sessions).toEqual([]);
  agent.link.other = 0;
  host.client.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'x'.repeat(4_000) });
  await settle();
  expect(agent.client.received('agent.chat')).toHaveLength(1);
});

test('agents.chat › when it is larger than all that may wait › then an agent that has read everything gets it', async () => {
  const { host, agent } = await scene();
  host.client.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'x'.repeat(15_000) });
  await settle();
  expect(agent.client.received('agent.chat')).toHaveLength(1);
});

test('agents.chat › when what the broker adds makes it larger than a message may be › then it is refused', async () => {
  const { host, agent } = await scene();
  await host.client.ok('tools.register', [{ name: 'lamp', description: 'd'.repeat(4_000) }]);
  const id = host.client.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'x'.repeat(17_000) });
  await settle();
  expect(answersTo(host.client, id)).toMatchObject([
    { error: { code: ErrorCode.LimitExceeded, data: { limit: { name: 'max_message_bytes' } } } },
  ]);
  expect(agent.client.received('agent.chat')).toEqual([]);
});

test('tools.execute › when its host is behind › then the agent gets -32020, and the host neither the call nor a close', async () => {
  const { host, agent } = await scene();
  await host.client.ok('tools.register', [{ name: 'lamp' }]);
  host.client.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'hi' });
  await settle();
  agent.client.answer(agent.client.lastChat(), { accepted: true });
  await settle();
  host.link.other = 5_000;
  const parameters = { text: 'x'.repeat(4_000) };
  const id = agent.client.post('tools.execute', { session_id: 's', tool: 'lamp', parameters });
  await settle();
  expect(answersTo(agent.client, id)).toMatchObject([{ error: BEHIND }]);
  expect(host.client.received('tools.execute')).toEqual([]);
  expect((await host.client.ok('agents.chat.sessions')).sessions).toMatchObject([{ status: 'streaming' }]);
});
