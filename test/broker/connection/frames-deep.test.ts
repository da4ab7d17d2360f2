import { expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { MAX_DEPTH } from '../../../protocol/json.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';

const LEVELS = 100_000;
const deep = `${'{"a":'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`;

async function startPair() {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  return { linked, host, agent };
}

test('deep nesting › when it is in a request’s params › then -32602, and the connection lives', async () => {
  const { host, agent } = await startPair();
  host.send(
    `{"jsonrpc":"2.0","id":"x","method":"agents.chat","params":{"agent_id":"echo","prompt":"","context":${deep}}}`,
  );
  host.send(`{"jsonrpc":"2.0","id":"y","method":"agents.list","params":${deep}}`);
  host.send(`{"jsonrpc":"2.0","id":"z","method":"session.auth","params":${deep}}`);
  await settle();
  for (const id of ['x', 'y', 'z']) {
    expect(host.replyTo(id).error).toMatchObject({ code: ErrorCode.InvalidParams, data: { issues: [{ path: '' }] } });
  }
  expect(agent.received('agent.chat')).toEqual([]);
  expect(await openChat(host, agent, { agent_id: 'echo' })).toMatchObject({ accepted: true });
});

test('deep nesting › when it is in an unknown method’s params, an id or nowhere in particular › then it is refused, or gets its own code', async () => {
  const { host } = await startPair();
  host.frames.length = 0;
  host.send(`{"jsonrpc":"2.0","id":"x","method":"agents.fly","params":${deep}}`);
  host.send(`{"jsonrpc":"2.0","id":${deep},"method":"agents.list"}`);
  host.send(deep);
  host.send(`[${deep}]`);
  host.send('{"a":'.repeat(LEVELS));
  host.send(`{"jsonrpc":"2.0","method":"agents.fly","params":${deep}}`);
  await settle();
  expect(host.frames.map((frame) => [frame.id, frame.error.code])).toEqual([
    // Refused unread: what it asks for is not looked at.
    ['x', ErrorCode.InvalidParams],
    [null, ErrorCode.InvalidRequest],
    [null, ErrorCode.InvalidRequest],
    [null, ErrorCode.InvalidRequest],
    [null, ErrorCode.ParseError],
  ]);
});

test('deep nesting › when it is in an event › then that event is dropped, and the turn goes on', async () => {
  const { host, agent } = await startPair();
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const event = (members: string) =>
    agent.send(`{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s",${members}}}`);
  event(`"kind":"token","delta":"dropped","extra":${deep}`);
  event(`"kind":"mood","extra":${deep}`);
  event(`"kind":"tool_call","tool":"t","params":${deep}`);
  event(`"kind":"done","finish_reason":"stop","extra":${deep}`);
  event('"kind":"token","delta":"kept"');
  await settle();
  expect(host.events()).toMatchObject([{ kind: 'token', delta: 'kept', seq: 1 }]);
  expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ status: 'streaming' }]);
});

test('deep nesting › when it is in an agent’s answer › then the host’s chat is refused, and both live', async () => {
  const { host, agent } = await startPair();
  for (const answer of [
    `"result":{"accepted":true,"extra":${deep}}`,
    `"result":${deep}`,
    `"error":{"code":1,"message":"no","data":${deep}}`,
  ]) {
    const id = host.post('agents.chat', { agent_id: 'echo', prompt: '', session_id: 's' });
    await settle();
    agent.send(`{"jsonrpc":"2.0","id":"${agent.lastChat().id}",${answer}}`);
    await settle();
    expect(host.replyTo(id).error).toMatchObject({ code: ErrorCode.AgentRejected });
  }
  expect(await openChat(host, agent, { agent_id: 'echo', session_id: 's' })).toMatchObject({ accepted: true });
});

test('nesting › when it is as deep as allowed › then it arrives at the other side, both ways', async () => {
  const { host, agent } = await startPair();
  // What the parameters themselves and one member of theirs leave.
  const inside = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  const context = { deep: inside(MAX_DEPTH - 2) };
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', context });
  expect(agent.lastChat().params.context.deep).toEqual(context.deep);
  agent.emit('s', { kind: 'mood', deep: inside(MAX_DEPTH - 1) });
  await settle();
  expect(host.events()[0].deep).toEqual(inside(MAX_DEPTH - 1));
});

test('nesting › when an agent’s metadata is as deep as allowed › then it can be registered and listed', async () => {
  const manager = await startLinked().manager();
  const metadata = JSON.parse(`{"a":${'['.repeat(MAX_DEPTH - 2)}${']'.repeat(MAX_DEPTH - 2)}}`);
  const { spec } = await manager.ok('agents.upsert', { id: 'deep', metadata });
  expect(spec.metadata).toEqual(metadata);
  expect(await manager.ok('agents.list')).toMatchObject([{ spec: { id: 'deep', metadata } }]);
});
