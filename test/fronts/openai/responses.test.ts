import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import fc from 'fast-check';
import OpenAI from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { describe, expect, test } from 'vitest';
import type { AgentEvent, AgentOptions, OnChat } from '../../../client/node.ts';
import { cancelled, deferred, startFronts } from '../front-scene.ts';

async function startSaying(onChat: OnChat, options: object = {}, more: Partial<AgentOptions> = {}) {
  const scene = await startFronts(options);
  const own = await scene.agent('echo', onChat, more);
  const baseURL = `${scene.url}/v1`;
  return {
    ...scene,
    ...own,
    openai: new OpenAI({ baseURL, apiKey: scene.token, maxRetries: 2 }),
    ai: createOpenAI({ baseURL, apiKey: scene.token }).responses('echo'),
  };
}

/** An agent that counts its turns in each session. */
function counting(): OnChat {
  const seen = new Map<string, number>();
  return async ({ sessionId, prompt }) => {
    const count = (seen.get(sessionId) ?? 0) + 1;
    seen.set(sessionId, count);
    return `${count}: ${prompt}`;
  };
}

/** What `openai` is sent of a response, event by event, and what is wrong with their order. */
async function eventsOf(openai: OpenAI, body: object = {}) {
  const stream = await openai.responses.create({ model: 'echo', input: 'hi', ...body, stream: true });
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** Holds the order that the contract has: numbers without a gap, items one after the other, each closed in full. */
function checkOrder(events: ResponseStreamEvent[]) {
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
  const types = events.map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(['response.created', 'response.in_progress']);
  expect(types.at(-1)).toMatch(/^response\.(completed|incomplete|failed)$/);
  const inner = types.slice(2, -1).join(' ').replaceAll('response.', '');
  const text = 'content_part.added (?:output_text.delta )+output_text.done content_part.done';
  const summary =
    'reasoning_summary_part.added (?:reasoning_summary_text.delta )+reasoning_summary_text.done reasoning_summary_part.done';
  const call = 'function_call_arguments.delta function_call_arguments.done';
  const item = `output_item.added (?:${text}|${summary}|${call}) output_item.done`.replaceAll('.', '\\.');
  expect(inner).toMatch(new RegExp(`^(?:${item}(?: |$))*$`));
  const last = events.at(-1) as { response: OpenAI.Responses.Response };
  const done = events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
  expect(last.response.output).toEqual(done);
  for (const event of events)
    if (event.type === 'response.output_item.done') expect(event.output_index).toBe(done.indexOf(event.item));
  return last.response;
}

describe('a response › when it is asked for', () => {
  test('then it comes whole, or event by event', async () => {
    const { openai, turns } = await startSaying(async function* () {
      yield { kind: 'reasoning', delta: 'let me' };
      yield { kind: 'reasoning', delta: ' see' };
      yield { kind: 'tool_call', call_id: 'c', tool: 'own' };
      yield 'good ';
      yield 'day';
      yield { kind: 'usage', input_tokens: 2, output_tokens: 3 };
    });
    const asked = { instructions: 'be kind', max_output_tokens: 99, metadata: { a: 'b' } };
    const whole = await openai.responses.create({ model: 'echo', input: 'hi', ...asked });
    expect(whole).toMatchObject({ status: 'completed', output_text: 'good day', error: null, ...asked });
    expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(whole.usage).toMatchObject({ input_tokens: 2, output_tokens: 3, total_tokens: 5 });
    expect(whole.output[0]).toMatchObject({ summary: [{ text: 'let me see' }] });
    const response = checkOrder(await eventsOf(openai));
    expect(response.output).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'let me see' }] },
      { type: 'message', status: 'completed', content: [{ text: 'good day' }] },
    ]);
    expect(turns[0]?.context).toMatchObject({
      instructions: 'be kind',
      sampling: { max_output_tokens: 99 },
      front: 'openai',
    });
  });

  test.each([
    ['length', 'max_output_tokens'],
    ['refusal', 'content_filter'],
  ])('and finishes by %s › then it is incomplete', async (finish_reason, reason) => {
    const { openai } = await startSaying(async function* () {
      yield { kind: 'done', finish_reason, text: 'some' };
    });
    const response = await openai.responses.create({ model: 'echo', input: 'hi' });
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason }, output_text: 'some' });
    expect(checkOrder(await eventsOf(openai))).toMatchObject({ status: 'incomplete', incomplete_details: { reason } });
  });

  test('and the turn fails › then it is refused, or failed, and not run again', async () => {
    const { openai, turns } = await startSaying(async function* () {
      yield 'well';
      yield { kind: 'error', error: 'no luck', code: 'agent_exited', retryable: true };
    });
    await expect(openai.responses.create({ model: 'echo', input: 'hi' })).rejects.toMatchObject({
      status: 503,
      code: 'agent_exited',
    });
    expect(turns).toHaveLength(1);
    expect(checkOrder(await eventsOf(openai))).toMatchObject({
      status: 'failed',
      error: { code: 'agent_exited', message: 'no luck' },
      output: [{ content: [{ text: 'well' }] }],
    });
  });

  test('and is too long › then it has failed', async () => {
    const { openai } = await startSaying(
      async function* ({ signal }) {
        for (let at = 0; at < 40 && !signal.aborted; at += 1) yield 'x'.repeat(1_000);
      },
      { broker: { limits: { maxMessageBytes: 20_000 } } },
    );
    await expect(openai.responses.create({ model: 'echo', input: 'hi' })).rejects.toMatchObject({
      code: 'answer_too_large',
    });
    expect(checkOrder(await eventsOf(openai))).toMatchObject({ status: 'failed', error: { code: 'answer_too_large' } });
  });

  test.each([
    [{ input: '' }, 'input', null],
    [{ input: [] }, 'input', null],
    [{ input: 5 }, 'input', null],
    [{ input: [{ role: 'assistant', content: 'hi' }] }, 'input', null],
    [{ input: [{ role: 'robot', content: 'hi' }] }, 'input[0]', null],
    [{ input: [{ role: 'user', content: [{ type: 'input_file' }] }] }, 'input[0].content[0]', 'unsupported_value'],
    [{ background: true }, 'background', 'unsupported_value'],
    [{ previous_response_id: 'resp_x' }, 'previous_response_id', 'previous_response_not_found'],
  ])('with %j › then it is 400, and named', async (more, param, code) => {
    const { openai, turns } = await startSaying(counting());
    const asked = openai.responses.create({ model: 'echo', input: 'hi', ...more } as never);
    await expect(asked).rejects.toMatchObject({ status: 400, param, code });
    expect(turns).toEqual([]);
  });

  test('and is asked about afterwards › then there is none', async () => {
    const { openai } = await startSaying(counting());
    const { id } = await openai.responses.create({ model: 'echo', input: 'hi' });
    await expect(openai.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
    await expect(openai.responses.delete(id)).rejects.toMatchObject({ status: 404 });
  });

  test('and its client goes › then the turn is cancelled', async () => {
    const { openai, turn } = await startSaying(async (own) => {
      own.token('half');
      await cancelled(own);
    });
    const stream = await openai.responses.create({ model: 'echo', input: 'hi', stream: true });
    for await (const { type } of stream) if (type === 'response.output_text.delta') stream.controller.abort();
    expect(await cancelled(await turn())).toBe('host_cancelled');
  });
});

describe('a conversation of responses › goes on in its session', () => {
  test('by previous_response_id, which is a key’s own', async () => {
    const { openai, url, key } = await startSaying(counting());
    const first = await openai.responses.create({ model: 'echo', input: 'one' });
    const next = { model: 'echo', input: 'two', previous_response_id: first.id };
    expect((await openai.responses.create(next)).output_text).toBe('2: two');
    const other = new OpenAI({ baseURL: `${url}/v1`, apiKey: await key('bob'), maxRetries: 0 });
    await expect(other.responses.create(next)).rejects.toMatchObject({ code: 'previous_response_not_found' });
  });

  test('by its name', async () => {
    const { openai } = await startSaying(counting());
    const named = { model: 'echo', conversation: { id: 'conv_1' } };
    await openai.responses.create({ ...named, input: 'one' });
    const second = await openai.responses.create({ ...named, conversation: 'conv_1', input: 'two' });
    expect(second).toMatchObject({ output_text: '2: two', conversation: { id: 'conv_1' } });
  });

  test('by what was said, and by items that are only named', async () => {
    const { openai, turns } = await startSaying(counting());
    const asked = { model: 'echo', instructions: 'x' };
    const first = await openai.responses.create({ ...asked, input: 'one' });
    const user = (content: string) => ({ role: 'user' as const, content });
    const answer = first.output[0] as OpenAI.Responses.ResponseOutputMessage;
    const repeated = [user('one'), answer, user('two')];
    expect((await openai.responses.create({ ...asked, input: repeated })).output_text).toBe('2: two');
    const named = [user('one'), { type: 'item_reference' as const, id: answer.id }, user('three')];
    expect((await openai.responses.create({ ...asked, input: named })).output_text).toBe('3: three');
    const anew = await openai.responses.create({ ...asked, input: repeated });
    expect(anew.output_text).toBe('1: two');
    expect(turns.at(-1)?.context).toMatchObject({
      instructions: 'x',
      history: [user('one'), { role: 'assistant', content: '1: one' }],
    });
  });
});

const asking: OnChat = async function* ({ prompt, tools }) {
  yield `${prompt}: `;
  const [one, two] = await Promise.all([tools.call('clock', { at: 'here' }), tools.call('clock', { at: 'there' })]);
  yield `${one}, ${two}`;
};
const parameters = { type: 'object', properties: { at: { type: 'string' } } };

describe('tools of the client’s › by responses', () => {
  test('are run by openai, in one turn of the agent’s', async () => {
    const { openai, turns } = await startSaying(asking);
    const tools = [{ type: 'function' as const, name: 'clock', parameters, strict: false }];
    const first = await openai.responses.create({ model: 'echo', input: 'time', tools });
    const calls = first.output.filter((item) => item.type === 'function_call');
    expect(calls.map(({ name, arguments: args }) => [name, args])).toEqual([
      ['clock', '{"at":"here"}'],
      ['clock', '{"at":"there"}'],
    ]);
    const outputs = calls.map(({ call_id, arguments: args }) => ({
      type: 'function_call_output' as const,
      call_id,
      output: `noon ${JSON.parse(args).at}`,
    }));
    const second = await openai.responses.create({
      model: 'echo',
      input: outputs,
      previous_response_id: first.id,
      tools,
    });
    expect(second.output_text).toBe('noon here, noon there');
    expect(turns).toHaveLength(1);
  });

  test('are run by ai, streamed and not', async () => {
    const { ai, turns } = await startSaying(asking);
    const clock = tool({
      inputSchema: jsonSchema<{ at: string }>(parameters as object),
      execute: async ({ at }) => `noon ${at}`,
    });
    const asked = { model: ai, prompt: 'time', tools: { clock }, stopWhen: stepCountIs(5) };
    const { steps } = await generateText(asked);
    expect(steps.map(({ text }) => text)).toEqual(['time: ', 'noon here, noon there']);
    let text = '';
    for await (const part of streamText(asked).fullStream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'text-delta') text += part.text;
    }
    expect(text).toBe('time: noon here, noon there');
    expect(turns).toHaveLength(2);
  });

  test('that nobody waits for, with no word of a person’s › are refused', async () => {
    const { openai, turns } = await startSaying(asking);
    const input = [{ type: 'function_call_output' as const, call_id: 'cb-1', output: '1' }];
    await expect(openai.responses.create({ model: 'echo', input })).rejects.toMatchObject({
      status: 400,
      param: 'input',
    });
    expect(turns).toEqual([]);
  });
});

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'token', delta })),
  fc.string({ maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'reasoning', delta })),
  fc.constantFrom<AgentEvent>(
    { kind: 'tool_call', call_id: 'c', tool: 'own', params: { a: 1 } },
    { kind: 'tool_result', call_id: 'c', tool: 'own', ok: false },
    { kind: 'usage', total_tokens: 4 },
    { kind: 'anything' },
  ),
);
const ends = fc.constantFrom<AgentEvent>(
  { kind: 'done', finish_reason: 'stop' },
  { kind: 'done', finish_reason: 'length', text: 'whole' },
  { kind: 'error', error: 'no luck' },
);

test('any history of events › is a response in order, to both clients', async () => {
  let next: AgentEvent[] = [];
  const { openai, ai } = await startSaying(
    async (turn) => {
      for (const event of next) turn.event(event);
    },
    { openai: { showTools: true } },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 12 }), ends, async (events, end) => {
      next = [...events, end];
      const said = events.map(({ kind, delta }) => (kind === 'token' ? delta : '')).join('');
      const expected = said || (events.some(({ kind }) => kind === 'token') ? '' : String(end.text ?? ''));
      const response = checkOrder(await eventsOf(openai));
      const text = response.output
        .flatMap((item) => (item.type === 'message' ? item.content : []))
        .map((part) => (part.type === 'output_text' ? part.text : ''))
        .join('');
      expect(text).toBe(expected);
      expect(response.status === 'failed').toBe(end.kind === 'error');
      let streamed = '';
      // Whether it tries again, seconds later, is its own affair.
      for await (const part of streamText({ model: ai, prompt: 'go', maxRetries: 0, onError: () => {} }).fullStream)
        if (part.type === 'text-delta') streamed += part.text;
      expect(streamed).toBe(expected);
    }),
    { numRuns: 15 },
  );
});

test('a response that begins › says so before the agent has said a word', async () => {
  const go = deferred();
  const { openai } = await startSaying(async () => {
    await go.promise;
    return 'late';
  });
  const stream = await openai.responses.create({ model: 'echo', input: 'hi', stream: true });
  for await (const { type } of stream) if (type === 'response.in_progress') go.resolve();
});
