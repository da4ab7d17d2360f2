import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { http, rawSocket, startListening, upgradeText } from './socket-client.ts';

const get = (path: string, port: number) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
const statusLines = (received: Buffer) => received.toString('latin1').match(/^HTTP\/1\.1 \d+/gm);

test('plain HTTP › when some requests come at once on one connection › then the first is answered, and it ends', async () => {
  const { broker, port } = await startListening();
  const { received, ended } = rawSocket(port, get('/metrics', port).repeat(10));
  await ended;
  expect(statusLines(received())).toEqual(['HTTP/1.1 200']);
  // Whole: behind its head comes as much as it says.
  const [head = '', body = ''] = received().toString().split('\r\n\r\n');
  expect(Buffer.byteLength(body)).toBe(Number(/content-length: (\d+)/.exec(head)?.[1]));
  // The others were not even made requests of, but for the first of them.
  expect(await readMetric(broker, 'http_refused_total')).toEqual({ pipelined: 1 });
});

test('plain HTTP › when megabytes of them do › then the connection is cut, and little of it is read', async () => {
  const { broker, port } = await startListening();
  const { received, ended } = rawSocket(port, get('/metrics', port).repeat(40_000));
  await ended;
  expect(statusLines(received())?.length ?? 0).toBeLessThanOrEqual(1);
  expect(await readMetric(broker, 'http_refused_total')).toEqual({ pipelined: 1 });
});

test('plain HTTP › when each request waits for the answer before it › then all are answered on one connection', async () => {
  const { port } = await startListening();
  const { socket, received } = rawSocket(port, get('/metrics', port));
  for (let count = 1; count <= 5; count += 1) {
    await vi.waitFor(() =>
      expect(
        received()
          .toString('latin1')
          .match(/routing_seconds_count \d+\n/g),
      ).toHaveLength(count),
    );
    socket.write(get('/metrics', port));
  }
});

test.each(['/metrics', '/healthz'])(
  'an upgrade › when it comes behind a request for %s that is not answered yet › then there is no 101',
  async (path) => {
    const { broker, port } = await startListening();
    const { received, ended } = rawSocket(port, get(path, port) + upgradeText(port));
    await ended;
    expect(statusLines(received())).toEqual(['HTTP/1.1 200']);
    expect(await readMetric(broker, 'connections')).toEqual({});
    expect(await readMetric(broker, 'upgrades_refused_total')).toEqual({ 400: 1 });
  },
);

test('an upgrade › when requests come behind it › then nothing answers them', async () => {
  const { port } = await startListening();
  const { received, ended } = rawSocket(port, upgradeText(port) + get('/healthz', port));
  await ended;
  expect(statusLines(received())).toEqual(['HTTP/1.1 101']);
});

test('a route of an embedder › when requests come at once › then its handler is asked once at a time', async () => {
  const { broker, port } = await startListening();
  let asked = 0;
  let answer = () => {};
  broker.route('/hooks', (_request, response) => {
    asked += 1;
    answer = () => response.end('done');
  });
  const { received, ended } = rawSocket(port, get('/hooks', port).repeat(3));
  await vi.waitFor(() => expect(asked).toBe(1));
  // Whoever is on another connection does not wait for it.
  expect((await http(port, '/healthz')).status).toBe(200);
  answer();
  await ended;
  expect(asked).toBe(1);
  expect(statusLines(received())).toEqual(['HTTP/1.1 200']);
});

test('a server of an embedder’s own › when requests come at once › then the first is answered, and it ends', async () => {
  const { broker } = await startListening();
  const own = createServer((request, response) => broker.handleRequest(request, response));
  onTestFinished(() => void own.close());
  own.on('upgrade', (request, socket, head) => broker.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const { port } = own.address() as AddressInfo;
  const { received, ended } = rawSocket(port, get('/metrics', port).repeat(2) + upgradeText(port));
  await ended;
  expect(statusLines(received())).toEqual(['HTTP/1.1 200']);
});

test.each([
  ['NONSENSE\r\n\r\n', 'HTTP/1.1 400'],
  [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'HTTP/1.1 431'],
])('plain HTTP › when %#. what comes is none › then it is said, and the connection ends', async (text, status) => {
  const { port } = await startListening();
  const { received, ended } = rawSocket(port, text);
  await ended;
  expect(statusLines(received())).toEqual([status]);
});
