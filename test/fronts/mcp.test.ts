import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type AgentEvent, connectHost, type OnChat } from '../../client/node.ts';
import { listAgents } from '../../fronts/core/agents.ts';
import { FrontTurn } from '../../fronts/core/turn.ts';
import { MAX_ANSWER } from '../../fronts/mcp/answer.ts';
import { MAX_CALLS, mcpServer } from '../../fronts/mcp/server.ts';
import { cancelled, startFronts } from './front-scene.ts';

/** MCP's client at a server for one agent, in this process. */
async function start(onChat: OnChat) {
  const { agent, broker, token } = await startFronts({ fronts: [] });
  const connect = () => connectHost({ link: broker.connect(), token });
  const own = await agent('echo', onChat);
  const server = mcpServer(
    {
      list: () => listAgents(connect()),
      openTurn: async (spec, signal) => FrontTurn.open('me', await connect(), spec, signal),
    },
    { version: '1', approvalTimeoutMs: 1_000, depth: 0 },
  );
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'a test', version: '1' });
  await Promise.all([client.connect(near), server.connect(far)]);
  onTestFinished(() => client.close());
  const ask = (prompt: string, signal?: AbortSignal) =>
    client.callTool({ name: 'ask_agent', arguments: { agent: 'echo', prompt } }, undefined, signal && { signal });
  return { ...own, client, ask };
}

test('beyond so many open calls one is refused', async () => {
  const { ask } = await start(async (turn) => void (await cancelled(turn)));
  const stops = Array.from({ length: MAX_CALLS }, () => new AbortController());
  const open = stops.map(({ signal }) => ask('x', signal).catch(() => {}));
  expect(await ask('one more')).toMatchObject({ isError: true, content: [{ text: `${MAX_CALLS} calls are open` }] });
  for (const stop of stops) stop.abort();
  await Promise.all(open);
});

test('an answer that is too long cancels its turn', async () => {
  const { ask, turn } = await start(async (own) => {
    const piece = 'x'.repeat(MAX_ANSWER / 16);
    for (let sent = 0; sent <= 16; sent += 1) {
      own.token(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await cancelled(own);
  });
  const answer = ask('go');
  expect(await cancelled(await turn(0))).toBe('host_cancelled');
  expect(await answer).toMatchObject({
    isError: true,
    content: [{ text: 'the answer is longer than one result may be' }],
  });
});

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'token', delta })),
  fc.jsonValue().map((content): AgentEvent => ({ kind: 'content', content })),
  fc.constantFrom<AgentEvent>(
    { kind: 'reasoning', delta: 'hm' },
    { kind: 'tool_call', call_id: 'c', tool: 'own' },
    { kind: 'content', content: { type: 'resource_link', uri: 'file:///x', name: 'x' } },
    { kind: 'content', content: { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' } },
    { kind: 'content', content: { type: 'data', data: [1] } },
    { kind: 'anything' },
  ),
);
const ends = fc.constantFrom<AgentEvent>(
  { kind: 'done', finish_reason: 'stop' },
  { kind: 'done', finish_reason: 'length', text: 'whole' },
  { kind: 'error', error: 'no luck' },
  { kind: 'auth_required', reason: 'r', message: 'log in' },
);

test('any history of events is a result that MCP’s client takes', async () => {
  let next: AgentEvent[] = [];
  const { ask } = await start(async (turn) => {
    for (const event of next) turn.event(event);
  });
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 12 }), ends, async (events, end) => {
      next = [...events, end];
      const result = await ask('go');
      const tokens = events.filter(({ kind }) => kind === 'token').map(({ delta }) => delta);
      const text = tokens.length > 0 ? tokens.join('') : (end.text ?? '');
      if (end.kind === 'done')
        expect(result.structuredContent).toMatchObject({ finish_reason: end.finish_reason, text });
      else expect(result).toMatchObject({ isError: true, content: [{ text: end.error ?? end.message }] });
    }),
    { numRuns: 40 },
  );
});
