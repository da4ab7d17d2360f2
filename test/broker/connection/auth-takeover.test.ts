import { describe, expect, test } from 'vitest';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';

describe('an agent › when it authenticates again from a new connection', () => {
  async function takeOver() {
    const linked = startLinked();
    const host = await linked.host();
    const older = await linked.agent('echo');
    const { turn_id } = await openChat(host, older, { agent_id: 'echo', session_id: 's' });
    const newer = await linked.agent('echo');
    await settle();
    return { linked, host, older, newer, turn_id };
  }

  test('the old one › then it is told of its turns, and closed with 4409', async () => {
    const { older, newer, turn_id } = await takeOver();
    expect(older.frames.at(-1)).toEqual({
      jsonrpc: '2.0',
      method: 'agent.chat.cancel',
      params: { session_id: 's', turn_id, reason: 'agent_replaced' },
    });
    expect(older.closed).toBe(CloseCode.Replaced);
    expect(newer.closed).toBeUndefined();
    expect(newer.received('agent.chat.cancel')).toEqual([]);
  });

  test('the host › then its turns end with one synthesized error, agent_replaced', async () => {
    const { host, turn_id } = await takeOver();
    expect(host.events()).toEqual([
      {
        session_id: 's',
        turn_id,
        agent_id: 'echo',
        kind: 'error',
        error: expect.any(String),
        code: 'agent_replaced',
        seq: 1,
        synthesized: true,
      },
    ]);
    expect((await host.ok('agents.chat.sessions')).sessions).toEqual([]);
    expect(await host.ok('agents.list')).toMatchObject([{ attached: true, turns: 0 }]);
  });

  test('the next chat › then it goes to the new one alone', async () => {
    const { host, older, newer } = await takeOver();
    const asked = older.received('agent.chat').length;
    await openChat(host, newer, { agent_id: 'echo', session_id: 's' });
    newer.emit('s', { kind: 'token', delta: 'new' });
    await settle();
    expect(older.received('agent.chat')).toHaveLength(asked);
    expect(host.events().at(-1)).toMatchObject({ kind: 'token', delta: 'new', seq: 1 });
  });

  test('late frames and the end of the old one › then they touch nothing', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const older = await linked.agent('echo');
    await openChat(host, older, { agent_id: 'echo', session_id: 'first' });
    const { token } = linked.broker.upsertAgent({ id: 'echo', rotate_token: true });
    const newer = linked.connect();
    newer.post('session.auth', { agent_id: 'echo', token });
    // Behind that, and before the old one can have heard of it: what was on its way already.
    await Promise.resolve();
    older.emit('first', { kind: 'token', delta: 'late' });
    older.emit('first', { kind: 'done', finish_reason: 'late' });
    older.post('agents.list');
    older.close();
    await settle();
    expect(host.events().map((event) => event.code ?? event.delta)).toEqual(['agent_replaced']);
    await openChat(host, newer, { agent_id: 'echo', session_id: 'first' });
    older.emit('first', { kind: 'token', delta: 'later' });
    await settle();
    newer.emit('first', { kind: 'token', delta: 'new' });
    await settle();
    expect(host.events().at(-1)).toMatchObject({ delta: 'new', seq: 1 });
    expect(await host.ok('agents.list')).toMatchObject([{ attached: true, turns: 1 }]);
  });

  test('before it has acknowledged a chat › then the host’s request fails, and nothing is left', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const older = await linked.agent('echo');
    const id = host.post('agents.chat', { agent_id: 'echo', prompt: '', session_id: 's' });
    await settle();
    const newer = await linked.agent('echo');
    await settle();
    expect(host.replyTo(id).error).toMatchObject({ code: ErrorCode.AgentNotAttached, data: { agent_id: 'echo' } });
    expect(host.events()).toEqual([]);
    expect(older.received('agent.chat.cancel')).toMatchObject([{ params: { reason: 'agent_replaced' } }]);
    expect(await openChat(host, newer, { agent_id: 'echo', session_id: 's' })).toMatchObject({ accepted: true });
  });

  test('chats that the old one opened as a host › then they end as any host’s that goes', async () => {
    const linked = startLinked();
    const older = await linked.agent('caller');
    const worker = await linked.agent('worker');
    await openChat(older, worker, { agent_id: 'worker', session_id: 's' });
    await linked.agent('caller');
    await settle();
    expect(worker.received('agent.chat.cancel')).toMatchObject([{ params: { reason: 'host_disconnected' } }]);
  });

  test('without authentication › then the newer one takes over all the same', async () => {
    const { connect } = startLinked({ auth: false });
    const older = connect();
    await older.ok('session.auth', { agent_id: 'echo' });
    const newer = connect();
    await newer.ok('session.auth', { agent_id: 'echo' });
    await settle();
    expect(older.closed).toBe(CloseCode.Replaced);
    expect(await newer.ok('agents.list')).toMatchObject([{ attached: true }]);
  });

  test('with a wrong token › then the old one is left in peace', async () => {
    const linked = startLinked();
    const older = await linked.agent('echo');
    await linked.connect().call('session.auth', { agent_id: 'echo', token: 'wrong' });
    expect(older.closed).toBeUndefined();
    expect(await older.ok('agents.list')).toMatchObject([{ attached: true }]);
  });
});

describe('an agent’s token › when it is rotated', () => {
  test('while it is attached › then that connection stays, the old token is refused, the new one taken', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const manager = await linked.manager();
    const { token: before } = await manager.ok('agents.upsert', { id: 'echo' });
    const agent = linked.connect();
    await agent.ok('session.auth', { agent_id: 'echo', token: before });
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });

    const { token: after } = await manager.ok('agents.upsert', { id: 'echo', rotate_token: true });
    expect(after).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(after).not.toBe(before);
    agent.emit('s', { kind: 'token', delta: 'still here' });
    await settle();
    expect(agent.closed).toBeUndefined();
    expect(host.events()).toMatchObject([{ delta: 'still here' }]);

    const refused = await linked.connect().call('session.auth', { agent_id: 'echo', token: before });
    expect(refused.error.message).toBe('auth failed: token mismatch');
    await linked.connect().ok('session.auth', { agent_id: 'echo', token: after });
  });
});
