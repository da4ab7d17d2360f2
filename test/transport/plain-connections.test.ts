import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { http, rawSocket, SocketClient, startListening } from './socket-client.ts';

/** The beginning of a head whose end never comes. */
const SLOW = 'GET / HTTP/1.1\r\nX: ';
const LATER = { interval: 100 };

test('sockets that ask for nothing › when there are too many › then a new one gets 503, and after a second the oldest makes room', async () => {
  const { broker, address, port } = await startListening({ limits: { maxPlainConnections: 3 } });
  // WebSockets are none of them.
  const host = await SocketClient.host(broker, address);
  const first = rawSocket(port, SLOW);
  await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 1 }));
  const others = [rawSocket(port, SLOW), rawSocket(port, SLOW)];
  await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 3 }));
  const refused = rawSocket(port, '');
  await refused.ended;
  expect(refused.received().toString()).toMatch(/^HTTP\/1\.1 503 .*too many connections\n$/s);
  expect(others.map(({ socket }) => socket.readyState)).toEqual(['open', 'open']);

  await vi.waitFor(async () => expect((await http(port, '/healthz')).status).toBe(200), LATER);
  await first.ended;
  expect(first.received()).toHaveLength(0);
  expect(await readMetric(broker, 'http_refused_total')).toMatchObject({ connections: expect.any(Number), slow: 1 });
  expect(await host.ok('agents.list')).toEqual([]);
});

test('sockets of one address › when they are too many › then another address still gets in', async () => {
  const { broker, port } = await startListening({ limits: { maxPlainPerAddress: 1 } });
  // Four times that: it is loopback.
  for (let count = 0; count < 4; count += 1) rawSocket(port, SLOW);
  await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 4 }));
  const refused = rawSocket(port, '');
  await refused.ended;
  expect(refused.received().toString()).toMatch(/^HTTP\/1\.1 503 /);

  const other = createConnection({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
  onTestFinished(() => void other.destroy());
  const answer = new Promise((resolve) => other.once('data', (data) => resolve(String(data))));
  other.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
});

test('a socket that a route is busy with › when room is needed › then others go, however long it takes', async () => {
  const { broker, port } = await startListening({ limits: { maxPlainConnections: 2 } });
  let finish = () => {};
  broker.route('/slow', (_request, response) => {
    finish = () => void response.end('done');
  });
  const answer = http(port, '/slow');
  await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 1 }));
  const slow = rawSocket(port, SLOW);
  await vi.waitFor(async () => expect((await http(port, '/healthz')).status).toBe(200), LATER);
  await slow.ended;
  finish();
  expect((await answer).body).toBe('done');
});

test('a page › when whoever asked for it does not read it › then it is cut; a route is not', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'assets'));
  const body = 'x'.repeat(32 * 1024 * 1024);
  writeFileSync(join(directory, 'assets', 'large.js'), body);
  const { broker, port } = await startListening({ console: { directory }, limits: { pageTimeoutMs: 500 } });
  broker.route('/large', (_request, response) => void response.end(body));
  const get = (path: string) => rawSocket(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const route = get('/large');
  route.socket.pause();
  const page = get('/assets/large.js');
  page.socket.pause();
  await vi.waitFor(async () => expect(await readMetric(broker, 'http_refused_total')).toEqual({ slow: 1 }), LATER);
  expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 1 });
  route.socket.resume();
  await vi.waitFor(() => expect(route.received().length).toBeGreaterThan(body.length), LATER);
});
