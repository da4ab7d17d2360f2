import { afterEach, expect, test } from 'vitest';
import { connectAgent } from '../../../client/node.ts';
import { deferred } from '../../client/real-broker.ts';
import { arrive, type Member } from './support/brokers.ts';
import { startTakeover, told } from './support/takeover-scene.ts';

/* An agent of the SDK whose broker is killed for good: what `onChat` says is whole, and it notices nothing. */

let scene: Awaited<ReturnType<typeof startTakeover>>;

afterEach(() => scene.cluster.end());

/** Lets real timers run, of an agent that connects again, and the brokers' clock with them. */
async function until(isDone: () => boolean): Promise<void> {
  for (let times = 0; times < 400; times += 1) {
    if (isDone()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
    await scene.cluster.pass(1);
  }
  throw new Error('it has not come about');
}

test('an agent of the SDK › goes on with its turn at another broker, and runs once', async () => {
  scene = await startTakeover();
  const { a, b, c, kill } = scene;
  const go = deferred();
  let runs = 0;
  let at: Member = b;
  const links: { terminate(): void }[] = [];
  const agent = await connectAgent({
    link: () => {
      const link = at.broker.connect();
      links.push(link);
      return link;
    },
    agentId: 'bot',
    token: '',
    reconnect: { minMs: 1, maxMs: 5 },
    async *onChat() {
      runs += 1;
      yield 'one ';
      yield 'two ';
      await go.promise;
      yield 'three';
    },
  });
  await arrive();
  const host = a.connect();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000 });
  await until(() => told(host).length === 2);
  at = c;
  await kill();
  links[0]?.terminate();
  await until(() => links.length > 1);
  go.resolve();
  await until(() => told(host).length >= 4);
  expect(told(host)).toEqual(['1 one ', '2 two ', '3 three', '4 done']);
  expect(runs).toBe(1);
  await agent.close();
});
