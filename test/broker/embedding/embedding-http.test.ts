import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type BrokerOptions, createBroker } from '../../../broker.ts';
import { http, SocketClient, upgradeHeaders } from '../../transport/socket-client.ts';

/** Somebody's own HTTP server, with a broker at `/ws`, its pages below `/broker` and pages of its own. */
async function startOwnServer(options: BrokerOptions = {}) {
  const broker = createBroker(options);
  const serve: RequestListener = (request, response) => {
    if (request.url?.startsWith('/broker/')) {
      request.url = request.url.slice('/broker'.length);
      broker.handleRequest(request, response);
    } else response.end('their own page');
  };
  const server = createServer(serve);
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/ws') broker.handleUpgrade(request, socket, head);
    else socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    return broker.close();
  });
  const { port } = server.address() as AddressInfo;
  return { broker, server, port, address: { url: `ws://127.0.0.1:${port}/ws` } };
}

describe('broker.handleUpgrade › when somebody’s own server hands over', () => {
  test('then a host and an agent chat through it', async () => {
    const { broker, address } = await startOwnServer();
    const host = await SocketClient.host(broker, address);
    const agent = await SocketClient.agent(broker, address, 'echo');
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    agent.emit('s', { kind: 'token', delta: 'hello' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await host.until(() => host.events().length === 2);
    expect(host.events()).toMatchObject([{ delta: 'hello' }, { kind: 'done' }]);
  });

  test('then the checks are the same as on a port of its own', async () => {
    const { broker, address, port } = await startOwnServer({ limits: { maxConnections: 1 } });
    const status = async (others: object) =>
      (await http(port, '/ws', { headers: upgradeHeaders({ ...others }) })).status;
    expect(await status({ Origin: 'https://evil.example' })).toBe(403);
    expect(await status({ Host: 'evil.example' })).toBe(403);
    expect((await http(port, '/broker/metrics', { headers: { Origin: 'https://evil.example' } })).status).toBe(403);
    await SocketClient.host(broker, address);
    expect(await status({})).toBe(503);
  });

  test('and the broker is closed › then its connections end with 1001, and the server goes on without it', async () => {
    const { broker, server, address, port } = await startOwnServer();
    const host = await SocketClient.host(broker, address);
    expect((await http(port, '/broker/readyz')).status).toBe(200);
    await broker.close();
    expect(await host.closed).toBe(1001);
    expect(server.listening).toBe(true);
    expect((await http(port, '/')).body).toBe('their own page');
    expect((await http(port, '/broker/readyz')).status).toBe(503);
    expect((await http(port, '/broker/healthz')).status).toBe(200);
    expect((await http(port, '/ws', { headers: upgradeHeaders() })).status).toBe(503);
  });
});

describe('broker.handleRequest › when somebody’s own server hands over', () => {
  test('then /healthz, /readyz and /metrics are the broker’s, and the rest stays theirs', async () => {
    const { broker, port } = await startOwnServer();
    expect(await http(port, '/broker/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect((await http(port, '/broker/metrics')).body).toContain(`version="${broker.version}"`);
    expect((await http(port, '/broker/nowhere')).status).toBe(404);
    expect((await http(port, '/healthz')).body).toBe('their own page');
  });
});
