import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { MAX_MEMBERS } from '../../../protocol/frame-scan.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';

/** Elements of one array, as JSON: more than one message may have. */
const much = `[${new Array(MAX_MEMBERS).fill('0').join(',')}]`;

async function startPair() {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  return { linked, host, agent };
}

describe('a frame with more in it than is read', () => {
  test('a request › then -32602 with its id, wherever that stands, and it is not carried out', async () => {
    const { host, agent } = await startPair();
    host.send(
      `{"jsonrpc":"2.0","id":"x","method":"agents.chat","params":{"agent_id":"echo","prompt":"","attachments":${much}}}`,
    );
    host.send(`{"jsonrpc":"2.0","method":"tools.register","params":${much},"id":"y"}`);
    await settle();
    for (const id of ['x', 'y']) {
      expect(host.replyTo(id)?.error).toMatchObject({
        code: ErrorCode.InvalidParams,
        data: { issues: [{ path: '', message: `more than ${MAX_MEMBERS} members and elements in one message` }] },
      });
    }
    expect(agent.received('agent.chat')).toEqual([]);
    expect(await openChat(host, agent, { agent_id: 'echo' })).toMatchObject({ accepted: true });
  });

  test('an event › then it is dropped and counted, unanswered, and the turn goes on', async () => {
    const { linked, host, agent } = await startPair();
    const manager = await linked.manager();
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const before = agent.frames.length;
    agent.send(`{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s","kind":"mood","x":${much}}}`);
    agent.emit('s', { kind: 'token', delta: 'kept' });
    await settle();
    expect(host.events()).toMatchObject([{ kind: 'token', delta: 'kept', seq: 1 }]);
    expect(agent.frames).toHaveLength(before);
    const { drops, event_faults } = await manager.ok('broker.status');
    expect(drops).toMatchObject({ malformed_event: 1 });
    const why = `more than ${MAX_MEMBERS} members and elements in one message`;
    expect(event_faults).toMatchObject([{ agent_id: 'echo', kind: 'other', dropped: 1, field: '', why }]);
  });

  test('an answer › then whoever waits for it hears of an error, at once', async () => {
    const { host, agent } = await startPair();
    const id = host.post('agents.chat', { agent_id: 'echo', prompt: '', session_id: 's' });
    await settle();
    agent.send(`{"jsonrpc":"2.0","id":"${agent.lastChat().id}","result":{"accepted":true,"x":${much}}}`);
    await settle();
    expect(host.replyTo(id)?.error).toMatchObject({ code: ErrorCode.AgentRejected });
  });

  test('anything else › then it is answered as what it is', async () => {
    const { host } = await startPair();
    host.frames.length = 0;
    host.send(`[${much}]`);
    host.send(`{"jsonrpc":"2.0","id":{},"method":"m","params":${much}}`);
    host.send(`{"jsonrpc":"2.0","x":${much}}`);
    host.send(`{"jsonrpc":"2.0","id":1,"method":"m","params":${much}`);
    await settle();
    expect(host.frames.map((frame) => [frame.id, frame.error.code])).toEqual([
      [null, ErrorCode.InvalidRequest],
      [null, ErrorCode.InvalidRequest],
      [null, ErrorCode.InvalidRequest],
      [null, ErrorCode.ParseError],
    ]);
  });
});

describe('an id', () => {
  test('of 256 bytes › is taken; of one more › gets -32600 with id null', async () => {
    const { host } = await startPair();
    for (const id of ['x'.repeat(256), 'é'.repeat(128), '€'.repeat(85)]) {
      host.send({ jsonrpc: '2.0', id, method: 'agents.list' });
      await settle();
      expect(host.replyTo(id)?.result).toEqual(expect.any(Array));
    }
    for (const id of ['x'.repeat(257), 'é'.repeat(129), '€'.repeat(86), 'x'.repeat(1_000_000)]) {
      host.frames.length = 0;
      host.send({ jsonrpc: '2.0', id, method: 'agents.list' });
      await settle();
      expect(host.frames).toMatchObject([{ id: null, error: { code: ErrorCode.InvalidRequest } }]);
    }
  });
});
