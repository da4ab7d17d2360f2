import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { readMetric, scrape } from '../../support/metrics.ts';
import { startToolScene } from '../../support/tool-scene.ts';

test('/metrics › when events pass › then the times of one frame in 64 are in its histogram, each in one bucket', async () => {
  const { broker, agent } = await startToolScene();
  for (let n = 0; n < 640; n += 1) agent.emit('s', { kind: 'token', delta: 'x' });
  await settle();
  const text = await scrape(broker);
  const buckets = [...text.matchAll(/^switchboard_routing_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)];
  const counts = buckets.map(([, , count]) => Number(count));
  expect(buckets.at(-1)?.[1]).toBe('+Inf');
  expect(counts.at(-1)).toBe(10);
  expect(counts).toEqual(counts.toSorted((one, other) => one - other));
  expect(await readMetric(broker, 'routing_seconds_count')).toEqual({ '': 10 });
  expect((await readMetric(broker, 'routing_seconds_sum'))['']).toBeGreaterThan(0);
});

test('/metrics › when tools are called and agents known › then those that are open are told', async () => {
  const { broker, execute } = await startToolScene();
  broker.upsertAgent({ id: 'away' });
  await execute();
  expect(await readMetric(broker, 'callbacks_pending')).toEqual({ '': 1 });
  expect(await readMetric(broker, 'agents')).toEqual({ known: 2, attached: 1 });
  const memory = await readMetric(broker, 'memory_bytes');
  expect(memory.rss).toBeGreaterThan(memory.heap_used ?? 0);
});
