// A host that hands an agent a tool, and asks you before it lets anything else happen.
//
//   npm start -- --demo                                    the daemon, with an agent called echo
//   node dist/examples/host-tool.js echo '/tool add {"a": 1, "b": 2}'
//   node dist/examples/host-tool.js echo '/approve make coffee'
import { createInterface } from 'node:readline/promises';
import { connectHost } from 'switchboard/client';
import { z } from 'zod';

const [agentId = 'echo', prompt = '/tool add {"a": 1, "b": 2}'] = process.argv.slice(2);
const host = await connectHost({ onToolError: (error) => console.error(error) });

// Arguments that do not fit the schema never get here: the agent is told what is wrong with them.
const parameters = z.object({ a: z.number(), b: z.number() });
await host.tool('add', { description: 'Adds two numbers', parameters }, ({ a, b }, { signal }) => {
  // Hand `signal` to whatever takes long: it aborts when nobody waits for the answer any more.
  signal.throwIfAborted();
  return { sum: a + b };
});

const chat = host.chat(agentId, prompt);
for await (const event of chat) {
  if (event.kind === 'token') process.stdout.write(event.delta);
  if (event.kind === 'tool_call') console.log(`[uses ${event.tool}]`);
  if (event.kind === 'error') console.error(event.error);
  if (event.kind === 'approval_pending') {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question(`May it ${event.action ?? event.tool}? (yes or no) `);
    terminal.close();
    await chat.approve(event.approval_id, answer);
  }
}
console.log();
await host.close();
