import { describe, expect, test } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { write } from '../../../actors/connection/write.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { StubbornLink, startInternals } from '../../support/internals.ts';
import { type Message, openChat, settle } from '../../support/linked.ts';
import { startToolScene } from '../../support/tool-scene.ts';

/* What the broker adds to a frame never makes it larger than a message may be; and who asks pays for what it asks. */

const MOST = 100_000;
const limits = { maxMessageBytes: MOST };
const refusal = { code: ErrorCode.LimitExceeded, data: { limit: { name: 'max_message_bytes', value: MOST } } };

/** The sizes of all frames that a client was sent. */
const sizes = (client: { frames: Message[] }) => client.frames.map((frame) => JSON.stringify(frame).length);

describe('tools.execute › when its parameters fit into a message once, and not twice', () => {
  const parameters = { text: 'x'.repeat(60_000) };

  test('a host that reads both › then the agent is refused, and the host is sent nothing', async () => {
    const { host, agent, execute, asked } = await startToolScene({ limits });
    const id = await execute({ parameters });
    expect(agent.replyTo(id).error).toMatchObject(refusal);
    expect(asked()).toBeUndefined();
    expect(host.closed).toBeUndefined();
    // The next one is not counted with it.
    await execute();
    expect(asked().params.params).toEqual({});
  });

  test('a tool at the gate › then the agent is refused at once, and nobody is asked', async () => {
    const approvals = { methods: ['tools.execute:clock'] };
    const { host, agent, execute } = await startToolScene({ limits, approvals });
    expect(agent.replyTo(await execute({ parameters }))?.error).toMatchObject(refusal);
    expect((await host.ok('host.approvals')).approvals).toEqual([]);
  });

  test('a host that said params_once › then it is sent them, as `parameters`', async () => {
    const { host, agent, execute, asked } = await startToolScene({ limits });
    expect(await host.ok('session.init', { params_once: true })).toMatchObject({ tools_registered: 0 });
    const id = await execute({ parameters });
    expect(asked().params.parameters).toEqual(parameters);
    expect(asked().params).not.toHaveProperty('params');
    host.answer(asked(), 'done');
    await settle();
    expect(agent.replyTo(id).result).toBe('done');
  });
});

test('a tool’s answer › when the agent’s own id makes it too large › then the agent hears so', async () => {
  const { host, agent, asked } = await startToolScene({ limits });
  const id = 'x'.repeat(256);
  agent.send({
    jsonrpc: '2.0',
    id,
    method: 'tools.execute',
    params: { session_id: 's', tool: 'clock', parameters: {} },
  });
  await settle();
  host.answer(asked(), 'x'.repeat(MOST - 200));
  await settle();
  expect(agent.replyTo(id).error).toMatchObject(refusal);
});

test('agents.chat › when the host’s tools make it too large › then -32020, and nothing is left behind', async () => {
  const { host, agent } = await startToolScene({ limits }, [{ name: 'clock', description: 'x'.repeat(5_000) }]);
  const before = agent.received('agent.chat').length;
  const id = host.post('agents.chat', { agent_id: 'echo', session_id: 't', prompt: 'x'.repeat(MOST - 2_000) });
  await settle();
  expect(host.replyTo(id).error).toMatchObject(refusal);
  expect(agent.received('agent.chat')).toHaveLength(before);
  expect(await openChat(host, agent, { agent_id: 'echo', session_id: 't' })).toMatchObject({ accepted: true });
});

describe.each([0, 60_000])('an event that its stamp would make too large, resume_window_ms %d', (resume_window_ms) => {
  async function scene() {
    const { linked, host, agent } = await startToolScene({ limits });
    await openChat(host, agent, { agent_id: 'echo', session_id: 't', resume_window_ms });
    const drops = async () => (await (await linked.manager()).ok('broker.status')).drops;
    return { host, agent, drops };
  }
  const large = 'x'.repeat(MOST - 150);

  test('a token, or any other › then it is dropped and counted, and no number is missing', async () => {
    const { host, agent, drops } = await scene();
    agent.emit('t', { kind: 'token', delta: large });
    agent.emit('t', { kind: 'mood', text: large });
    agent.emit('t', { kind: 'token', delta: 'kept' });
    await settle();
    expect(host.events('t')).toMatchObject([{ delta: 'kept', seq: 1 }]);
    expect(await drops()).toMatchObject({ too_large: 2 });
  });

  test('one that grows where it is written again › then it is dropped, too', async () => {
    const { host, agent, drops } = await scene();
    const numbers = new Array(MOST / 10).fill('1e20').join(',');
    agent.send(
      `{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"t","kind":"mood","numbers":[${numbers}]}}`,
    );
    agent.emit('t', { kind: 'token', delta: 'kept' });
    await settle();
    expect(host.events('t')).toMatchObject([{ delta: 'kept', seq: 1 }]);
    expect(await drops()).toMatchObject({ too_large: 1 });
  });

  test('a terminal › then the turn ends all the same, and the host hears why', async () => {
    const { host, agent } = await scene();
    agent.emit('t', { kind: 'done', finish_reason: 'stop', text: large });
    agent.emit('t', { kind: 'token', delta: 'late' });
    await settle();
    expect(host.events('t')).toMatchObject([{ kind: 'error', code: 'too_large', synthesized: true, seq: 1 }]);
    expect(Math.max(...sizes(host))).toBeLessThanOrEqual(MOST);
    expect(await openChat(host, agent, { agent_id: 'echo', session_id: 't' })).toMatchObject({ accepted: true });
  });
});

test('a tool call › when its host has fallen behind while it waited at the gate › then the agent is refused, and the host stays', async () => {
  const internals = startInternals({
    limits: { softLimitBytes: 1_000, hardLimitBytes: 50_000 },
    approvals: { methods: ['tools.execute:clock'] },
  });
  const link = new StubbornLink();
  internals.open(link);
  const read = () => link.sent.map((text) => JSON.parse(text) as Message);
  link.deliver({ id: 0, method: 'session.auth', params: { token: internals.tokens.daemon } });
  link.deliver({ id: 1, method: 'tools.register', params: [{ name: 'clock' }] });
  const agent = await internals.agent('echo');
  link.deliver({ id: 2, method: 'agents.chat', params: { agent_id: 'echo', session_id: 's', prompt: '' } });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  const params = { session_id: 's', tool: 'clock', parameters: { text: 'x'.repeat(10_000) } };
  const [first, second] = [agent.post('tools.execute', params), agent.post('tools.execute', params)];
  await settle();
  const manager = await internals.manager();
  const { approvals } = await manager.ok('host.approvals');
  expect(approvals).toHaveLength(2);
  await manager.ok('host.resolve_approval', { approval_id: approvals[0].id, resolution: 'approve' });
  expect(read().filter(({ method }) => method === 'tools.execute')).toHaveLength(1);
  link.waitingBytes = 40_000;
  await manager.ok('host.resolve_approval', { approval_id: approvals[1].id, resolution: 'approve' });
  await settle();
  expect(read().filter(({ method }) => method === 'tools.execute')).toHaveLength(1);
  expect(agent.replyTo(first)).toBeUndefined();
  expect(agent.replyTo(second)?.error).toMatchObject({
    code: ErrorCode.LimitExceeded,
    data: { limit: { name: 'reader_backlog_bytes', value: 50_000 }, retry_after_ms: 1_000 },
  });
  expect(link.closeCode).toBeUndefined();
});

test('a connection that has ended › then nothing is put together for it any more', async () => {
  const internals = startInternals();
  const host = await internals.host();
  await host.ok('agents.list');
  const [client] = internals.state.clients.values();
  if (!client) throw new Error('there is no client');
  let writings = 0;
  const toJSON = () => {
    writings += 1;
    return {};
  };
  const event = { type: 'rpc.notify', method: 'm', params: { toJSON } } as const;
  write(internals.state, client.ref as AnyActorRef, client, event);
  expect(writings).toBe(1);
  client.link.close(1000, '');
  write(internals.state, client.ref as AnyActorRef, client, event);
  expect(writings).toBe(1);
});
