import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, attach, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let host: LinkedClient;
let asked: number;
let elsewhere: Member;

/** A chat waits at the first broker for an agent that has just gone from there, and that comes to the second one. */
describe.each([
  ['a session that its host has named', { session_id: 's' }],
  ['a session that it has not', {}],
])('a chat that waits for its agent in %s, when that comes to another broker', (_what, named) => {
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
