import { expect, test } from 'vitest';
import { type LinkedClient, settle } from '../../support/linked.ts';
import { startComeback } from './comeback-scene.ts';

/* A tool call that an agent repeats while its turn has no host: it waits for one. */

const CALL = { session_id: 's', tool: 'clock', parameters: { zone: 'utc' }, action_id: 'a1' };
const WINDOW = { resume_window_ms: 30_000 };

async function startAway(limits: object = {}) {
  const scene = await startComeback({ limits }, WINDOW);
  const { host, linked, agent, turnId } = scene;
  const { resume_token } = host.frames.find(({ result }) => result?.turn_id === turnId).result;
  agent.post('tools.execute', CALL);
  await settle();
  host.cut();
  await settle();
  return {
    ...scene,
    /** The host is back on another connection, with these tools. */
    async hostBack(tools: object[] = [{ name: 'clock' }]): Promise<LinkedClient> {
      const next = await linked.host();
      await next.ok('tools.register', tools);
      await next.ok('agents.chat.subscribe', { session_id: 's', resume_token });
      await settle();
      return next;
    },
    /** The agent repeats its call. */
    again: async (client: LinkedClient, fields: object = {}) => {
      const id = client.post('tools.execute', { ...CALL, attempt: 2, ...fields });
      await settle();
      return id;
    },
  };
}

test('when its host has gone and the agent asks again › then the host is asked when it is back', async () => {
  const { agent, again, hostBack } = await startAway();
  expect(agent.frames.at(-1)).toMatchObject({ error: { code: -32018, data: { reason: 'host_disconnected' } } });
  const id = await again(agent);
  expect(agent.replyTo(id)).toBeUndefined();
  const host = await hostBack();
  const [request, ...others] = host.received('tools.execute');
  expect(others).toEqual([]);
  expect(request.params).toMatchObject({ action_id: 'a1', attempt: 2, parameters: { zone: 'utc' } });
  host.answer(request, { now: 1 });
  await settle();
  expect(agent.replyTo(id).result).toEqual({ now: 1 });
});

test('when both have gone and the agent is back first › then its call waits for the host', async () => {
  const { agent, again, cut, back, hostBack } = await startAway();
  await cut(agent);
  const { agent: next } = await back();
  const id = await again(next);
  const host = await hostBack();
  host.answer(host.received('tools.execute')[0], { now: 1 });
  await settle();
  expect(next.replyTo(id).result).toEqual({ now: 1 });
});

test('when the host that comes has no such tool › then it gets -32019', async () => {
  const { agent, again, hostBack } = await startAway();
  const id = await again(agent);
  await hostBack([]);
  expect(agent.replyTo(id).error.code).toBe(-32019);
});

test.each([
  ['the first attempt', { attempt: 1 }],
  ['one without an action_id', { action_id: '' }],
])('when it is %s › then it gets -32019 at once', async (_what, fields) => {
  const { agent, again } = await startAway();
  const id = await again(agent, fields);
  expect(agent.replyTo(id).error.code).toBe(-32019);
});

test('when nobody comes › then it ends with the turn', async () => {
  const { linked, agent, again } = await startAway();
  const id = await again(agent);
  await linked.advance(30_020);
  expect(agent.replyTo(id).error).toMatchObject({ code: -32018, data: { reason: 'turn_ended' } });
});

test('when the agent withdraws it › then nobody is asked', async () => {
  const { agent, again, hostBack } = await startAway();
  const id = await again(agent);
  agent.notify('tools.cancel', { id });
  await settle();
  expect(agent.replyTo(id).error).toMatchObject({ code: -32018, data: { reason: 'agent_withdrew' } });
  expect((await hostBack()).received('tools.execute')).toEqual([]);
});

test('when the agent is cut while it waits › then it is asked for by the next connection alone', async () => {
  const { agent, again, cut, back, hostBack } = await startAway();
  await again(agent);
  await cut(agent);
  const { agent: next } = await back();
  const id = await again(next, { attempt: 3 });
  const host = await hostBack();
  const requests = host.received('tools.execute');
  expect(requests.map(({ params }) => params.attempt)).toEqual([3]);
  host.answer(requests[0], { now: 1 });
  await settle();
  expect(next.replyTo(id).result).toEqual({ now: 1 });
});

test('when there are too many › then one more gets -32020', async () => {
  const { agent, again, hostBack } = await startAway({ maxPendingTools: 2 });
  await again(agent);
  await again(agent, { action_id: 'a2' });
  const id = await again(agent, { action_id: 'a3' });
  expect(agent.replyTo(id).error).toMatchObject({ code: -32020, data: { limit: { name: 'max_pending_tools' } } });
  const host = await hostBack();
  expect(host.received('tools.execute')).toHaveLength(2);
});

test('when what waits is too large › then it is refused, and what it took is free again afterwards', async () => {
  const { agent, again, hostBack } = await startAway({ maxHeldBytes: 3_000 });
  const parameters = { text: 'x'.repeat(2_000) };
  const first = await again(agent, { parameters });
  const second = await again(agent, { parameters, action_id: 'a2' });
  expect(agent.replyTo(second).error.code).toBe(-32020);
  agent.notify('tools.cancel', { id: first });
  await settle();
  const third = await again(agent, { parameters, action_id: 'a3' });
  const host = await hostBack();
  expect(host.received('tools.execute').map(({ params }) => params.action_id)).toEqual(['a3']);
  expect(agent.replyTo(third)).toBeUndefined();
});
