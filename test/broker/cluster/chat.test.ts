import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

/** A host at the first broker, and an agent at the second. */
async function apart(): Promise<{ host: LinkedClient; agent: LinkedClient; a: Member; b: Member }> {
  cluster = await startCluster(['a', 'b']);
  const [a, b] = cluster.members as [Member, Member];
  const agent = await b.agent('bot');
  await arrive();
  const host = await a.host();
  return { host, agent, a, b };
}

describe('a chat across two brokers', () => {
  test('is answered, and its events come in order', async () => {
    const { host, agent } = await apart();
    const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const asked = await accepting(agent);
    expect(host.replyTo(id).result).toMatchObject({ accepted: true, session_id: 's', turn_id: asked.turn_id });
    for (const delta of ['one ', 'two ', 'three']) agent.emit(asked.session_id, { kind: 'token', delta });
    agent.emit(asked.session_id, { kind: 'status', text: 'nearly' });
    agent.emit(asked.session_id, { kind: 'done', text: 'one two three' });
    await arrive();
    expect(host.events('s').map(({ kind, seq, delta }) => [kind, seq, delta])).toEqual([
      ['token', 1, 'one '],
      ['token', 2, 'two '],
      ['token', 3, 'three'],
      ['status', 4, undefined],
      ['done', 5, undefined],
    ]);
  });

  test('whose agent refuses it is answered with that', async () => {
    const { host, agent } = await apart();
    const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi' });
    await arrive();
    agent.send({ jsonrpc: '2.0', id: agent.lastChat().id, error: { code: -1, message: 'no', data: { n: 7 } } });
    await arrive();
    expect(host.replyTo(id).error).toMatchObject({ code: -32012, data: { agent_error: { code: -1, message: 'no' } } });
  });

  test('is cancelled from where its host is', async () => {
    const { host, agent } = await apart();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await accepting(agent);
    const id = host.post('agents.chat.cancel', { session_id: 's', grace_ms: 0 });
    await arrive();
    expect(host.replyTo(id).result).toEqual({ cancelled: true, session_id: 's' });
    expect(agent.received('agent.chat.cancel').at(-1).params.reason).toBe('host_cancelled');
    expect(host.events('s').at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
  });

  test('ends for its agent when its host goes', async () => {
    const { host, agent } = await apart();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await accepting(agent);
    host.cut();
    await arrive();
    expect(agent.received('agent.chat.cancel').at(-1).params.reason).toBe('host_disconnected');
  });

  test('ends for its host when its agent goes', async () => {
    const { host, agent } = await apart();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await accepting(agent);
    agent.cut();
    await arrive();
    expect(host.events('s').at(-1)).toMatchObject({ kind: 'error', code: 'agent_disconnected' });
  });

  test('uses the tools of its host, with progress', async () => {
    const { host, agent } = await apart();
    await host.ok('tools.register', [{ name: 'look', description: '', parameters: {} }]);
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const id = agent.post('tools.execute', { session_id, tool: 'look', parameters: { at: 'it' } });
    await arrive();
    const call = host.received('tools.execute').at(-1);
    expect(call.params).toMatchObject({ tool: 'look', parameters: { at: 'it' }, session_id: 's' });
    host.notify('tools.progress', { request_id: call.params.request_id, message: 'half', progress: 0.5 });
    await arrive();
    expect(agent.received('tools.progress').at(-1).params).toMatchObject({ request_id: id, message: 'half' });
    host.answer(call, { seen: true });
    await arrive();
    expect(agent.replyTo(id).result).toEqual({ seen: true });
  });
});
