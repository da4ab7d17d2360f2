import { describe, expect, it } from 'vitest';
import { rejection } from '../client/real-broker.ts';
import { AcpScene, type Step } from './acp-scene.ts';

const update = (sessionUpdate: string, fields: object): Step => ['update', { sessionUpdate, ...fields }];
const text = (text: string) => ({ type: 'text', text });

describe('what an agent that speaks ACP says', () => {
  it('becomes text, thoughts, other content, and an end', async () => {
    const scene = await AcpScene.start();
    const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
    const events = await scene.events([
      update('user_message_chunk', { content: text('not mine') }),
      update('agent_thought_chunk', { content: text('hm') }),
      ['say', 'hello', { messageId: 'm1' }],
      ['say', '', { messageId: 'm1' }],
      ['say', 'again', { messageId: 'm2' }],
      update('agent_message_chunk', { content: image }),
      ['say', 'after', { messageId: 'm2' }],
    ]);
    expect(events).toEqual([
      { kind: 'reasoning', delta: 'hm' },
      { kind: 'token', delta: 'hello' },
      { kind: 'token', delta: '\n\nagain' },
      { kind: 'content', content: image },
      { kind: 'token', delta: '\n\nafter' },
      { kind: 'done', finish_reason: 'stop' },
    ]);
  });

  it('of its own tools becomes calls and results, each once, whatever the order', async () => {
    const scene = await AcpScene.start();
    const content = [{ type: 'content', content: text('r'.repeat(3_000)) }];
    const events = await scene.events([
      ['say', 'a '],
      update('tool_call', {
        toolCallId: 'c1',
        title: 'Read x',
        kind: 'read',
        rawInput: { path: 'x' },
        status: 'pending',
      }),
      update('tool_call', { toolCallId: 'c1', title: 'Read y' }),
      update('tool_call_update', { toolCallId: 'c1', status: 'in_progress' }),
      update('tool_call_update', { toolCallId: 'c1', status: 'completed', content, rawOutput: { n: 1 } }),
      update('tool_call_update', { toolCallId: 'c1', status: 'failed' }),
      update('tool_call_update', { toolCallId: 'c2', name: 'run', status: 'failed', rawOutput: 'no' }),
      update('tool_call', { toolCallId: 'c3', title: 'Never ends' }),
      update('tool_call', { title: 'nameless' }),
      ['say', 'b'],
    ]);
    expect(events).toEqual([
      { kind: 'token', delta: 'a ' },
      {
        kind: 'tool_call',
        call_id: 'c1',
        tool: 'Read x',
        title: 'Read x',
        tool_kind: 'read',
        params: { path: 'x' },
        status: 'pending',
      },
      { kind: 'tool_call_update', call_id: 'c1', title: 'Read y' },
      { kind: 'tool_call_update', call_id: 'c1', status: 'in_progress' },
      {
        ...{ kind: 'tool_result', call_id: 'c1', tool: 'Read x', ok: true },
        ...{ excerpt: 'r'.repeat(2_048), evidence: { content, raw_output: { n: 1 } } },
      },
      { kind: 'tool_call', call_id: 'c2', tool: 'run', status: 'in_progress' },
      { kind: 'tool_result', call_id: 'c2', tool: 'run', ok: false, excerpt: 'no', evidence: { raw_output: 'no' } },
      { kind: 'tool_call', call_id: 'c3', tool: 'Never ends', title: 'Never ends' },
      { kind: 'token', delta: 'b' },
      { kind: 'tool_result', call_id: 'c3', tool: 'Never ends', ok: false },
      { kind: 'done', finish_reason: 'stop' },
    ]);
  });

  it('of plans, costs, notices, and things that nobody knows yet is passed on', async () => {
    const scene = await AcpScene.start();
    const entries = [
      { content: 'one', priority: 'high', status: 'in_progress' },
      { content: 'two', status: 'odd' },
      'three',
    ];
    const usage = { inputTokens: 3, outputTokens: 4, totalTokens: 7 };
    const events = await scene.events([
      update('plan', { entries }),
      update('usage_update', { used: 10, size: 100, cost: { amount: 1, currency: 'EUR' } }),
      update('notice', { severity: 'warning', title: 'careful', description: 'very' }),
      update('current_mode_update', { currentModeId: 'ask', kind: 'mine', session_id: 'x' }),
      update('brand_new', { a: [1] }),
      ['update', { sessionUpdate: 7 }],
      ['stop', 'max_tokens', { usage }],
    ]);
    expect(events).toEqual([
      {
        kind: 'todos',
        todos: [
          { content: 'one', priority: 'high', status: 'in_progress' },
          { content: 'two', status: 'pending' },
        ],
      },
      { kind: 'usage', context_used: 10, context_size: 100, cost: { amount: 1, currency: 'EUR' } },
      { kind: 'notice', severity: 'warning', title: 'careful', description: 'very' },
      { kind: 'acp.current_mode_update', currentModeId: 'ask' },
      { kind: 'acp.brand_new', a: [1] },
      { kind: 'usage', input_tokens: 3, output_tokens: 4, total_tokens: 7 },
      { kind: 'done', finish_reason: 'length' },
    ]);
  });

  it('of how it ended is said in the words of the wire', async () => {
    const scene = await AcpScene.start();
    const reasons = {
      ...{ end_turn: 'stop', max_turn_requests: 'max_turns', refusal: 'refusal', cancelled: 'cancelled' },
      'something new': 'stop',
    };
    for (const [stopReason, finishReason] of Object.entries(reasons))
      expect(await scene.events([['stop', stopReason]])).toEqual([{ kind: 'done', finish_reason: finishReason }]);
  });

  it('beside its messages is dropped: greetings, garbage, what is of no turn', async () => {
    const scene = await AcpScene.start({ greets: 'Welcome!\n[1,2]\n{"half": ' });
    const stray = {
      jsonrpc: '2.0',
      method: 'session/update',
      params: { sessionId: 'x', update: { sessionUpdate: 'plan' } },
    };
    const events = await scene.events([
      ['raw', 'a line of nothing\n\n  \n{"no": json}\n'],
      [
        'raw',
        `${JSON.stringify(stray)}\n{"jsonrpc":"2.0","method":"$/unknown"}\n{"jsonrpc":"2.0","id":99,"result":{}}\n`,
      ],
      ['say', 'still here'],
    ]);
    expect(events).toEqual([
      { kind: 'token', delta: 'still here' },
      { kind: 'done', finish_reason: 'stop' },
    ]);
    // Nothing of it was answered.
    expect(scene.heard().filter((line) => line.startsWith('answer'))).toEqual([]);
  });

  it('that is too large for a message is left out, and said; text comes in pieces', async () => {
    const scene = await AcpScene.start();
    const events = await scene.events([
      ['raw', ''],
      ['say', 'x'.repeat(3 * 1024 * 1024)],
      update('agent_message_chunk', {
        content: { type: 'audio', data: 'A'.repeat(5 * 1024 * 1024), mimeType: 'audio/wav' },
      }),
    ]);
    const texts = events.filter(({ kind }) => kind === 'token').map(({ delta }) => String(delta));
    expect(texts.join('')).toBe('x'.repeat(3 * 1024 * 1024));
    expect(events.at(-2)).toMatchObject({ kind: 'notice', severity: 'warning' });
    expect(String(events.at(-2)?.title)).toMatch(/^an update \(agent_message_chunk\) of \d{7} bytes is left out/);
  });

  it('of a tool that gave too much › is told without that, and the call has ended', async () => {
    const scene = await AcpScene.start();
    const events = await scene.events([
      update('tool_call', { toolCallId: 't', title: 'Read', status: 'in_progress' }),
      update('tool_call_update', { toolCallId: 't', status: 'completed', rawOutput: 'x'.repeat(5 * 1024 * 1024) }),
    ]);
    expect(events.map(({ kind }) => kind)).toEqual(['tool_call', 'notice', 'tool_result', 'done']);
    expect(events[2]).toEqual({ kind: 'tool_result', call_id: 't', tool: 'Read', ok: true });
  });

  const nested = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const many = `[${'0,'.repeat(200_000)}0]`;
  it.each([
    ['nests too deeply', nested, 'nested deeper than 200 levels'],
    ['has too many members', many, 'more than 100000 members and elements in one message'],
    ['holds a number out of range', '1e400', 'holds a number out of range'],
  ])('that %s is left out, and said; asked like that it is refused, and the turn goes on', async (_, value, why) => {
    const scene = await AcpScene.start();
    const message = (head: string, more: string) =>
      `{"jsonrpc":"2.0",${head},"params":{"sessionId":"$ID",${more},"x":${value}}}\n`;
    const events = await scene.events([
      ['raw', message('"method":"session/update"', '"update":{"sessionUpdate":"plan"}')],
      ['raw', message('"id":"q","method":"session/request_permission"', '"toolCall":{"toolCallId":"t"}')],
      ['say', 'on'],
    ]);
    expect(events).toEqual([
      { kind: 'notice', severity: 'warning', title: `something that the agent said is left out: ${why}` },
      { kind: 'token', delta: 'on' },
      { kind: 'done', finish_reason: 'stop' },
    ]);
    await scene.chat([['say', 'next']]).text();
    expect(scene.heard()).toContain(`answer {"code":-32600,"message":"${why}"}`);
  });

  it('that is no JSON, again and again, is in the log once', async () => {
    const scene = await AcpScene.start();
    await scene.events([
      ['raw', '{no json}\n'.repeat(1_000)],
      ['say', 'done'],
    ]);
    expect(scene.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('of what was used is told as far as it is numbers of tokens', async () => {
    const scene = await AcpScene.start();
    const events = await scene.events([
      update('usage_update', { used: -1, size: 1.5 }),
      ['stop', 'end_turn', { usage: { inputTokens: 5, outputTokens: -1, totalTokens: 2 ** 60 } }],
    ]);
    expect(events.slice(0, 2)).toEqual([{ kind: 'usage' }, { kind: 'usage', input_tokens: 5 }]);
  });

  it('in a flood arrives whole, in order', async () => {
    const scene = await AcpScene.start();
    const answer = await scene.chat([['flood', 20_000, '0123456789']]).text();
    expect(answer).toBe('0123456789'.repeat(20_000));
  });
});

describe('what an agent that speaks ACP asks of its client', () => {
  it('and the client does not offer › is answered as unknown, so that it does not wait', async () => {
    const scene = await AcpScene.start();
    const methods = ['fs/read_text_file', 'terminal/create', 'elicitation/create', '_its/own'];
    for (const method of methods)
      expect(await scene.chat([['request', method, { path: '/x' }]]).text()).toBe('{"code":-32601}');
  });
});

describe('an agent that speaks ACP, where it fails', () => {
  it('ends the turn in its own words', async () => {
    const scene = await AcpScene.start();
    expect(await scene.events([['fail', 400, 'the model says no\nreally']])).toEqual([
      { kind: 'error', code: 'agent_error', error: 'the model says no really' },
    ]);
    expect(await scene.events([['fail', -32603, 'Internal error', { details: 'quota' }]])).toEqual([
      { kind: 'error', code: 'agent_error', error: 'Internal error: quota' },
    ]);
  });

  it('asks for its user to sign in, and names the ways', async () => {
    const scene = await AcpScene.start({ auth: true });
    expect(await scene.events([['say', 'x']])).toEqual([
      { kind: 'auth_required', reason: 'agent', message: 'Authentication required; it offers: login (Log in)' },
    ]);
    expect(scene.lines.some(({ level, words }) => level === 'warn' && words.includes('login'))).toBe(true);
  });

  it('is authenticated where the operator says how', async () => {
    const scene = await AcpScene.start({ auth: true }, { auth: 'login' });
    expect(await scene.chat([['say', 'in']]).text()).toBe('in');
  });

  it.each([
    [{ dies: 'at start' }, 'agent process exited with code 9'],
    [{ dies: 'initialize' }, 'agent process exited with code 9'],
    [{ version: 2 }, 'it speaks version 2 of ACP; version 1 is needed'],
    [{ silent: 'initialize' }, 'the agent did not answer initialize within 1500 ms'],
    [{ silent: 'session/new' }, 'it begins no session: the agent did not answer session/new within 1500 ms'],
  ])('at its start, being %j › is not joined', async (is, message) => {
    const scene = await AcpScene.prepare(is, { 'start-timeout': 1_500 });
    expect(await rejection(scene.join.start())).toMatchObject({ name: 'StartError', message });
  });
});
