/**
 * An agent that speaks ACP on stdio, and costs its bridge what any agent does: run as `node acp-agent.js`. A prompt is JSON,
 * `{deltas, length, perSecond}`: so many messages of so many characters, as fast as they are taken where no rhythm is named.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

interface Wanted {
  deltas: number;
  length: number;
  perSecond?: number;
}

const answer = (id: unknown, result: object) =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);

async function stream(sessionId: string, { deltas, length, perSecond }: Wanted): Promise<void> {
  const update = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'x'.repeat(length) } };
  const line = `${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { sessionId, update } })}\n`;
  const from = performance.now();
  for (let sent = 0; sent < deltas; sent += 1) {
    if (perSecond !== undefined) {
      const early = (sent * 1_000) / perSecond - (performance.now() - from);
      if (early > 0) await sleep(early);
    }
    if (!process.stdout.write(line)) await once(process.stdout, 'drain');
  }
}

let sessions = 0;
for await (const text of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(text);
  if (method === 'initialize') answer(id, { protocolVersion: 1, agentCapabilities: {} });
  else if (method === 'session/new') answer(id, { sessionId: `${process.pid}-${++sessions}` });
  else if (method === 'session/prompt') {
    await stream(params.sessionId, JSON.parse(params.prompt.at(-1).text));
    answer(id, { stopReason: 'end_turn' });
  }
}
