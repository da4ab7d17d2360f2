import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { FakeModel } from '../../trials/fake-model/server.ts';

async function start() {
  const model = await FakeModel.start();
  onTestFinished(() => model.stop());
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${model.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.text();
    return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
  };
  return { model, post, openai: new OpenAI({ baseURL: `${model.url}/v1`, apiKey: 'any', maxRetries: 0 }) };
}

const parameters = { type: 'object', properties: { at: { type: 'string' } } };
const call = 'Some context. [[call clock {"at": "noon"}]]';

test('chat completions › streams words and calls, and tells what a tool answered', async () => {
  const { openai } = await start();
  const tool = {
    type: 'function' as const,
    function: { name: 'mcp_x_clock', description: 'time', parameters, parse: JSON.parse, function: () => 'late' },
  };
  const run = (content: string) =>
    openai.chat.completions.runTools({
      model: 'any',
      messages: [{ role: 'user', content }],
      tools: [tool],
      stream: true,
    });
  expect(await run('[[say good day]]').finalContent()).toBe('good day');
  expect(await run(call).finalContent()).toBe('result: late');
  expect(await run('[[call nothing]]').finalContent()).toBe('no tool nothing among mcp_x_clock');
});

test('responses › calls a tool of a namespace, and knows what was said before', async () => {
  const { openai } = await start();
  const said = { role: 'user' as const, content: '[[say good day]]' };
  const stream = openai.responses.stream({ model: 'any', input: [said, { role: 'user', content: '[[recall]]' }] });
  expect((await stream.finalResponse()).output_text).toBe('earlier: good day');
  const tools = [{ type: 'namespace', name: 'x', tools: [{ type: 'function', name: 'clock', parameters }] }];
  const answer = await openai.responses.create({ model: 'any', input: call, tools: tools as never });
  expect(answer.output[0]).toMatchObject({ name: 'clock', namespace: 'x', arguments: '{"at":"noon"}' });
});

test('messages of Anthropic’s › ends with tool_use, and tells the result', async () => {
  const { post } = await start();
  const user = { role: 'user', content: [{ type: 'text', text: call }] };
  const tools = [{ name: 'mcp__x__clock', input_schema: parameters }];
  const events = await post('/v1/messages', { stream: true, messages: [user], tools });
  expect(events.map(({ type }) => type)).toEqual([
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
  expect(events[1].content_block).toMatchObject({ type: 'tool_use', name: 'mcp__x__clock' });
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', content: 'late' }] };
  const after = await post('/v1/messages', { stream: true, messages: [user, result], tools });
  expect(after.map(({ delta }) => delta?.text ?? '').join('')).toBe('result: late');
});

test('Gemini › calls a function, and answers with JSON where a schema is given', async () => {
  const { model, post } = await start();
  const contents = [{ role: 'user', parts: [{ text: call }] }];
  const tools = [{ functionDeclarations: [{ name: 'clock', parametersJsonSchema: parameters }] }];
  const [chunk] = await post('/v1beta/models/any:streamGenerateContent?alt=sse', { contents, tools });
  expect(chunk.candidates[0].content.parts).toEqual([{ functionCall: { name: 'clock', args: { at: 'noon' } } }]);
  const answer = await fetch(`${model.url}/v1beta/models/any:generateContent`, {
    method: 'POST',
    body: JSON.stringify({ contents, generationConfig: { responseJsonSchema: parameters } }),
  });
  const whole = (await answer.json()) as typeof chunk;
  expect(JSON.parse(whole.candidates[0].content.parts[0].text)).toEqual({ at: 'x' });
});
