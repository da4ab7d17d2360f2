import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../broker.ts';
import { http, SocketClient, startListening, upgradeHeaders } from './socket-client.ts';

function temporaryPath(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}

describe('broker.listen › when it is given a Unix socket', () => {
  test('then the file is for its owner alone, and the umask is what it was', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    const before = process.umask();
    const path = temporaryPath('broker.sock');
    expect(await broker.listen({ socket: path })).toEqual({ socket: path, url: `ws+unix:${path}:/` });
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(before);
  });

  test('and TCP as well › then both lead to the same broker, with the same authentication', async () => {
    const { broker, address } = await startListening();
    const unix = await broker.listen({ socket: temporaryPath('broker.sock') });
    const stranger = await SocketClient.connect(unix);
    stranger.post('agents.list');
    expect(await stranger.closed).toBe(4401);

    const host = await SocketClient.host(broker, address);
    const agent = await SocketClient.agent(broker, unix, 'echo');
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await host.until(() => host.events().length === 1);
    await broker.close();
    expect(await Promise.all([host.closed, agent.closed])).toEqual([1001, 1001]);
  });

  test('then pages are served there too, whatever the Host, and no Origin is its own', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    const socketPath = temporaryPath('broker.sock');
    await broker.listen({ socket: socketPath });
    expect((await http(0, '/healthz', { socketPath, headers: { Host: 'anything' } })).status).toBe(200);
    for (const headers of [{ Origin: 'http://localhost' }, upgradeHeaders({ Origin: 'http://localhost' })]) {
      expect((await http(0, '/healthz', { socketPath, headers })).status).toBe(403);
    }
  });

  test('that cannot be made › then it rejects with Node’s own error', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    const path = join(temporaryPath('missing'), 'broker.sock');
    await expect(broker.listen({ socket: path })).rejects.toMatchObject({ syscall: 'listen' });
  });
});

describe('broker.listen › when it is given a port', () => {
  test('of its own choice › then that one is listened on, on loopback alone, and again after a close', async () => {
    const { broker: first, port } = await startListening();
    await first.close();
    const second = createBroker();
    onTestFinished(() => second.close());
    expect(await second.listen({ port })).toEqual({ url: `ws://127.0.0.1:${port}`, host: '127.0.0.1', port });
    expect((await http(port, '/healthz')).status).toBe(200);
  });

  test('that is taken › then it rejects with EADDRINUSE, and the broker can listen elsewhere', async () => {
    const { port } = await startListening();
    const broker = createBroker();
    onTestFinished(() => broker.close());
    await expect(broker.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const elsewhere = await broker.listen({ port: 0 });
    expect(await (await SocketClient.host(broker, elsewhere)).ok('agents.list')).toEqual([]);
  });
});
