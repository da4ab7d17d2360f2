// What the AI SDK does in a trial: `node turn-by-ai.ts FOLDER STEP PROMPT`, with its packages in FOLDER. A step is the
// provider's name, or that and `-stop`.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder = '', step = '', prompt = ''] = process.argv.slice(2);
const load = createRequire(join(folder, 'any.js'));
const { jsonSchema, stepCountIs, streamText, tool } = load('ai');
const { createOpenAICompatible } = load('@ai-sdk/openai-compatible');
const { createOpenAI } = load('@ai-sdk/openai');
const [, provider = '', isStop] = /^(.*?)(-stop)?$/.exec(step) ?? [];
const baseURL = process.env.OPENAI_BASE_URL;
const apiKey = process.env.OPENAI_API_KEY;
const model =
  provider === 'openai'
    ? createOpenAI({ baseURL, apiKey })('echo')
    : createOpenAICompatible({ name: 'switchboard', baseURL, apiKey })('echo');
const clock = tool({
  description: 'Tells the time',
  inputSchema: jsonSchema({ type: 'object', properties: {} }),
  execute: async () => 'half past',
});
const stop = new AbortController();
const { textStream } = streamText({
  model,
  prompt,
  tools: { clock },
  stopWhen: stepCountIs(3),
  abortSignal: stop.signal,
  onError: ({ error }: { error: unknown }) => console.error(error),
});
try {
  for await (const text of textStream) {
    if (isStop) stop.abort();
    else process.stdout.write(text);
  }
} catch (error) {
  if (!isStop) throw error;
}
if (isStop) {
  process.stdout.write('stopped');
  // Its going would be a stop as well.
  await once(process.stdin.resume(), 'end');
}
