import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createBroker, type TlsOptions } from '../../broker.ts';
import { Authority } from '../support/certificates.ts';
import { recordingLog } from '../support/kept-log.ts';
import { readMetric } from '../support/metrics.ts';
import { get, pair, startAsking, startSecured } from './secured.ts';
import { rawSocket, SocketClient } from './socket-client.ts';

/** A machine with much to do is slow. */
const LATER = { interval: 50 };

describe('a port with TLS', () => {
  test('speaks wss and https alone, and says so', async () => {
    const { broker, address, port, ca } = await startSecured();
    expect(address).toEqual({ url: `wss://127.0.0.1:${port}`, host: '127.0.0.1', port });
    const host = await SocketClient.host(broker, address, { ca });
    expect(await host.ok('agents.list')).toEqual([]);
    expect((await get(port, '/healthz', { ca })).status).toBe(200);
    const plain = rawSocket(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await plain.ended;
    expect(plain.received().toString('latin1')).not.toContain('HTTP/1.1 2');
    await vi.waitFor(async () =>
      expect(await readMetric(broker, 'http_refused_total')).toMatchObject({ handshake: 1 }),
    );
  });

  test('is not believed by whoever knows another authority', async () => {
    const { address } = await startSecured();
    const stranger = SocketClient.connect(address, { ca: new Authority().cert });
    await expect(stranger).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  test('is the origin of its own pages by https, and by nothing else', async () => {
    const { address, port, ca } = await startSecured();
    const from = (origin: string) => SocketClient.connect(address, { ca, origin });
    await from(`https://127.0.0.1:${port}`);
    await from(`https://localhost:${port}`);
    await expect(from(`http://127.0.0.1:${port}`)).rejects.toThrow('403');
    expect(
      (await get(port, '/healthz', { ca, servername: 'localhost', headers: { Host: 'rebound.example' } })).status,
    ).toBe(403);
  });

  test('on both loopback addresses › each speaks it', async () => {
    const { broker, port, ca } = await startSecured();
    const url = `wss://[::1]:${port}`;
    const host = await SocketClient.host(broker, { url }, { ca }).catch((error) => error);
    // A machine without IPv6 has no such port.
    if (!(host instanceof SocketClient)) expect(host).toMatchObject({ code: /EADDRNOTAVAIL|ECONNREFUSED/ });
    else expect(await host.ok('agents.list')).toEqual([]);
  });

  test('closes those with a handshake under way when the broker does', async () => {
    const { broker, port } = await startSecured();
    const half = rawSocket(port, Buffer.from([22, 3, 1]).toString('latin1'));
    await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 1 }), LATER);
    await broker.close();
    await half.ended;
  });
});

describe('broker.listen › when tls cannot be used', () => {
  const refused = async (tls: TlsOptions) => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    return broker.listen({ port: 0, tls }).then(
      () => 'it listens',
      (error: Error) => `${error.constructor === Error ? 'Error' : 'TypeError'} ${error.message}`,
    );
  };

  test('then one line says which part, and why', async () => {
    const authority = new Authority();
    const [one, other] = [authority.server(), authority.server()];
    const usable = pair(one);
    const chain = authority.cert + one.cert;
    expect(await refused({ ...usable, key: other.key })).toBe('TypeError tls: key is not that of the certificate');
    expect(await refused({ ...usable, cert: chain })).toMatch(
      /^TypeError tls: cert has the certificate of the key behind/,
    );
    expect(await refused({ ...usable, cert: one.key })).toBe('TypeError tls: cert holds no certificate in PEM');
    expect(await refused({ ...usable, key: one.cert })).toBe('TypeError tls: key holds no private key in PEM');
    const damaged = one.cert.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA');
    expect(await refused({ ...usable, cert: damaged })).toBe('TypeError tls: cert holds a damaged certificate');
    const asking = { ...usable, clientAuth: 'require' as const };
    expect(await refused({ ...asking, ca: 'nonsense' })).toBe('TypeError tls: ca holds no certificate in PEM');
    expect(await refused(asking)).toMatch(/^TypeError .*ca goes with clientAuth/);
    expect(await refused({ ...usable, ca: authority.cert })).toMatch(/^TypeError .*ca goes with clientAuth/);
    expect(await refused({ ...usable, agentSan: 'x:' })).toMatch(/^TypeError .*agentSan goes with clientAuth/);
    expect(await refused({ ...usable, clientAuth: 'maybe' as 'none' })).toMatch(
      /^TypeError .*none, request or require/,
    );
    expect(await refused({ ...usable, certificate: 1 } as TlsOptions)).toMatch(/^TypeError .*no option certificate/);
    expect(await refused({ ...usable, key: undefined } as unknown as TlsOptions)).toMatch(/^TypeError .*key is PEM/);
  });

  test('on a Unix socket › then it says that there is none there', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    const where = { socket: '/tmp/never', tls: pair(new Authority().server()) };
    await expect(broker.listen(where)).rejects.toThrow(/^broker.listen, tls: a Unix socket has none/);
  });

  test('since a key is locked › then it says what to do, and shows nothing of it', async () => {
    const { cert } = new Authority().server();
    const key = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIsecret\n-----END ENCRYPTED PRIVATE KEY-----\n';
    expect(await refused({ cert, key })).toBe('TypeError tls: key is locked by a passphrase; take that away');
  });
});

describe('a certificate that is out of date', () => {
  test.each([
    ['past', 'has expired'],
    ['future', 'is not valid yet'],
  ] as const)('%s › is shown all the same, and the log says so', async (era, words) => {
    const authority = new Authority();
    const { log, lines } = recordingLog();
    const { cert, key } = authority.server({ name: 'broker.example', era });
    const { address } = await startSecured({ cert, key }, { log }, authority);
    const warned = lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
    expect(warned).toEqual([expect.stringContaining(`(CN=broker.example) ${words}`)]);
    const code = era === 'past' ? 'CERT_HAS_EXPIRED' : 'CERT_NOT_YET_VALID';
    await expect(SocketClient.connect(address, { ca: authority.cert })).rejects.toMatchObject({ code });
  });
});

describe('broker.renewTls', () => {
  test('while a chat streams › new connections get the new one, and the old ones stay', async () => {
    const { authority, broker, address, port, ca } = await startSecured();
    const agent = await SocketClient.agent(broker, address, 'echo', { ca });
    const host = await SocketClient.host(broker, address, { ca });
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    agent.emit('s', { kind: 'token', delta: 'one' });
    const renewed = new Authority();
    broker.renewTls(pair(renewed.server()));
    agent.emit('s', { kind: 'token', delta: 'two' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await host.until(() => host.events().some(({ kind }) => kind === 'done'));
    expect(host.events().map(({ delta }) => delta)).toEqual(['one', 'two', undefined]);
    await expect(SocketClient.connect(address, { ca })).rejects.toThrow();
    expect((await get(port, '/healthz', { ca: renewed.cert })).status).toBe(200);
    expect(authority.cert).toBe(ca);
  });

  test('with what cannot be used › throws, and the old one is shown still', async () => {
    const { authority, own, broker, port, ca } = await startSecured();
    expect(() => broker.renewTls({ cert: own.cert, key: authority.server().key })).toThrow('key is not that of');
    expect(() => broker.renewTls({ cert: '', key: own.key })).toThrow('cert holds no certificate');
    expect((await get(port, '/healthz', { ca })).status).toBe(200);
  });

  test('with another authority for clients › believes that one alone, sessions that went before included', async () => {
    const { authority, own, broker, port, ca } = await startAsking('require');
    const shown = pair(authority.issue({ name: 'ada' }));
    let session: Buffer | undefined;
    const secured = connectTls({ host: '127.0.0.1', port, ca, ...shown });
    onTestFinished(() => void secured.destroy());
    await new Promise<void>((resolve) => {
      secured.once('session', (ticket) => {
        session = ticket;
        resolve();
      });
    });
    const other = new Authority();
    expect(() => broker.renewTls(pair(own))).toThrow('ca is missing');
    broker.renewTls({ ...pair(own), ca: other.cert });
    expect(session).toBeDefined();
    const again = { ca, ...(session && { session }) };
    expect((await get(port, '/healthz', { ...again, ...shown })).status).toBe(403);
    expect((await get(port, '/healthz', { ca, ...pair(other.issue({ name: 'ada' })) })).status).toBe(200);
  });

  test('where no port speaks TLS › throws', () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    expect(() => broker.renewTls(pair(new Authority().server()))).toThrow('no port speaks TLS');
  });
});

/** The first message of a handshake as a client sends it. */
async function helloOf(port: number): Promise<Buffer> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer((socket: Socket) => {
      socket.once('data', (chunk) => {
        socket.destroy();
        server.close();
        resolve(chunk);
      });
    }).listen(0, '127.0.0.1', () => {
      const { port: there } = server.address() as { port: number };
      connectTls({ host: '127.0.0.1', port: there, servername: `p${port}.example` }).on('error', () => {});
    });
  });
}

function knock(port: number, bytes: Buffer): Socket {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(bytes);
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('a handshake that does not end', () => {
  test('is cut in time, wherever it stopped, and counts among those that wait', async () => {
    const { broker, port } = await startSecured({}, { limits: { tlsHandshakeTimeoutMs: 300 } });
    const hello = await helloOf(port);
    const halves = [Buffer.alloc(0), hello.subarray(0, 3), hello.subarray(0, 40), hello];
    const closed = halves.map((bytes) => new Promise((resolve) => knock(port, bytes).once('close', resolve)));
    await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 4 }), LATER);
    await Promise.all(closed);
    await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({}), LATER);
    expect(await readMetric(broker, 'http_refused_total')).toMatchObject({ slow: 4 });
  });

  test('is made room for › by the one that has been there longest', async () => {
    const { broker, address, port, ca } = await startSecured({}, { limits: { maxPlainConnections: 3 } });
    const hello = await helloOf(port);
    const first = knock(port, hello);
    const gone = new Promise((resolve) => first.once('close', resolve));
    await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 1 }), LATER);
    for (const bytes of [hello, hello.subarray(0, 9)]) knock(port, bytes);
    await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 3 }), LATER);
    const host = await vi.waitFor(() => SocketClient.host(broker, address, { ca }), LATER);
    await gone;
    expect(await host.ok('agents.list')).toEqual([]);
  });

  test('300 of them › harm neither a chat nor who comes in between', async () => {
    const { broker, address, port, ca } = await startSecured();
    const agent = await SocketClient.agent(broker, address, 'echo', { ca });
    const host = await SocketClient.host(broker, address, { ca });
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    const hello = await helloOf(port);
    for (let count = 0; count < 300; count += 1) knock(port, count % 3 === 0 ? hello.subarray(0, 9) : hello);
    for (let count = 0; count < 20; count += 1) agent.emit('s', { kind: 'token', delta: `${count}` });
    await vi.waitFor(async () => expect(await readMetric(broker, 'plain_connections')).toEqual({ '': 300 }), LATER);
    const late = await SocketClient.host(broker, address, { ca });
    expect(await late.ok('agents.list')).toHaveLength(1);
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await host.until(() => host.events().some(({ kind }) => kind === 'done'));
    expect(
      host
        .events()
        .map(({ delta }) => delta ?? '')
        .join(''),
    ).toBe([...Array(20).keys()].join(''));
  });
});
