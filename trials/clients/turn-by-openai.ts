// What OpenAI's package does in a trial: `node turn-by-openai.ts FOLDER STEP PROMPT`, with the package in FOLDER.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder = '', step = '', prompt = ''] = process.argv.slice(2);
const { OpenAI } = createRequire(join(folder, 'any.js'))('openai');
const client = new OpenAI();
const asked = { model: 'echo', messages: [{ role: 'user', content: prompt }] };
const clock = {
  type: 'function',
  function: {
    name: 'clock',
    description: 'Tells the time',
    parameters: { type: 'object', properties: {} },
    parse: JSON.parse,
    function: () => 'half past',
  },
};

const steps: Record<string, () => Promise<unknown>> = {
  async models() {
    const { data } = await client.models.list();
    return data.map(({ id }: { id: string }) => id).join(' ');
  },
  async create() {
    return (await client.chat.completions.create(asked)).choices[0].message.content;
  },
  async stream() {
    let text = '';
    for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) {
      text += choices[0]?.delta.content ?? '';
    }
    return text;
  },
  async tools() {
    const run = client.chat.completions.runTools({ ...asked, tools: [clock], stream: true });
    return run.finalContent();
  },
  async responses() {
    const stream = client.responses.stream({ model: 'echo', input: prompt });
    return (await stream.finalResponse()).output_text;
  },
  async stop() {
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content) stream.controller.abort();
    process.stdout.write('stopped');
    // Its going would be a stop as well.
    await once(process.stdin.resume(), 'end');
  },
};

const said = await steps[step]?.();
if (typeof said === 'string') process.stdout.write(said);
