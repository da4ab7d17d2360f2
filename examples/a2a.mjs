// Chats with an agent as any other agent does that speaks A2A: by its card.
//
//   npm start -- --demo --front all
//   SWITCHBOARD_KEY=$(npx switchboard keys add me) node examples/a2a.mjs "hello there"
//   SWITCHBOARD_KEY=… node examples/a2a.mjs "/approve tidy up"
import { createInterface } from 'node:readline/promises';
import { Role, TaskState } from '@a2a-js/sdk';
import { ClientFactory, ClientFactoryOptions, JsonRpcTransportFactory } from '@a2a-js/sdk/client';

const [prompt = 'hello there', agent = 'echo'] = process.argv.slice(2);
const daemon = process.env.SWITCHBOARD_URL ?? 'http://127.0.0.1:9100';

const authorization = `Bearer ${process.env.SWITCHBOARD_KEY}`;
const fetchImpl = (url, init) => fetch(url, { ...init, headers: { ...init?.headers, authorization } });
const transports = [new JsonRpcTransportFactory({ fetchImpl })];
const factory = new ClientFactory({ ...ClientFactoryOptions.default, transports });
const client = await factory.createFromUrl(`${daemon}/a2a/${agent}/`, '.well-known/agent-card.json');

const textIn = (parts = []) => parts.map(({ content }) => (content?.$case === 'text' ? content.value : '')).join('');
const part = (value) => ({ content: { $case: 'text', value }, mediaType: '', filename: '' });
const message = (text, taskId = '') => ({
  messageId: crypto.randomUUID(),
  contextId: '',
  taskId,
  role: Role.ROLE_USER,
  parts: [part(text)],
  extensions: [],
  referenceTaskIds: [],
});

let taskId;
let next = message(prompt);
while (next) {
  const stream = client.sendMessageStream({ tenant: '', message: next });
  next = undefined;
  for await (const { payload } of stream) {
    if (payload.$case === 'task') taskId = payload.value.id;
    else if (payload.$case === 'artifactUpdate') process.stdout.write(textIn(payload.value.artifact.parts));
    else if (payload.value.status.state === TaskState.TASK_STATE_INPUT_REQUIRED) {
      // The agent asks: what a person types is sent to the same task.
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      next = message(await terminal.question(`${textIn(payload.value.status.message.parts)} `), taskId);
      terminal.close();
    } else if (payload.value.status.message) console.error(textIn(payload.value.status.message.parts));
  }
}
process.stdout.write('\n');
