// An agent: answers every prompt word by word. Copy it and put your own work in `answer`.
//
//   npx switchboard agents add my-agent          prints the agent's token
//   SWITCHBOARD_AGENT_TOKEN=… node dist/examples/agent.js my-agent
//   npx switchboard chat my-agent "hello there"
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAgent, type Turn } from 'switchboard/client';

const [agentId = 'my-agent', token = process.env.SWITCHBOARD_AGENT_TOKEN] = process.argv.slice(2);

async function* answer({ prompt, signal }: Turn) {
  yield 'You said: ';
  for (const word of prompt.split(' ')) {
    // Hand `signal` to whatever you wait for: when the host cancels, it stops at once.
    await sleep(100, undefined, { signal });
    yield `${word} `;
  }
}

const agent = await connectAgent({
  url: process.env.SWITCHBOARD_URL ?? 'ws://127.0.0.1:9100',
  agentId,
  token,
  onChat: answer,
  waitForBroker: true,
  onStatus: ({ status }) => console.log(`${agentId}: ${status}`),
  onError: (error) => console.error(error),
});
process.once('SIGINT', () => agent.close());
console.log(`ended: ${(await agent.closed).message}`);
