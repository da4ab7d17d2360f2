import { describe, expect, test, vi } from 'vitest';
import { http, rawSocket, SocketClient, startListening, upgradeHeaders, upgradeText } from './socket-client.ts';

describe('plain HTTP › when a page is asked for', () => {
  test('/healthz and /readyz › then they answer in a word that nobody caches', async () => {
    const { port } = await startListening();
    const health = await http(port, '/healthz');
    expect(health).toMatchObject({ status: 200, body: 'ok\n' });
    expect(health.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '3',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(await http(port, '/readyz?verbose=1')).toMatchObject({ status: 200, body: 'ready\n' });
  });

  test('/metrics › then it is Prometheus text with what is going on, and no secret in it', async () => {
    const { broker, address, port } = await startListening();
    const host = await SocketClient.host(broker, address);
    const agent = await SocketClient.agent(broker, address, 'echo');
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    agent.emit('s', { kind: 'token', delta: 'x' });
    agent.emit('s', { kind: 'a kind that "nobody"\nknows' });
    agent.emit('gone', { kind: 'token', delta: 'x' });
    await host.until(() => host.events().length === 2);
    await agent.ok('agents.list');
    const { status, headers, body } = await http(port, '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = body.split('\n');
    for (const line of [
      `switchboard_build_info{version="${broker.version}"} 1`,
      'switchboard_connections{role="client"} 1',
      'switchboard_connections{role="agent"} 1',
      'switchboard_connections{role="host"} 0',
      'switchboard_turns{state="streaming"} 1',
      'switchboard_turns{state="parked"} 0',
      'switchboard_connections_total 2',
      'switchboard_turns_total 1',
      'switchboard_events_total{kind="token"} 1',
      'switchboard_events_total{kind="other"} 1',
      'switchboard_drops_total{reason="unknown_session"} 1',
    ]) {
      expect(lines).toContain(line);
    }
    expect(body).not.toContain('nobody');
    expect(body).not.toContain(broker.tokens.daemon);
    // A counter counts on, however often it is read.
    expect((await http(port, '/metrics')).body).toContain('\nswitchboard_turns_total 1\n');
  });

  test.each(['/nowhere', '/healthz/', '//healthz', '/metrics/../x', '/__proto__', '/%00'])(
    '%s › then 404',
    async (path) => {
      const { port } = await startListening();
      expect(await http(port, path)).toMatchObject({ status: 404, body: 'not found\n' });
    },
  );

  test.each(['/healthz', '/readyz', '/metrics', '/', '/nowhere'])(
    '%s with HEAD › then the head of GET, and no body',
    async (path) => {
      const { port } = await startListening();
      const [get, head] = await Promise.all([http(port, path), http(port, path, { method: 'HEAD' })]);
      expect(head.status).toBe(get.status);
      expect(head.body).toBe('');
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
      expect(head.headers['content-length']).toBe(String(Buffer.byteLength(get.body)));
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    'with %s › then 405, which tells what is allowed',
    async (method) => {
      const { port } = await startListening();
      const answer = await http(port, '/healthz', { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('GET, HEAD');
    },
  );
});

describe('an upgrade › when there is no room', () => {
  test('over the connection limit › then 503 while pages are served, and a place that gets free is given away', async () => {
    const { broker, address, port } = await startListening({ limits: { maxConnections: 2 } });
    const first = await SocketClient.host(broker, address);
    const second = await SocketClient.host(broker, address);
    const refused = await http(port, '/', { headers: upgradeHeaders() });
    expect(refused).toMatchObject({ status: 503, body: 'too many connections\n' });
    expect((await http(port, '/healthz')).status).toBe(200);
    expect((await http(port, '/readyz')).status).toBe(200);
    first.ws.close();
    await first.closed;
    await vi.waitFor(() => SocketClient.connect(address));
    expect(await second.ok('agents.list')).toEqual([]);
  });

  test('while draining › then 503, and /readyz too, while the live turn goes on to its end', async () => {
    const { broker, address, port } = await startListening({ limits: { drainTimeoutMs: 60_000 } });
    const host = await SocketClient.host(broker, address);
    const agent = await SocketClient.agent(broker, address, 'echo');
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    const closed = broker.close();
    expect(await http(port, '/readyz')).toMatchObject({ status: 503, body: 'draining\n' });
    expect((await http(port, '/healthz')).status).toBe(200);
    expect((await http(port, '/metrics')).status).toBe(200);
    expect(await http(port, '/', { headers: upgradeHeaders() })).toMatchObject({ status: 503, body: 'draining\n' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    expect(await Promise.all([host.closed, agent.closed])).toEqual([1001, 1001]);
    expect(host.events()).toMatchObject([{ kind: 'done', finish_reason: 'stop' }]);
    await closed;
    await expect(http(port, '/healthz')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('an upgrade › when it is none that can be made', () => {
  test.each([
    ['another protocol', { Upgrade: 'h2c' }, 400],
    ['another version', { 'Sec-WebSocket-Version': '12' }, 400],
    ['a bad key', { 'Sec-WebSocket-Key': 'short' }, 400],
  ])('%s › then it is answered in plain HTTP, and the broker goes on', async (_what, headers, status) => {
    const { broker, address, port } = await startListening();
    expect((await http(port, '/', { headers: upgradeHeaders(headers) })).status).toBe(status);
    expect(await (await SocketClient.host(broker, address)).ok('agents.list')).toEqual([]);
  });
});

describe('broker.close › when somebody holds on', () => {
  test('a refused upgrade that never hangs up, a request that never ends, a silent socket › then it ends all the same', async () => {
    const { broker, port } = await startListening();
    const refused = rawSocket(port, upgradeText(port, { Origin: 'https://evil.example' }));
    const half = rawSocket(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half: ');
    const silent = rawSocket(port, '');
    const idle = rawSocket(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await vi.waitFor(() => expect(refused.received().toString()).toMatch(/^HTTP\/1\.1 403 /));
    await vi.waitFor(() => expect(idle.received().toString()).toMatch(/^HTTP\/1\.1 200 /));
    await broker.close();
    await Promise.all([half.ended, silent.ended, idle.ended, refused.ended]);
  });
});
