import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { AgentEvent, OnChat } from '../../../client/node.ts';
import { cancelled, deferred, startFronts } from '../front-scene.ts';

/** An agent that asks its client for the time, twice, and says it. */
const asking: OnChat = async function* ({ prompt, tools }) {
  yield `${prompt}: `;
  const here = await tools.call('clock', { at: 'here' });
  yield `${here} here, `;
  const [there, then] = await Promise.all([tools.call('clock', { at: 'there' }), tools.call('fail', {}).catch(String)]);
  yield `${there} there, ${then}`;
};

async function startBoth(onChat: OnChat, options: object = {}) {
  const scene = await startFronts(options);
  const own = await scene.agent('echo', onChat);
  const baseURL = `${scene.url}/v1`;
  return {
    ...scene,
    ...own,
    openai: new OpenAI({ baseURL, apiKey: scene.token, maxRetries: 2 }),
    ai: createOpenAICompatible({ name: 'switchboard', baseURL, apiKey: scene.token, includeUsage: true })('echo'),
  };
}

const noon = { at: 'noon' };

describe('openai › runTools', () => {
  test('runs the client’s tools in one turn of the agent’s, streamed and not', async () => {
    const { openai, turns } = await startBoth(asking);
    const parameters = { type: 'object', properties: { at: { type: 'string' } } };
    const clock = {
      type: 'function' as const,
      function: {
        name: 'clock',
        description: 'time',
        parameters,
        parse: JSON.parse,
        function: ({ at }: { at: string }) => `noon ${at}`,
      },
    };
    const fail = {
      type: 'function' as const,
      function: { name: 'fail', description: 'fails', parameters, parse: JSON.parse, function: () => 'no luck' },
    };
    const asked = { model: 'echo', messages: [{ role: 'user' as const, content: 'time' }], tools: [clock, fail] };
    const whole = openai.chat.completions.runTools(asked);
    expect(await whole.finalContent()).toBe('noon there there, no luck');
    const stream = openai.chat.completions.runTools({ ...asked, stream: true });
    const contents: string[] = [];
    stream.on('content', (delta) => contents.push(delta));
    await stream.done();
    expect(contents.join('')).toBe('time: noon here here, noon there there, no luck');
    expect(turns).toHaveLength(2);
  });
});

describe('ai with openai-compatible', () => {
  const tools = {
    clock: tool({
      description: 'time',
      inputSchema: jsonSchema<{ at: string }>({ type: 'object', properties: { at: { type: 'string' } } }),
      execute: async ({ at }) => `noon ${at}`,
    }),
    fail: tool({
      inputSchema: jsonSchema<object>({ type: 'object', properties: {} }),
      execute: async (): Promise<string> => {
        throw new Error('no luck');
      },
    }),
  };

  test('runs its tools in one turn of the agent’s, streamed and not', async () => {
    const { ai, turns } = await startBoth(asking);
    const whole = await generateText({ model: ai, prompt: 'time', tools, stopWhen: stepCountIs(5) });
    expect(whole.steps.map(({ text }) => text)).toEqual(['time: ', 'noon here here, ', 'noon there there, no luck']);
    const stream = streamText({ model: ai, prompt: 'time', tools, stopWhen: stepCountIs(5) });
    let text = '';
    for await (const part of stream.fullStream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'text-delta') text += part.text;
    }
    expect(text).toBe('time: noon here here, noon there there, no luck');
    expect(turns).toHaveLength(2);
  });

  test('hears reasoning, usage and pictures, and an error as one', async () => {
    const { ai, turns } = await startBoth(async function* ({ prompt }) {
      yield { kind: 'reasoning', delta: 'hm' };
      yield 'so ';
      if (prompt === 'fail') yield { kind: 'error', error: 'no luck' };
      yield { kind: 'usage', input_tokens: 2, output_tokens: 3, total_tokens: 5 };
      yield 'be it';
    });
    const image = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
    const content = [
      { type: 'text' as const, text: 'look' },
      { type: 'image' as const, image, mediaType: 'image/png' },
    ];
    const { text, reasoningText, usage } = await generateText({ model: ai, messages: [{ role: 'user', content }] });
    expect([text, reasoningText, usage.totalTokens]).toEqual(['so be it', 'hm', 5]);
    expect(turns[0]?.params.attachments).toMatchObject([{ type: 'image_base64', media_type: 'image/png' }]);
    const failed: unknown = await generateText({ model: ai, prompt: 'fail' }).catch((error) => error);
    expect(failed).toBeInstanceOf(APICallError);
    expect(failed).toMatchObject({ statusCode: 424, message: 'no luck' });
    expect(turns).toHaveLength(2);
    const parts = [];
    for await (const { type } of streamText({ model: ai, prompt: 'fail', onError: () => {} }).fullStream)
      parts.push(type);
    expect(parts).toContain('error');
  });
});

describe('whoever stops › by each client', () => {
  test('half way › cancels the turn', async () => {
    const begin = deferred();
    const { openai, ai, turn } = await startBoth(async (own) => {
      own.token('half ');
      begin.resolve();
      await cancelled(own);
    });
    const stop = new AbortController();
    const { textStream } = streamText({ model: ai, prompt: 'go', abortSignal: stop.signal });
    const read = (async () => {
      for await (const _ of textStream) stop.abort();
    })();
    expect(await cancelled(await turn(0))).toBe('host_cancelled');
    await read.catch(() => {});
    const stream = await openai.chat.completions.create({
      model: 'echo',
      stream: true,
      messages: [{ role: 'user', content: 'go' }],
    });
    for await (const { choices } of stream) if (choices[0]?.delta.content) stream.controller.abort();
    expect(await cancelled(await turn(1))).toBe('host_cancelled');
  });

  test('while a tool of its own is asked for › cancels the turn', async () => {
    const { openai, turn } = await startBoth(async (own) => {
      own.token('x');
      await own.tools.call('clock', noon).catch(() => {});
    });
    const tools = [{ type: 'function' as const, function: { name: 'clock' } }];
    const stream = await openai.chat.completions.create({
      model: 'echo',
      stream: true,
      tools,
      messages: [{ role: 'user', content: 'go' }],
    });
    for await (const { choices } of stream) if (choices[0]?.delta.content) stream.controller.abort();
    expect(await cancelled(await turn())).toBe('host_cancelled');
  });
});

/** What an agent may say, in any order. */
const words = fc.oneof(
  fc.string({ unit: 'binary', minLength: 0, maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'token', delta })),
  fc.string({ maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'reasoning', delta })),
  fc.constantFrom<AgentEvent>(
    { kind: 'tool_call', call_id: 'c', tool: 'own', params: { a: 1 } },
    { kind: 'tool_call_update', call_id: 'c', status: 'x' },
    { kind: 'tool_result', call_id: 'c', tool: 'own', ok: false },
    { kind: 'todos', todos: [{ content: 'a', status: 'pending' }] },
    { kind: 'notice', severity: 'error', title: 't' },
    { kind: 'content', content: { type: 'data', data: 1 } },
    { kind: 'usage', input_tokens: 1, output_tokens: -1, total_tokens: 'many' },
    { kind: 'anything', delta: 1 },
    { kind: 'CALL' },
  ),
);
const history = fc.record({
  events: fc.array(words, { maxLength: 12 }),
  end: fc.constantFrom<AgentEvent>(
    { kind: 'done', finish_reason: 'stop' },
    { kind: 'done', finish_reason: 'length', text: 'whole' },
    { kind: 'error', error: 'no luck' },
    { kind: 'auth_required', reason: 'r', message: 'log in' },
  ),
});

test('any history of events › is read by both clients to its end', async () => {
  let next: { events: AgentEvent[]; end: AgentEvent } = { events: [], end: { kind: 'done' } };
  const { openai, ai } = await startBoth(
    async (turn) => {
      for (const event of next.events)
        if (event.kind === 'CALL') await turn.tools.call('clock', {});
        else turn.event(event);
      turn.event(next.end);
    },
    { openai: { showTools: true } },
  );
  const definition = { name: 'clock', parameters: { type: 'object', properties: {} } };
  const byOpenAi = async () => {
    const run = openai.chat.completions.runTools(
      {
        model: 'echo',
        stream: true,
        messages: [{ role: 'user', content: 'go' }],
        tools: [
          { type: 'function', function: { ...definition, description: '', parse: JSON.parse, function: () => 'noon' } },
        ],
      },
      { maxChatCompletions: 20 },
    );
    let text = '';
    run.on('content', (delta) => {
      text += delta;
    });
    await run.done();
    return text;
  };
  const byAi = async () => {
    const tools = {
      clock: tool({ inputSchema: jsonSchema<object>(definition.parameters as object), execute: async () => 'noon' }),
    };
    const asked = { model: ai, prompt: 'go', tools, stopWhen: stepCountIs(20), onError: () => {} };
    let text = '';
    for await (const part of streamText(asked).fullStream) {
      // What the stream has said, as it came.
      if (part.type === 'error') throw new Error('the stream failed', { cause: part.error });
      if (part.type === 'text-delta') text += part.text;
    }
    return text;
  };
  await fc.assert(
    fc.asyncProperty(history, async (told) => {
      next = told;
      const said = told.events.map(({ kind, delta }) => (kind === 'token' ? delta : '')).join('');
      const hasSpoken = told.events.some(({ kind }) => kind === 'token');
      const expected = said || (hasSpoken ? '' : String(told.end.text ?? ''));
      for (const read of [byOpenAi, byAi]) {
        const outcome = await read().catch((error: unknown) => error);
        if (told.end.kind === 'done') expect(outcome).toBe(expected);
        else expect(outcome).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 12 },
  );
});
