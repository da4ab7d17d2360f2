import { afterEach, describe, expect, test } from 'vitest';
import { accepting, arrive, ask, attach, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

describe('whoever reads a turn that goes with its agent to another broker', () => {
  test.each(['a', 'b', 'c'])('hears that it is away, and that it is back, at %s', async (at) => {
    // Who they are is not what is tested here.
    cluster = await startCluster(['a', 'b', 'c'], { auth: false, limits: { agentWindowMs: 30_000 } });
    const [, b, c] = cluster.members as [Member, Member, Member];
    const agent = await attach(b);
    const where = cluster.members.find(({ name }) => name === at) as Member;
    const [host, observer] = [where.connect(), where.connect()];
    const asked = host.post('agents.chat', {
      agent_id: 'bot',
      prompt: 'hi',
      session_id: 's',
      resume_window_ms: 20_000,
    });
    const { session_id, turn_id } = await accepting(agent);
    const { resume_token } = host.replyTo(asked).result;
    const watched = await ask(observer, 'agents.chat.subscribe', { session_id: 's', role: 'observer', resume_token });
    expect(watched.error).toBeUndefined();
    agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
    await arrive();
    agent.cut();
    await arrive();
    const again = await attach(c);
    again.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 2 }] });
    await arrive();
    cluster.clock.increment(150);
    await arrive();
    again.emit(session_id, { kind: 'token', delta: 'two', turn_id, aseq: 2 });
    again.emit(session_id, { kind: 'done', text: 'onetwo', turn_id, aseq: 3 });
    await arrive();
    cluster.clock.increment(2_500);
    await arrive();
    for (const reader of [host, observer]) {
      const kinds = reader.events('s').map(({ kind }) => kind);
      expect(kinds).toEqual(['token', 'agent_away', 'agent_back', 'token', 'done']);
    }
    expect(host.events('s')[2]).toEqual({
      session_id: 's',
      turn_id,
      agent_id: 'bot',
      kind: 'agent_back',
      synthesized: true,
    });
  });
});
