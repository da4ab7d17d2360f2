// Chats with an agent by OpenAI's own package: any program that takes a base URL and a key does the same.
//
//   npm start -- --demo
//   OPENAI_API_KEY=$(npx switchboard keys add me) node examples/openai.mjs "hello there"
//   OPENAI_API_KEY=… node examples/openai.mjs "/tool clock"
import OpenAI from 'openai';

const [prompt = 'hello there', model = 'echo'] = process.argv.slice(2);
const client = new OpenAI({ baseURL: process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:9100/v1' });

// Tools of this program's, which the agent may call. What the agent does with its own is its own business.
const clock = {
  type: 'function',
  function: {
    name: 'clock',
    description: 'Tells the time',
    parameters: { type: 'object', properties: {} },
    parse: JSON.parse,
    function: () => new Date().toISOString(),
  },
};

const run = client.chat.completions.runTools({
  model,
  messages: [{ role: 'user', content: prompt }],
  tools: [clock],
  stream: true,
});
run.on('content', (delta) => process.stdout.write(delta));
await run.done();
process.stdout.write('\n');
