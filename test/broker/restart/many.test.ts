import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { MemoryDisk } from '../../support/memory-turn-journal.ts';
import { readMetric } from '../../support/metrics.ts';
import { startKept, startLife } from './restart-scene.ts';

const TURNS = 10_000;

test(`${TURNS} turns › when the broker is started anew › then each is there, and whoever comes meanwhile is answered`, async () => {
  const { disk, life, agent, say } = await startKept();
  await say(agent, 1, 'a', 'b');
  life.kill();
  const [opened, ...rest] = disk.blocks.flat();
  if (opened?.op !== 'open') throw new Error('the first is no turn');
  // The same turn, ten thousand times.
  const many = new MemoryDisk();
  for (let turn = 1; turn <= TURNS; turn += 1) {
    const facts = { ...(opened.facts as object), id: `turn-${turn}`, session_id: `s${turn}`, session_key: `s${turn}` };
    const said = rest.filter(({ op }) => op === 'token').map((one) => ({ ...one, turn }));
    many.blocks.push([{ ...opened, turn, facts }, ...said]);
  }
  const next = startLife(many);
  const [host, manager] = [await next.linked.host(), await next.linked.manager()];
  const subscribed = manager.post('agents.chat.subscribe', { session_id: `s${TURNS}` });
  let served = 0;
  while (!manager.replyTo(subscribed)) {
    for (let turn = 0; turn < 200; turn += 1) await settle();
    // Everybody else has their turn in between.
    await host.ok('agents.list', {});
    served += 1;
  }
  expect(manager.replyTo(subscribed).result).toMatchObject({ status: 'recovering', head: 2 });
  expect(served).toBeGreaterThan(5);
  expect(await readMetric(next.broker, 'turns')).toEqual({ recovering: TURNS });
  // Nobody comes for any of them.
  await next.linked.advance(60_040);
  await expect.poll(() => readMetric(next.broker, 'turns')).toEqual({});
  expect(await readMetric(next.broker, 'ended_turns_kept')).toEqual({ '': TURNS });
});
