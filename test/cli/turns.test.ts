import { afterEach, beforeEach, expect, it } from 'vitest';
import { createBroker } from '../../broker.ts';
import { connectAgent, connectHost } from '../../client/node.ts';
import { inspectTurnResult, recordedTurn } from '../../protocol/recording.ts';
import { TestIo } from './test-io.ts';

/* `switchboard turns` and `switchboard turn`, against a real broker that records. */

let io: TestIo;
let close: () => Promise<void>;
beforeEach(async () => {
  const broker = createBroker({ record: true, limits: { drainTimeoutMs: 1 } });
  const { url = '' } = await broker.listen({ port: 0 });
  const { token = '' } = broker.upsertAgent({ id: 'echo' });
  const agent = await connectAgent({
    url,
    agentId: 'echo',
    token,
    async *onChat({ prompt, tools }) {
      yield 'the ';
      yield `answer: ${await tools.call('clock')}`;
      if (prompt.includes('fail')) throw new Error('no \u001b[2J luck');
    },
  });
  const host = await connectHost({ url, token: broker.tokens.daemon });
  await host.tool('clock', { description: 'Tells the time' }, () => 'noon');
  for (const prompt of ['what time \u202eis it', 'please fail']) {
    const chat = host.chat('echo', prompt);
    await chat.text().catch(() => {});
  }
  io = new TestIo({ SWITCHBOARD_URL: url, SWITCHBOARD_HOST_TOKEN: broker.tokens.host });
  close = async () => {
    await Promise.all([host.close(), agent.close()]);
    await broker.close();
  };
});
afterEach(() => close());

it('switchboard turns › lists them, the newest first, by what one asks for, with what cannot be seen written out', async () => {
  expect(await io.run('turns')).toBe(0);
  const [heading, first = '', second = ''] = io.out.split('\n');
  expect(heading).toMatch(/^TURN +STARTED +AGENT +STATE +TOOK +FIRST +TOKENS +TOOLS +WAITED +PROMPT OR ERROR$/);
  expect(first).toMatch(/^turn-\S+ +\S+Z +echo +failed .* no \\u001b\[2J luck/);
  expect(second).toMatch(/^turn-\S+ +\S+Z +echo +done .* what time \\u202eis it$/);
  io.out = '';
  expect(
    await io.run('turns', '--state', 'done', '--agent', 'echo', '--tool', 'clock', '--since', '1h', '--json'),
  ).toBe(0);
  const rows = recordedTurn.array().parse(JSON.parse(io.out));
  expect(rows).toMatchObject([{ state: 'done', tools: 1, tool_names: ['clock'] }]);
  expect(await io.run('turns', '--text', 'nowhere')).toBe(0);
  expect(io.err).toContain('no such turns are recorded');
  expect(await io.run('turns', '--limit', '0')).toBe(2);
  io.err = '';
  expect(await io.run('turns', '--state', 'done,sleeping')).toBe(2);
  expect(io.err).toContain('It takes dispatching, streaming,');
  io.out = '';
  expect(await io.run('turns', '--state', 'done,failed', 'parked', '--json')).toBe(0);
  expect(JSON.parse(io.out)).toHaveLength(2);
});

it('switchboard turn › tells what happened in one, as lines, as records and as OTLP', async () => {
  await io.run('turns', '--json', '--state', 'failed');
  const [{ turn_id: id }] = JSON.parse(io.out);
  io.out = '';
  expect(await io.run('turn', id)).toBe(0);
  expect(io.out).toContain(`turn    ${id}\n`);
  expect(io.out).toMatch(/error {3}.*no \\u001b\[2J luck/);
  expect(io.out).toMatch(/clock > .* {2}rpc\.call .*tools\.execute/);
  expect(io.out).toMatch(/1 token: the/);
  io.out = '';
  expect(await io.run('turn', id, '--json')).toBe(0);
  expect(inspectTurnResult.parse(JSON.parse(io.out)).turn.turn_id).toBe(id);
  io.out = '';
  expect(await io.run('turn', id, '--otlp')).toBe(0);
  const { resourceSpans } = JSON.parse(io.out);
  const { spans } = resourceSpans[0].scopeSpans[0];
  expect(spans.map(({ name }: { name: string }) => name)).toEqual([
    'agents.chat',
    'invoke_agent echo',
    'execute_tool clock',
  ]);
  const [chat, agent, tool] = spans;
  expect(chat).toMatchObject({ traceId: id.slice(5).replaceAll('-', ''), kind: 2, status: { code: 2 } });
  expect(agent).toMatchObject({ parentSpanId: chat.spanId, events: [{ name: 'first_token' }] });
  expect(tool).toMatchObject({ parentSpanId: agent.spanId, status: {} });
  expect(BigInt(chat.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(tool.endTimeUnixNano));
  expect(await io.run('turn', 'turn-of-nobody')).toBe(1);
  expect(io.err).toContain('no such recorded turn');
  expect(await io.run('turn', id, '--json', '--otlp')).toBe(2);
});
