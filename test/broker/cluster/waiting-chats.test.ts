import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, attach, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let host: LinkedClient;
let asked: number;
let elsewhere: Member;

/** A chat waits at the first broker for an agent that has just gone from there, and that comes to the second one. */
describe.each([
  ['whose session its host has named', { session_id: 's' }],
  ['without a session', {}],
])('a chat %s that waits for its agent, when that agent comes to another broker', (_what, named) => {
  let again: LinkedClient;

  beforeEach(async () => {
    // Who they are is not what is tested here.
    cluster = await startCluster(['a', 'b'], { auth: false });
    const [here, there] = cluster.members as [Member, Member];
    elsewhere = there;
    const agent = await attach(here);
    host = here.connect();
    agent.cut();
    await arrive();
    asked = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', resume_window_ms: 20_000, ...named });
    await arrive();
    expect(host.replyTo(asked)).toBeUndefined();
    again = await attach(there);
    await arrive();
  });

  afterEach(() => cluster.end());

  test('is carried out there', async () => {
    const { turn_id } = await accepting(again);
    expect(host.replyTo(asked).result).toMatchObject({ accepted: true, turn_id });
  });

  test('is refused as its agent refuses it', async () => {
    const { id } = again.lastChat();
    again.send({ jsonrpc: '2.0', id, error: { code: -32050, message: 'not today', data: { until: 'noon' } } });
    await arrive();
    expect(host.replyTo(asked).error).toEqual({
      code: -32_012,
      message: 'agent rejected the request',
      data: { agent_error: { code: -32_050, message: 'not today', data: { until: 'noon' } } },
    });
  });

  test('is refused where that broker is lost before its agent has answered', async () => {
    elsewhere.kill();
    await cluster.pass(15);
    expect(host.replyTo(asked).error).toMatchObject({ code: -32_011, data: { reason: 'peer_lost', broker: 'b' } });
  });
});

describe('a chat that two connections have asked for, by a token of their own, and that waits for its agent', () => {
  const CHAT = {
    agent_id: 'bot',
    prompt: 'hi',
    session_id: 's',
    resume_window_ms: 20_000,
    resume_token: 'r'.repeat(43),
  };

  async function waiting(...names: string[]) {
    cluster = await startCluster(names, { auth: false, limits: { agentWindowMs: 30_000 } });
    const [here, there] = cluster.members as [Member, Member];
    const agent = await attach(here);
    const [one, two] = [here.connect(), here.connect()];
    agent.cut();
    await arrive();
    const first = one.post('agents.chat', CHAT);
    await arrive();
    const second = two.post('agents.chat', CHAT);
    await arrive();
    return { here, there, one, two, first, second };
  }

  afterEach(() => cluster.end());

  test('is both’s where the agent comes to another broker', async () => {
    const { there, one, two, first, second } = await waiting('a', 'b');
    const { turn_id } = await accepting(await attach(there));
    expect(one.replyTo(first).result).toMatchObject({ accepted: true, turn_id });
    expect(two.replyTo(second).result).toMatchObject({ accepted: true, turn_id });
  });

  test('is the first’s where the other goes before the agent has accepted it, at another broker', async () => {
    const { there, one, two, first } = await waiting('a', 'b');
    const again = await attach(there);
    two.cut();
    await arrive();
    const { turn_id } = await accepting(again);
    await cluster.pass(3);
    expect(one.replyTo(first).result).toMatchObject({ accepted: true, turn_id });
    expect(again.received('agent.chat')).toHaveLength(1);
    expect(again.received('agent.chat.cancel')).toEqual([]);
  });

  test.each([[['a']], [['a', 'b']]])(
    'is the first’s where the other goes while it waits; brokers: %s',
    async (names) => {
      const { here, one, two, first } = await waiting(...names);
      two.cut();
      await arrive();
      const { turn_id } = await accepting(await attach(here));
      expect(one.replyTo(first).result).toMatchObject({ accepted: true, turn_id });
      one.cut();
    },
  );
});
