import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { CloseCode } from '../../protocol/close-codes.ts';
import { startLinked } from '../support/linked.ts';
import { readDrops, readMetric, scrape } from '../support/metrics.ts';
import { http, rawSocket, SocketClient, startListening, upgradeHeaders, upgradeText } from './socket-client.ts';

describe('connections_closed_total', () => {
  test('when nobody has left › then each code of the broker’s is there, at 0', async () => {
    const { broker } = await startListening();
    const text = await scrape(broker);
    for (const code of [...Object.values(CloseCode), 'other']) {
      expect(text).toContain(`\nswitchboard_connections_closed_total{code="${code}"} 0\n`);
    }
  });

  test('when connections end › then each is counted once, by the code that it ended with', async () => {
    const { broker, address } = await startListening({ limits: { maxMessageBytes: 1_024 } });
    const polite = await SocketClient.host(broker, address);
    polite.ws.close(1000);
    const stranger = await SocketClient.connect(address);
    stranger.post('agents.list');
    const large = await SocketClient.host(broker, address);
    large.send('x'.repeat(2_000));
    const binary = await SocketClient.host(broker, address);
    binary.ws.send(Buffer.from('no frame of ours'));
    const older = await SocketClient.agent(broker, address, 'echo');
    const newer = await SocketClient.agent(broker, address, 'echo');
    const lost = await SocketClient.host(broker, address);
    lost.ws.terminate();
    const strange = await SocketClient.host(broker, address);
    strange.ws.close(4999);
    await Promise.all([polite, stranger, large, binary, older, lost, strange].map(({ closed }) => closed));
    expect(newer.ws.readyState).toBe(WebSocket.OPEN);
    await vi.waitFor(async () =>
      expect(await readMetric(broker, 'connections_closed_total')).toEqual({
        1000: 1,
        1003: 1,
        1009: 1,
        4401: 1,
        4409: 1,
        other: 2,
      }),
    );
    expect(await readMetric(broker, 'connections_total')).toEqual({ '': 8 });
  });

  test('when the peer never answers the close › then the code is the broker’s own', async () => {
    const { broker, port } = await startListening();
    const silent = rawSocket(port, upgradeText(port));
    await vi.waitFor(() => expect(silent.received().toString()).toMatch(/^HTTP\/1\.1 101 /));
    // Nobody has authenticated. The close frame that follows is not answered.
    silent.socket.write(maskedText('{"jsonrpc":"2.0","id":1,"method":"agents.list"}'));
    await silent.ended;
    await vi.waitFor(async () => expect(await readMetric(broker, 'connections_closed_total')).toEqual({ 4401: 1 }));
  });

  test('when a connection inside the process ends › then it is counted too', async () => {
    const { broker, connect, clock } = startLinked();
    const client = connect();
    clock.increment(5_000);
    await vi.waitFor(() => expect(client.closed).toBe(4401));
    expect(await readMetric(broker, 'connections_closed_total')).toEqual({ 4401: 1 });
    await broker.close();
  });
});

describe('upgrades_refused_total', () => {
  test('when upgrades are refused › then they are counted by status, and those that happen are not', async () => {
    const { broker, address, port } = await startListening({ limits: { maxConnections: 1 } });
    const text = await scrape(broker);
    for (const status of [400, 403, 405, 503]) {
      expect(text).toContain(`\nswitchboard_upgrades_refused_total{status="${status}"} 0\n`);
    }
    const refused = async (headers: object, method = 'GET') =>
      (await http(port, '/', { method, headers: upgradeHeaders({ ...headers }) })).status;
    expect(await refused({ Origin: 'https://evil.example' })).toBe(403);
    expect(await refused({ Host: 'evil.example' })).toBe(403);
    expect(await refused({ 'Sec-WebSocket-Version': '12' })).toBe(400);
    expect(await refused({}, 'POST')).toBe(405);
    const host = await SocketClient.host(broker, address);
    expect(await refused({})).toBe(503);
    expect(await readMetric(broker, 'upgrades_refused_total')).toEqual({ 400: 1, 403: 2, 405: 1, 503: 1 });
    // Nor is one refused that nobody waits for any more.
    const own = createServer();
    onTestFinished(() => void own.close());
    const handled = new Promise<void>((resolve) => {
      own.once('upgrade', (request, socket, head) => {
        socket.destroy();
        broker.handleUpgrade(request, socket, head);
        resolve();
      });
    });
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    host.ws.close();
    await vi.waitFor(async () => expect(await readMetric(broker, 'connections')).toEqual({}));
    rawSocket((own.address() as AddressInfo).port, upgradeText(port));
    await handled;
    expect(await readMetric(broker, 'upgrades_refused_total')).toEqual({ 400: 1, 403: 2, 405: 1, 503: 1 });
    // A page that is refused is no upgrade.
    expect((await http(port, '/', { headers: { Origin: 'https://evil.example' } })).status).toBe(403);
    expect(await readMetric(broker, 'upgrades_refused_total')).toMatchObject({ 403: 2 });
  });
});

describe('drops_total › when frames come while their connection is closing', () => {
  test('over a socket › then each is counted, and none is answered', async () => {
    const { broker, address } = await startListening();
    const client = await SocketClient.connect(address);
    // In one write: the broker has read them before its close frame is here.
    (client.ws as unknown as { _socket: { cork(): void; uncork(): void } })._socket.cork();
    for (const id of [1, 2, 3]) client.send({ jsonrpc: '2.0', id, method: 'agents.list' });
    client.ws.send(Buffer.from('binary'));
    (client.ws as unknown as { _socket: { cork(): void; uncork(): void } })._socket.uncork();
    expect(await client.closed).toBe(4401);
    expect(client.frames).toHaveLength(1);
    expect(await readDrops(broker)).toEqual({ closing: 3 });
  });

  test('inside the process › then the same', async () => {
    const { broker, connect } = startLinked();
    const client = connect();
    for (const _ of [1, 2, 3]) client.post('agents.list');
    client.sendBinary(Buffer.from('binary'));
    await vi.waitFor(() => expect(client.closed).toBe(4401));
    expect(client.frames).toHaveLength(1);
    expect(await readDrops(broker)).toEqual({ closing: 3 });
    await broker.close();
  });
});

/** A text frame as a client writes it, masked with zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
