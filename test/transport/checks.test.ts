import { describe, expect, test } from 'vitest';
import { http, rawSocket, startListening, upgradeHeaders } from './socket-client.ts';

const KEY = Buffer.alloc(16).toString('base64');
const ALLOWED = 'https://app.example';

/** Asks for every page, and for an upgrade, with these headers; gives each status. */
async function statuses(port: number, headers: Record<string, string>): Promise<Record<string, number>> {
  const asked = ['/healthz', '/readyz', '/metrics', '/', '/nowhere'].map(
    async (path) => [path, (await http(port, path, { headers })).status] as const,
  );
  const upgrade = http(port, '/', { headers: upgradeHeaders(headers) });
  return Object.fromEntries([...(await Promise.all(asked)), ['upgrade', (await upgrade).status]]);
}

const ADMITTED = { '/healthz': 200, '/readyz': 200, '/metrics': 200, '/': 200, '/nowhere': 404, upgrade: 101 };
const FORBIDDEN = { '/healthz': 403, '/readyz': 403, '/metrics': 403, '/': 403, '/nowhere': 403, upgrade: 403 };

describe('the Host header › when the listener is a loopback one', () => {
  test.each(['localhost', 'localhost:1', 'LocalHost:65535', '127.0.0.1', '127.0.0.1:80', '[::1]', '[::1]:9100'])(
    '%s › then pages and upgrades are served',
    async (Host) => {
      const { port } = await startListening();
      expect(await statuses(port, { Host })).toEqual(ADMITTED);
    },
  );

  test.each([
    'evil.example',
    'evil.example:9100',
    'localhost.evil.example',
    'evil.example.localhost:80',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '0.0.0.0',
    '[::2]',
    '::1',
    'localhost:80:80',
    'localhost@evil.example',
    ' ',
  ])('%s › then 403, pages and upgrades alike', async (Host) => {
    const { port } = await startListening({ allowedOrigins: [ALLOWED] });
    expect(await statuses(port, { Host })).toEqual(FORBIDDEN);
    expect(await statuses(port, { Host, Origin: ALLOWED })).toEqual(FORBIDDEN);
    expect(await statuses(port, { Host, Origin: `http://127.0.0.1:${port}` })).toEqual(FORBIDDEN);
  });

  test('none at all › then 403', async () => {
    const { port } = await startListening();
    const { ended, received } = rawSocket(port, 'GET /metrics HTTP/1.0\r\n\r\n');
    await ended;
    expect(received().toString()).toMatch(/^HTTP\/1\.1 403 /);
  });

  test.each(['', ':', ':9100', ' :80'])('an empty one, %j › then 403, pages and upgrades alike', async (host) => {
    const { port } = await startListening();
    const upgrade = `Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}`;
    for (const connection of ['close', upgrade]) {
      const { ended, received, socket } = rawSocket(
        port,
        `GET / HTTP/1.1\r\nHost:${host}\r\nConnection: ${connection}\r\n\r\n`,
      );
      socket.end();
      await ended;
      expect(received().toString()).toMatch(/^HTTP\/1\.1 403 /);
    }
  });

  test('and the listener is open to all, but was reached over loopback › then it is checked there too', async () => {
    const { broker } = await startListening();
    const { port = 0 } = await broker.listen({ host: '0.0.0.0', port: 0 });
    expect(await statuses(port, { Host: 'evil.example' })).toEqual(FORBIDDEN);
    expect(await statuses(port, { Host: `127.0.0.1:${port}` })).toEqual(ADMITTED);
  });
});

describe('the Origin header › when a page connects', () => {
  test.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]'])(
    'the broker’s own address, %s › then it is served',
    async (own) => {
      const { port } = await startListening();
      expect(await statuses(port, { Origin: `${own}:${port}` })).toEqual(ADMITTED);
    },
  );

  test('one that is allowed › then it is served, on that broker alone', async () => {
    const { port } = await startListening({ allowedOrigins: [ALLOWED] });
    expect(await statuses(port, { Origin: ALLOWED })).toEqual(ADMITTED);
    const other = await startListening();
    expect(await statuses(other.port, { Origin: ALLOWED })).toEqual(FORBIDDEN);
  });

  test.each<[what: string, origin: (port: number) => string]>([
    ['a stranger', () => 'https://evil.example'],
    ['null, which a sandboxed page sends', () => 'null'],
    ['another port of this machine', (port) => `http://127.0.0.1:${port === 65535 ? 1 : port + 1}`],
    ['this machine without a port', () => 'http://localhost'],
    ['another scheme', (port) => `https://127.0.0.1:${port}`],
    ['a name that begins like ours', (port) => `http://127.0.0.1.evil.example:${port}`],
    ['ours with a path', (port) => `http://127.0.0.1:${port}/`],
    ['ours and another', (port) => `http://127.0.0.1:${port}, https://evil.example`],
    ['an allowed one in another case', () => 'https://APP.example'],
    ['an allowed one with a port', () => `${ALLOWED}:444`],
    ['below an allowed one', () => 'https://x.app.example'],
    ['an empty one', () => ''],
  ])('%s › then 403, pages and upgrades alike', async (_what, origin) => {
    const { port } = await startListening({ allowedOrigins: [ALLOWED] });
    expect(await statuses(port, { Origin: origin(port) })).toEqual(FORBIDDEN);
  });

  test('and is refused › then the answer is plain text that tells why and nothing more', async () => {
    const { port } = await startListening();
    for (const headers of [{ Origin: 'https://evil.example' }, upgradeHeaders({ Origin: 'https://evil.example' })]) {
      const answer = await http(port, '/metrics', { headers });
      expect(answer).toMatchObject({ status: 403, body: 'Origin not allowed\n' });
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});

describe('the Sec-Fetch-Site header › when a browser says that another site asks', () => {
  const CROSS = { 'Sec-Fetch-Site': 'cross-site' };
  const FOLLOWED = { ...CROSS, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };

  test.each<[what: string, headers: Record<string, string>]>([
    ['for a picture', { ...CROSS, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }],
    ['without saying how', CROSS],
    ['in a frame of its own', { ...FOLLOWED, 'Sec-Fetch-Dest': 'iframe' }],
    ['for a WebSocket', { ...CROSS, 'Sec-Fetch-Mode': 'websocket' }],
  ])('%s › then 403, pages and upgrades alike', async (_what, headers) => {
    const { port } = await startListening({ allowedOrigins: [ALLOWED] });
    expect(await statuses(port, headers)).toEqual(FORBIDDEN);
  });

  test('because its visitor follows a link › then it is served, but not for another method', async () => {
    const { port } = await startListening();
    expect(await http(port, '/healthz', { headers: FOLLOWED })).toMatchObject({ status: 200 });
    for (const method of ['HEAD', 'POST']) {
      expect(await http(port, '/healthz', { method, headers: FOLLOWED })).toMatchObject({ status: 403 });
    }
  });

  test('and that site is allowed, or the broker’s own by another name › then it is served', async () => {
    const { port } = await startListening({ allowedOrigins: [ALLOWED] });
    for (const Origin of [ALLOWED, `http://localhost:${port}`]) {
      expect(await statuses(port, { ...CROSS, Origin })).toEqual(ADMITTED);
    }
  });

  test.each(['same-origin', 'same-site', 'none'])('no other one, but %s › then it is served', async (site) => {
    const { port } = await startListening();
    expect(await statuses(port, { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'no-cors' })).toEqual(ADMITTED);
  });
});
