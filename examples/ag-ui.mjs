// Chats with an agent by AG-UI's own client, as CopilotKit and others do: with a tool of this program's, and a person's word.
//
//   npm start -- --demo
//   AG_UI_KEY=$(npx switchboard keys add me) node examples/ag-ui.mjs "hello there"
//   AG_UI_KEY=… node examples/ag-ui.mjs "/tool clock"
//   AG_UI_KEY=… node examples/ag-ui.mjs "/approve to go on"
import { createInterface } from 'node:readline/promises';
import { buildResumeArray, HttpAgent } from '@ag-ui/client';

const [prompt = 'hello there', name = 'echo'] = process.argv.slice(2);
const agent = new HttpAgent({
  url: `${process.env.AG_UI_URL ?? 'http://127.0.0.1:9100/ag-ui'}/${name}`,
  headers: { authorization: `Bearer ${process.env.AG_UI_KEY}` },
});
const tools = [{ name: 'clock', description: 'Tells the time', parameters: { type: 'object', properties: {} } }];

let failure;
agent.messages.push({ id: crypto.randomUUID(), role: 'user', content: prompt });
for (let next = {}; next; next = failure ? undefined : await answers()) {
  await agent.runAgent(
    { tools, ...next },
    {
      onTextMessageContentEvent: ({ event }) => void process.stdout.write(event.delta),
      onRunErrorEvent: ({ event }) => {
        failure = event.message;
      },
      onRunFinishedEvent: ({ pendingToolCallIds = [] }) => {
        for (const toolCallId of pendingToolCallIds)
          agent.messages.push({ id: crypto.randomUUID(), role: 'tool', toolCallId, content: new Date().toISOString() });
      },
    },
  );
}
process.stdout.write('\n');
if (failure) throw new Error(failure);

/** What the next run is to say: the results of tools are among the messages by then. Undefined: nothing is asked. */
async function answers() {
  const asked = agent.pendingInterrupts;
  if (asked.length === 0) return agent.messages.at(-1)?.role === 'tool' ? {} : undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const words = {};
  for (const { id, message } of asked) {
    const approved = /^y/i.test(await terminal.question(`${message}? `));
    words[id] = { status: 'resolved', payload: { approved } };
  }
  terminal.close();
  return { resume: buildResumeArray(asked, words) };
}
