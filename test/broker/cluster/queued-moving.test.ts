import { afterEach, describe, expect, test } from 'vitest';
import { accepting, arrive, attach, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

describe('chats that wait behind a turn which moves with its agent', () => {
  test.each(['a', 'b', 'c'])('are carried out where that is now, in order; their host is at %s', async (at) => {
    // Who they are is not what is tested here.
    cluster = await startCluster(['a', 'b', 'c'], { auth: false, limits: { agentWindowMs: 30_000 } });
    const [, b, c] = cluster.members as [Member, Member, Member];
    const agent = await attach(b);
    const host = (cluster.members.find(({ name }) => name === at) as Member).connect();
    const chat = (prompt: string, more = {}) =>
      host.post('agents.chat', { agent_id: 'bot', prompt, session_id: 's', resume_window_ms: 20_000, ...more });
    chat('first');
    const { session_id, turn_id } = await accepting(agent);
    const [second, third] = [chat('second', { on_busy: 'queue' }), chat('third', { on_busy: 'queue' })];
    await arrive();
    agent.cut();
    await arrive();
    const again = await attach(c);
    again.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 1 }] });
    await arrive();
    cluster.clock.increment(150);
    await arrive();
    expect([host.replyTo(second), host.replyTo(third)]).toEqual([undefined, undefined]);
    for (const [id, prompt] of [
      [second, 'second'],
      [third, 'third'],
    ] as const) {
      again.emit(session_id, { kind: 'done', text: '', aseq: 1 });
      await arrive();
      cluster.clock.increment(100);
      await arrive();
      await accepting(again);
      expect(again.lastChat().params.prompt).toBe(prompt);
      expect(host.replyTo(id).result).toMatchObject({ accepted: true, session_id: 's' });
    }
  });
});
