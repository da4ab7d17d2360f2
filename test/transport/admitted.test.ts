import { createServer, type ServerResponse } from 'node:http';
import { expect, test, vi } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { http, rawSocket, SocketClient, startListening } from './socket-client.ts';

const GET = 'GET /known HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** A broker with a route that admits whoever asks, and answers when the test says so. */
async function startAdmitting(limits: object) {
  const started = await startListening({ limits });
  const open: ServerResponse[] = [];
  started.broker.route('/known', (_request, response, route) => {
    if (!route.admit() || !route.admit()) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200).flushHeaders();
    open.push(response);
  });
  const connections = () => readMetric(started.broker, 'plain_connections');
  return { ...started, open, connections };
}

test('whom a route admits › when there are more than plain connections may be › then all of them are answered', async () => {
  const { port, open, connections } = await startAdmitting({ maxPlainConnections: 2, maxPlainPerAddress: 1 });
  // One after the other: before anybody has heard them they are strangers.
  for (let count = 1; count <= 20; count += 1) {
    rawSocket(port, GET);
    await vi.waitFor(() => expect(open).toHaveLength(count));
  }
  expect(await connections()).toEqual({ '': 20 });
  expect((await http(port, '/healthz')).status).toBe(200);
});

test('whom a route admits › then they are as many connections as there may be, WebSockets too', async () => {
  const { broker, address, port, open } = await startAdmitting({ maxConnections: 3 });
  await SocketClient.host(broker, address);
  const known = [rawSocket(port, GET), rawSocket(port, GET)];
  await vi.waitFor(() => expect(open).toHaveLength(2));
  expect((await http(port, '/known')).status).toBe(503);
  await expect(SocketClient.host(broker, address)).rejects.toThrow('503');
  expect(await readMetric(broker, 'http_refused_total')).toEqual({ connections: 1 });

  known[0]?.socket.destroy();
  await vi.waitFor(async () => {
    rawSocket(port, GET);
    await vi.waitFor(() => expect(open).toHaveLength(3), { timeout: 100 });
  });
});

test('whom a route has admitted › when it is answered › then it is nobody in particular, and makes room', async () => {
  const { port, open, connections } = await startAdmitting({ maxPlainConnections: 2 });
  const known = [rawSocket(port, GET), rawSocket(port, GET), rawSocket(port, GET)];
  await vi.waitFor(() => expect(open).toHaveLength(3));
  for (const response of open) response.end();
  // There is room for two that nobody knows: the third has its answer, and is cut.
  await vi.waitFor(async () => expect(await connections()).toEqual({ '': 2 }));
  for (const { received } of known) expect(received().toString()).toMatch(/^HTTP\/1\.1 200 .*\r\n0\r\n\r\n$/s);
  await Promise.race(known.map(({ ended }) => ended));
});

test('whom a route admits › when the embedder’s own server has it › then it counts as a connection, too', async () => {
  const { broker, open, connections } = await startAdmitting({ maxConnections: 1 });
  const server = createServer((request, response) => broker.handleRequest(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const socket = rawSocket(port, GET);
  await vi.waitFor(() => expect(open).toHaveLength(1));
  expect((await http(port, '/known')).status).toBe(503);
  open[0]?.end();
  await vi.waitFor(() => expect(socket.received().toString()).toContain('\r\n0\r\n\r\n'));
  await vi.waitFor(async () => expect(await connections()).toEqual({}));
  socket.socket.destroy();
  server.close();
});
