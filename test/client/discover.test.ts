import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { connectAgent, connectHost, findHome, findToken, findUrl, NoDaemonError } from '../../client/node.ts';
import { ScriptedBroker, Wire } from './scripted-broker.ts';

let home: string;
const env = {};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'switchboard-'));
  mkdirSync(join(home, 'run'));
});
afterEach(() => rmSync(home, { recursive: true }));

function write(name: string, content: unknown): void {
  writeFileSync(join(home, 'run', name), typeof content === 'string' ? content : JSON.stringify(content));
}

describe('findHome', () => {
  it('is the option, else the variable, else ~/.switchboard', () => {
    expect(findHome({ home: '/a', env: { SWITCHBOARD_HOME: '/b' } })).toBe('/a');
    expect(findHome({ env: { SWITCHBOARD_HOME: '/b' } })).toBe('/b');
    expect(findHome({ env })).toMatch(/\/\.switchboard$/);
  });
});

describe('findUrl', () => {
  const url = 'ws://127.0.0.1:9100';

  it('reads nothing but files: where there is a pipe, or a directory, there is no daemon', () => {
    execFileSync('mkfifo', [join(home, 'run', 'broker.json'), join(home, 'run', 'auth-token')]);
    mkdirSync(join(home, 'run', 'host-token'));
    expect(() => findUrl({ home, env })).toThrow(NoDaemonError);
    expect(findToken('auth', { home, env, url: 'ws://127.0.0.1:1' })).toBeUndefined();
    expect(findToken('host', { home, env, url: 'ws://127.0.0.1:1' })).toBeUndefined();
  });

  it('reads broker.json, and a variable beats it', () => {
    write('broker.json', { pid: process.pid, url, socket: null, version: '1' });
    expect(findUrl({ home, env })).toBe(url);
    expect(findUrl({ home, env: { SWITCHBOARD_URL: 'ws://other' } })).toBe('ws://other');
  });

  it.each([
    ['is not there', undefined, 'no run/broker.json', 'absent'],
    ['is damaged', '{"pid"', 'damaged', 'damaged'],
    ['is no object', 'null', 'damaged', 'damaged'],
    // No system gives out a process id beyond 2 ** 22.
    ['was left by a daemon that died', { pid: 2 ** 30, url }, 'has died', 'dead'],
  ])('when the file %s › throws NoDaemonError', (_what, content, words, reason) => {
    if (content !== undefined) write('broker.json', content);
    const found = () => findUrl({ home, env });
    expect(found).toThrow(NoDaemonError);
    expect(found).toThrow(words);
    expect(found).toThrow(home);
    expect(found).toThrow(expect.objectContaining({ reason }));
  });
});

describe('findToken', () => {
  it('reads the files, and variables beat them', () => {
    write('auth-token', 'daemon\n');
    write('host-token', 'boss\n');
    const url = 'ws://localhost:1';
    expect(findToken('auth', { home, env, url })).toBe('daemon');
    expect(findToken('host', { home, env, url })).toBe('boss');
    expect(findToken('auth', { home, env: { SWITCHBOARD_AUTH_TOKEN: 'a' }, url })).toBe('a');
    expect(findToken('host', { home, env: { SWITCHBOARD_HOST_TOKEN: 'b' }, url })).toBe('b');
  });

  it.each([
    ['ws://127.0.0.1:9100', 'daemon'],
    ['ws://[::1]:9100', 'daemon'],
    ['ws+unix:/run/broker.sock:/', 'daemon'],
    ['wss://example.org', undefined],
    ['ws://127.0.0.1.example.org', undefined],
    ['nonsense', undefined],
  ])('for %s › gives the file’s token away: %s', (url, token) => {
    write('auth-token', 'daemon');
    expect(findToken('auth', { home, env, url })).toBe(token);
  });
});

describe('connectHost in Node', () => {
  it('finds URL and tokens in the home directory', async () => {
    const broker = await ScriptedBroker.start();
    write('broker.json', { pid: process.pid, url: broker.url });
    write('auth-token', 'daemon');
    write('host-token', 'boss');
    const plain = connectHost({ home, env });
    expect((await (await broker.accept()).authenticate()).params).toEqual({ token: 'daemon' });
    const management = connectHost({ home, env, management: true });
    expect((await (await broker.accept()).authenticate()).params).toEqual({ host_token: 'boss' });
    for (const host of [await plain, await management]) await host.close();
    await broker.stop();
  });

  it('when there is no daemon › rejects with NoDaemonError', async () => {
    await expect(connectHost({ home, env })).rejects.toBeInstanceOf(NoDaemonError);
  });

  it('takes a ws+unix URL', async () => {
    const path = join(home, 'b.sock');
    const http = createServer();
    const server = new WebSocketServer({ server: http });
    await new Promise<void>((resolve) => http.listen(path, resolve));
    const connected = new Promise<Wire>((resolve) => server.on('connection', (socket) => resolve(new Wire(socket))));
    const connecting = connectHost({ url: `ws+unix:${path}:/`, token: 'x' });
    await (await connected).authenticate();
    await (await connecting).close();
    http.close();
  });
});

describe('connectAgent in Node', () => {
  it('finds the URL anew at each connection, and its token in SWITCHBOARD_AGENT_TOKEN', async () => {
    const first = await ScriptedBroker.start();
    const second = await ScriptedBroker.start();
    write('broker.json', { pid: process.pid, url: first.url });
    const connecting = connectAgent({
      home,
      env: { SWITCHBOARD_AGENT_TOKEN: 'mine' },
      agentId: 'echo',
      onChat: async () => 'x',
      reconnect: { minMs: 1 },
    });
    const wire = await first.accept();
    expect((await wire.authenticate()).params).toEqual({
      agent_id: 'echo',
      token: 'mine',
      resume: true,
      tickets: true,
    });
    const agent = await connecting;
    write('broker.json', { pid: process.pid, url: second.url });
    wire.close(1001);
    await (await second.accept()).authenticate();
    await agent.close();
    await first.stop();
    await second.stop();
  });
});
