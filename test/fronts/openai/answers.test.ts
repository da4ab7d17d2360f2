import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { connectHost, exactJson, type OnChat, RejectChat } from '../../../client/node.ts';
import { cancelled, deferred, repeat, type Scene, startFronts } from '../front-scene.ts';

const clientOf = ({ url, token }: Pick<Scene, 'url' | 'token'>) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
const ask = (content = 'hi') => ({ model: 'echo', messages: [{ role: 'user' as const, content }] });

/** What the chunks of a streamed answer have together, and the raw lines. */
async function streamed(scene: Scene, body: object = ask()) {
  const answer = await fetch(`${scene.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ stream: true, ...body }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.token}` },
  });
  const text = await answer.text();
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice(6));
  return { answer, lines, chunks: lines.filter((line) => line !== '[DONE]').map((line) => JSON.parse(line)) };
}

async function startSaying(onChat: OnChat, options: object = {}, more: object = {}) {
  const scene = await startFronts(options);
  const { agent, ...own } = await scene.agent('echo', onChat, more);
  return { ...scene, ...own, leave: () => agent.close() };
}

describe('what an agent says › as a chat completion', () => {
  test('has its reasoning and its usage, and nothing of its own tools', async () => {
    const onChat: OnChat = async function* () {
      yield { kind: 'reasoning', delta: 'let me ' };
      yield { kind: 'reasoning', delta: 'see' };
      yield { kind: 'tool_call', call_id: 'c', tool: 'search', params: { q: 'x' } };
      yield { kind: 'notice', severity: 'info', title: 'hm' };
      yield { kind: 'todos', todos: [{ content: 'look', status: 'pending' }] };
      yield { kind: 'usage', input_tokens: 3, output_tokens: 1 };
      yield { kind: 'tool_result', call_id: 'c', tool: 'search', ok: true, excerpt: 'found\nit' };
      yield { kind: 'content', content: { type: 'image' } };
      yield { kind: 'my_own', data: 1 };
      yield 'here';
      yield { kind: 'usage', output_tokens: 7 };
    };
    const scene = await startSaying(onChat);
    const { chunks, lines } = await streamed(scene, { ...ask(), stream_options: { include_usage: true } });
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }: { delta: object }) => delta));
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'let me ' },
      { reasoning_content: 'see' },
      { content: 'here' },
      {},
    ]);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 },
    });
    expect(lines.at(-1)).toBe('[DONE]');
    for (const { choices } of chunks.slice(0, -2)) expect(choices[0].finish_reason).toBeNull();
    const { choices, usage } = await clientOf(scene).chat.completions.create(ask());
    expect(choices[0]?.message).toEqual({
      role: 'assistant',
      content: 'here',
      refusal: null,
      reasoning_content: 'let me see',
    });
    expect(usage?.total_tokens).toBe(10);
    const shown = await startSaying(onChat, { openai: { showTools: true } });
    const told = (await streamed(shown)).chunks.map(({ choices }) => choices[0].delta.reasoning_content ?? '').join('');
    expect(told).toBe('let me see[search] {"q":"x"}\n[info] hm\n[todos] look (pending)\n[search] done: found it\n');
  });

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['refusal', 'content_filter'],
    ['max_turns', 'stop'],
    ['anything', 'stop'],
  ])('finishes by %s › as %s', async (finish_reason, expected) => {
    const scene = await startSaying(async function* () {
      yield { kind: 'done', finish_reason, text: 'all of it' };
    });
    const { choices } = await clientOf(scene).chat.completions.create(ask());
    expect(choices[0]).toMatchObject({ finish_reason: expected, message: { content: 'all of it' } });
    const { chunks } = await streamed(scene);
    expect(chunks.map(({ choices: [choice] }) => choice.delta.content ?? '').join('')).toBe('all of it');
    expect(chunks.at(-1).choices[0].finish_reason).toBe(expected);
    expect(chunks.at(-1)).not.toHaveProperty('usage');
  });

  test('that is cancelled from elsewhere › stops', async () => {
    const scene = await startSaying(async (turn) => {
      turn.token('half ');
      await cancelled(turn);
    });
    const person = await connectHost({ link: scene.broker.connect(), hostToken: scene.broker.tokens.host });
    const answer = clientOf(scene).chat.completions.create(ask());
    const { sessionId } = await scene.turn();
    await person.request('agents.chat.cancel', { session_id: sessionId });
    expect((await answer).choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'half ' } });
    await person.close();
  });

  test('is longer than one response may be › is cancelled, unless it is streamed', async () => {
    const scene = await startSaying(
      async function* ({ signal }) {
        for (let at = 0; at < 40 && !signal.aborted; at += 1) yield 'x'.repeat(1_000);
      },
      { broker: { limits: { maxMessageBytes: 20_000 } } },
    );
    await expect(clientOf(scene).chat.completions.create(ask())).rejects.toMatchObject({
      status: 424,
      code: 'answer_too_large',
    });
    expect((await streamed(scene)).lines.at(-1)).toBe('[DONE]');
  });
});

describe('an agent that fails › as a chat completion', () => {
  test.each([
    [{ kind: 'error', error: 'no luck', code: 'agent_exited' }, 424, 'agent_exited', 'no luck'],
    [{ kind: 'error', error: 'no luck' }, 424, 'agent_error', 'no luck'],
    [{ kind: 'error', error: 'busy', code: 'model_error', retryable: true }, 503, 'model_error', 'busy'],
    [{ kind: 'auth_required', reason: 'agent', message: 'log in' }, 401, 'agent_auth_required', 'log in'],
  ])('%j › is %i, and is not run again', async (event, status, code, message) => {
    const scene = await startSaying(async function* () {
      yield 'well ';
      yield event;
    });
    const retrying = new OpenAI({ baseURL: `${scene.url}/v1`, apiKey: scene.token, maxRetries: 2 });
    await expect(retrying.chat.completions.create(ask())).rejects.toMatchObject({
      status,
      code,
      message: `${status} ${message}`,
    });
    expect(scene.turns).toHaveLength(1);
    const { lines } = await streamed(scene);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ error: { message, code } });
    const stream = await retrying.chat.completions.create({ ...ask(), stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow(message);
  });

  test('will not take it, or says nothing › is 502, 504', async () => {
    const scene = await startFronts({ broker: { limits: { ackTimeoutMs: 20, agentWaitMs: 1 } } });
    await scene.agent('echo', repeat, {
      accept: () => {
        throw new RejectChat('not today');
      },
    });
    await scene.agent('silent', repeat, { accept: () => new Promise(() => {}) });
    const { completions } = clientOf(scene).chat;
    await expect(completions.create(ask())).rejects.toMatchObject({
      status: 502,
      code: 'agent_rejected',
      message: expect.stringContaining('not today'),
    });
    await expect(completions.create({ ...ask(), model: 'silent' })).rejects.toMatchObject({
      status: 504,
      code: 'agent_timeout',
    });
    for (const model of ['nobody', 'no such/agent', 'x'.repeat(500)])
      await expect(completions.create({ ...ask(), model })).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
        param: 'model',
      });
  });

  test('goes in the middle › says so', async () => {
    const begun = deferred();
    const scene = await startSaying(async (turn) => {
      turn.token('half');
      begun.resolve();
      await cancelled(turn);
    });
    const answer = clientOf(scene).chat.completions.create(ask());
    const refused = expect(answer).rejects.toMatchObject({ status: 424, code: 'agent_disconnected' });
    await begun.promise;
    await scene.turn();
    await scene.leave();
    await refused;
  });
});

describe('what a client asks for › that there is not', () => {
  test.each([
    [{ messages: [] }, 'messages', null],
    [{ messages: 'hi' }, 'messages', null],
    [{ messages: [{ role: 'assistant', content: 'hi' }] }, 'messages', null],
    [{ messages: [1] }, 'messages[0]', null],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', null],
    [{ messages: [{ role: 'robot', content: '' }] }, 'messages[0]', null],
    [
      { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      'messages[0].content[0]',
      'unsupported_value',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] },
      'messages[0].content[0]',
      'unsupported_value',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'ftp://x' } }] }] },
      'messages[0].content[0]',
      'unsupported_value',
    ],
    [{ n: 2 }, 'n', 'unsupported_value'],
    [{ audio: {} }, 'audio', 'unsupported_value'],
    [{ modalities: ['text', 'audio'] }, 'modalities', 'unsupported_value'],
    [{ background: true }, 'background', 'unsupported_value'],
    [{ tools: {} }, 'tools', null],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0]', null],
    [{ tools: [{ type: 'function', function: { name: 'x', parameters: [] } }] }, 'tools[0]', null],
    [
      { tools: Array.from({ length: 300 }, (_, at) => ({ type: 'function', function: { name: `t${at}` } })) },
      'tools',
      null,
    ],
    [{ model: undefined }, 'model', null],
  ])('%j › is 400, and named', async (more, param, code) => {
    const scene = await startSaying(repeat);
    const answer = await fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...ask(), ...more }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.token}` },
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error', param, code } });
    expect(scene.turns).toEqual([]);
  });

  test('but means no harm › is left alone', async () => {
    const scene = await startSaying(repeat);
    const odd = {
      n: null,
      modalities: ['text'],
      audio: null,
      tools: [{ type: 'web_search' }],
      functions: [],
      user: 'u',
      store: true,
    };
    expect((await streamed(scene, { ...ask('hello'), ...odd })).answer.status).toBe(200);
    expect(scene.turns[0]?.context.tools).toEqual([]);
  });
});

describe('what a client asks with', () => {
  test('reaches the agent: pictures, tools, and how it is to answer', async () => {
    const scene = await startSaying(repeat);
    const picture = 'iVBORw0KGgo=';
    const text = { type: 'text', text: 'look' };
    const messages = [
      {
        role: 'user',
        content: [
          text,
          { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
          { type: 'image_url', image_url: { url: 'https://a.example/b.png', detail: 'low' } },
        ],
      },
    ];
    const parameters = { type: 'object', properties: { at: { type: 'string' } } };
    const tools = [{ type: 'function', function: { name: 'clock', description: 'time', parameters, strict: true } }];
    await streamed(scene, {
      ...ask(),
      messages,
      tools,
      tool_choice: 'required',
      temperature: 0.5,
      max_tokens: 9,
      seed: null,
    });
    await streamed(scene, { ...ask(), tools, tool_choice: 'none' });
    const [first, second] = scene.turns;
    expect(first?.prompt).toBe('look');
    expect(first?.params.attachments).toEqual([
      { type: 'image_base64', data: picture, media_type: 'image/png' },
      { type: 'image_url', url: 'https://a.example/b.png', detail: 'low' },
    ]);
    expect(first?.context).toMatchObject({
      front: 'openai',
      tools: [{ name: 'clock', description: 'time', parameters }],
      sampling: { temperature: 0.5, max_tokens: 9 },
    });
    expect(Object.keys(first?.context.sampling as object).sort()).toEqual(['max_tokens', 'temperature']);
    expect(second?.context.tools).toEqual([]);
  });

  test('keeps the digits of long integers, both ways', async () => {
    const count: OnChat = async ({ tools }) => String(await tools.call('count', { from: 9007199254740993n }));
    const scene = await startSaying(count, {}, { json: exactJson });
    const tools = [{ type: 'function' as const, function: { name: 'count' } }];
    const { chat } = clientOf(scene);
    const first = await chat.completions.create({ ...ask(), tools });
    const message = first.choices[0]?.message;
    const [call] = message?.tool_calls ?? [];
    expect(call).toMatchObject({ function: { arguments: '{"from":9007199254740993}' } });
    const result = { role: 'tool' as const, tool_call_id: call?.id ?? '', content: '9007199254740995' };
    const last = await chat.completions.create({ ...ask(), messages: [...ask().messages, message as never, result] });
    expect(last.choices[0]?.message.content).toBe('9007199254740995');
  });
});
