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

/** Asks whoever sits here, until somebody has answered: it may be somebody else, from another window. */
async function ask(approvalId: string, what: string, { signal }: AbortController) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    await chat.approve(approvalId, await terminal.question(`May it ${what}? (yes or no) `, { signal }));
  } catch (error) {
    if (!signal.aborted) console.error(error);
  } finally {
    terminal.close();
  }
}

const asking = new Map<string, AbortController>();
for await (const event of chat) {
  if (event.kind === 'token') process.stdout.write(event.delta);
  if (event.kind === 'tool_call') console.log(`[uses ${event.tool}]`);
  if (event.kind === 'error') console.error(event.error);
  // What the agent asks for, or what the broker holds back (`--approve tools.execute:add`, say).
  if (event.kind === 'approval_pending' || event.kind === 'gate_pending') {
    const what = event.kind === 'gate_pending' ? `use ${event.details.tool}` : (event.action ?? event.tool);
    const question = new AbortController();
    asking.set(event.approval_id, question);
    void ask(event.approval_id, String(what), question);
  }
  if (event.kind === 'approval_resolved' || event.kind === 'gate_resolved') asking.get(event.approval_id)?.abort();
}
console.log();
await host.close();
