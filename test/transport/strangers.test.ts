import { createConnection } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { rawFrame } from '../proof/support/raw-frames.ts';
import { readMetric } from '../support/metrics.ts';
import {
  closeCodes,
  http,
  rawSocket,
  SocketClient,
  startListening,
  upgradeHeaders,
  upgradeText,
} from './socket-client.ts';

const LATER = { interval: 100 };
const NO_ROOM = { status: 503, body: 'too many connections that have not authenticated\n' };

test('strangers › when they hold all places that they may › then a client comes in after a second, and keeps its place', async () => {
  const { broker, address, port } = await startListening({
    limits: { maxConnections: 6, authTimeoutMs: 60_000 },
  });
  const strangers = [];
  for (let count = 0; count < 3; count += 1) strangers.push(await SocketClient.connect(address));
  expect(await http(port, '/', { headers: upgradeHeaders() })).toMatchObject(NO_ROOM);
  // Places of those that have authenticated are not theirs.
  const hosts: SocketClient[] = [];
  for (let count = 0; count < 3; count += 1) {
    hosts.push(await vi.waitFor(() => SocketClient.host(broker, address), LATER));
  }
  // The longest there made room, once: whoever authenticates needs no stranger's place any more.
  expect(await strangers[0]?.closed).toBe(4429);
  expect(strangers.slice(1).map(({ ws }) => ws.readyState)).toEqual([1, 1]);
  for (const host of hosts) expect(await host.ok('agents.list')).toEqual([]);
  expect(await readMetric(broker, 'connections')).toEqual({ client: 3, unauthenticated: 2 });
});

test('clients that have authenticated › when they are many › then the share of strangers does not bound them', async () => {
  const { broker, address } = await startListening({ limits: { maxUnauthenticatedConnections: 1 } });
  for (let count = 0; count < 5; count += 1) await SocketClient.host(broker, address);
  expect(await readMetric(broker, 'connections')).toEqual({ client: 5 });
});

test('authentication that is off › when clients are many › then none of them is a stranger', async () => {
  const { broker, address } = await startListening({ auth: false, limits: { maxUnauthenticatedConnections: 1 } });
  const clients: SocketClient[] = [];
  for (let count = 0; count < 5; count += 1) clients.push(await SocketClient.connect(address));
  // Nor are their bytes a stranger's.
  clients[0]?.send({ jsonrpc: '2.0', id: 1, method: 'no.such', params: { x: 'x'.repeat(200_000) } });
  await clients[0]?.until(() => clients[0]?.frames.find(({ error }) => error?.code === -32601));
  expect(await clients[1]?.ok('agents.list')).toEqual([]);
  expect(await readMetric(broker, 'connections')).toEqual({ unauthenticated: 5 });
});

test('strangers of one address › when they are too many › then another address still gets in', async () => {
  const { address, port } = await startListening({ limits: { maxUnauthenticatedPerAddress: 1 } });
  // Four times that: it is loopback.
  for (let count = 0; count < 4; count += 1) await SocketClient.connect(address);
  expect(await http(port, '/', { headers: upgradeHeaders() })).toMatchObject(NO_ROOM);
  const other = createConnection({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
  onTestFinished(() => void other.destroy());
  const answer = new Promise((resolve) => other.once('data', (data) => resolve(String(data))));
  other.write(upgradeText(port));
  expect(await answer).toMatch(/^HTTP\/1\.1 101 /);
});

/** What a connection may send before it has authenticated, in many shapes, none of them whole, or none of them too large. */
const event = JSON.stringify({ jsonrpc: '2.0', method: 'agent.chat.event', params: { x: 'x'.repeat(10_000) } });
test.each<[string, Buffer]>([
  ['in whole messages', Buffer.concat(Array<Buffer>(7).fill(rawFrame(event)))],
  ['in one that has no end', rawFrame('x'.repeat(70_000), { length: 16 * 1024 * 1024 })],
  ['in fragments', Buffer.concat(Array<Buffer>(70).fill(rawFrame('x'.repeat(1_000), { fin: false, opcode: 0 })))],
  ['in pongs', Buffer.concat(Array<Buffer>(600).fill(rawFrame('x'.repeat(120), { opcode: 10 })))],
])('a stranger › when it sends more than 64 KiB, %s › then it is closed with 4401', async (_what, bytes) => {
  const { port } = await startListening({ limits: { authTimeoutMs: 60_000 } });
  const { socket, received, ended } = rawSocket(port, upgradeText(port));
  await vi.waitFor(() => expect(received().toString('latin1')).toMatch(/^HTTP\/1\.1 101 /));
  if (bytes[0] === 0) socket.write(rawFrame('x', { fin: false }));
  socket.write(bytes);
  await ended;
  expect(closeCodes(received())).toEqual([4401]);
});

test('a stranger › when it sends less, and authenticates then › then it may send what anybody may', async () => {
  const { broker, address } = await startListening();
  const client = await SocketClient.connect(address);
  for (let count = 0; count < 6; count += 1) client.send(event);
  await client.ok('session.auth', { token: broker.tokens.daemon });
  expect((await client.call('no.such', { x: 'x'.repeat(200_000) })).error.code).toBe(-32601);
});
