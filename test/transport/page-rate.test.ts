import { expect, test, vi } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { bytes, http, startListening } from './socket-client.ts';

const limits = { pagesPerSecond: 1, pageBurst: 3 };

test('pages › when one address asks too fast › then 429 says when to come again, the connection ends, and then it is served', async () => {
  const { port } = await startListening({ limits });
  for (const path of ['/healthz', '/metrics', '/nowhere']) expect((await http(port, path)).status).not.toBe(429);
  const refused = await http(port, '/healthz');
  expect(refused).toMatchObject({ status: 429, body: 'too many requests\n' });
  expect(refused.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
  await vi.waitFor(async () => expect((await http(port, '/healthz')).status).toBe(200), {
    interval: 500,
  });
});

test('a route of an embedder › when it is asked for fast › then the broker refuses nothing', async () => {
  const { broker, port } = await startListening({ limits });
  broker.route('/hooks', (_request, response) => void response.end('done'));
  for (let count = 0; count < 10; count += 1) expect((await bytes(port, '/hooks')).status).toBe(200);
  expect(await readMetric(broker, 'http_refused_total')).toEqual({});
});

test('pages › when a page of another site asks for them fast › then it takes nothing from those who may', async () => {
  const { port } = await startListening({ limits });
  const headers = { Origin: 'https://evil.example' };
  for (let count = 0; count < 10; count += 1) expect((await http(port, '/metrics', { headers })).status).toBe(403);
  for (let count = 0; count < 3; count += 1) expect((await http(port, '/healthz')).status).toBe(200);
});
