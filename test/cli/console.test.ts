import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { BrokerOptions } from '../../broker.ts';
import { RealBroker } from '../client/real-broker.ts';
import { modeOf, temporaryDirectory } from '../daemon/temporary.ts';
import { TestIo } from './test-io.ts';

/** A broker with a console, announced in a home of its own. */
async function startAnnounced(options: BrokerOptions = {}) {
  const home = temporaryDirectory();
  const pages = temporaryDirectory();
  writeFileSync(join(pages, 'index.html'), 'the console');
  const { broker, url } = await RealBroker.start({ console: { directory: pages }, ...options });
  mkdirSync(join(home, 'run'));
  writeFileSync(join(home, 'run/broker.json'), JSON.stringify({ url, pid: process.pid }));
  writeFileSync(join(home, 'run/host-token'), `${broker.tokens.host}\n`);
  return { home, broker, url, page: `${url.replace('ws:', 'http:')}/` };
}

/** A desktop whose `xdg-open` writes down what it is given. */
function desktop(home: string, writes = `printf '%s\\n' "$@"`) {
  const bin = temporaryDirectory();
  const opened = join(bin, 'opened');
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\n${writes} > ${opened}.new && mv ${opened}.new ${opened}\n`);
  chmodSync(join(bin, 'xdg-open'), 0o755);
  const io = new TestIo({ SWITCHBOARD_HOME: home, DISPLAY: ':99', PATH: `${bin}:${process.env.PATH}` });
  return { io, opened: () => (existsSync(opened) ? readFileSync(opened, 'utf8').trim() : undefined) };
}

describe('switchboard console', () => {
  it('prints the link that signs in, and nothing else on stdout', async () => {
    const { home, broker, page } = await startAnnounced();
    const io = new TestIo({ SWITCHBOARD_HOME: home });
    expect(await io.run('console')).toBe(0);
    expect(io.out).toBe(`${page}#token=${broker.tokens.host}\n`);
    expect(io.err).toContain('open it in a browser');
    expect(io.err).not.toContain(broker.tokens.host);
  });

  it('a token with characters that mean something in a URL › they are escaped', async () => {
    const { home, page } = await startAnnounced({ tokens: { host: 'a#b&c=d/e%f' } });
    const io = new TestIo({ SWITCHBOARD_HOME: home });
    expect(await io.run('console')).toBe(0);
    expect(io.out).toBe(`${page}#token=a%23b%26c%3Dd%2Fe%25f\n`);
  });

  it.skipIf(process.platform !== 'linux')('on a desktop › the browser inherits no token', async () => {
    const { home, broker } = await startAnnounced();
    const { io, opened } = desktop(home, 'env');
    Object.assign(io.env, { SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon, SWITCHBOARD_AGENT_TOKEN: 'of an agent' });
    Object.assign(io.env, { SWITCHBOARD_HOST_TOKEN: broker.tokens.host, LANG: 'xx' });
    expect(await io.run('console')).toBe(0);
    await expect.poll(opened).toContain('LANG=xx');
    expect(opened()).not.toMatch(/SWITCHBOARD|of an agent/);
    for (const token of Object.values(broker.tokens)) expect(opened()).not.toContain(token);
  });

  it.skipIf(process.platform !== 'linux')(
    'on a desktop › opens a page that leads there; the token is on no command line and in no file of others',
    async () => {
      const { home, broker, page } = await startAnnounced();
      const { io, opened } = desktop(home);
      expect(await io.run('console')).toBe(0);
      expect(io.err).toContain('opening it in the browser');
      const path = join(home, 'run/console.html');
      await vi.waitFor(() => expect(opened()).toBe(`file://${path}`));
      expect(readFileSync(path, 'utf8')).toContain(`content="0;url=${page}#token=${broker.tokens.host}"`);
      expect(modeOf(path)).toBe(0o600);
    },
  );

  it('--no-open, or over ssh › prints it and leaves the browser alone', async () => {
    const { home } = await startAnnounced();
    const { io, opened } = desktop(home);
    expect(await io.run('console', '--no-open')).toBe(0);
    const far = desktop(home);
    far.io.env.SSH_CONNECTION = '10.0.0.1 1 10.0.0.2 22';
    expect(await far.io.run('console')).toBe(0);
    for (const { err } of [io, far.io]) expect(err).toContain('open it in a browser');
    expect(existsSync(join(home, 'run/console.html'))).toBe(false);
    expect([opened(), far.opened()]).toEqual([undefined, undefined]);
  });

  it.skipIf(process.platform !== 'linux')(
    'an opener that finds no browser › says to open it by hand, and leaves no secret behind',
    async () => {
      const { home } = await startAnnounced();
      const bin = temporaryDirectory();
      writeFileSync(join(bin, 'xdg-open'), '#!/bin/sh\nexit 3\n');
      chmodSync(join(bin, 'xdg-open'), 0o755);
      const io = new TestIo({ SWITCHBOARD_HOME: home, DISPLAY: ':99', PATH: `${bin}:${process.env.PATH}` });
      expect(await io.run('console')).toBe(0);
      expect(io.err).toContain('open it in a browser');
      expect(existsSync(join(home, 'run/console.html'))).toBe(false);
    },
  );

  it('no program there to open it › says to open it by hand, and leaves no secret behind', async () => {
    const { home } = await startAnnounced();
    const io = new TestIo({ SWITCHBOARD_HOME: home, DISPLAY: ':99', PATH: temporaryDirectory() });
    expect(await io.run('console')).toBe(0);
    expect(io.err).toContain('open it in a browser');
    expect(existsSync(join(home, 'run/console.html'))).toBe(false);
  });

  it('no daemon is running › says so, with status 3', async () => {
    const io = new TestIo({ SWITCHBOARD_HOME: temporaryDirectory() });
    expect(await io.run('console')).toBe(3);
    expect(io.out).toBe('');
    expect(io.err).toMatch(/no daemon is running for .*start one with `npx switchboard serve`/);
  });

  it('a token that the daemon does not take › no link, with status 4', async () => {
    const { home } = await startAnnounced();
    const io = new TestIo({ SWITCHBOARD_HOME: home });
    expect(await io.run('console', '--host-token', 'wrong')).toBe(4);
    expect(io.out).toBe('');
    expect(io.err).toContain('refused the host token');
  });

  it.each([
    ['ws+unix:/tmp/broker.sock:/', 'no browser reaches'],
    ['http://127.0.0.1:9100', '--url takes ws://'],
    ['nonsense', '--url takes ws://'],
  ])('--url %s › says what it takes, with status 2', async (url, words) => {
    const io = new TestIo({ SWITCHBOARD_HOST_TOKEN: 't' });
    expect(await io.run('console', '--url', url)).toBe(2);
    expect(io.out).toBe('');
    expect(io.err).toContain(words);
  });

  it('a console that is not built, or switched off › says so', async () => {
    for (const [place, words] of [
      [{ directory: '/nonexistent' }, 'npm run build'],
      [false, 'it has none'],
    ] as const) {
      const { home } = await startAnnounced({ console: place });
      const io = new TestIo({ SWITCHBOARD_HOME: home });
      expect(await io.run('console')).toBe(1);
      expect(io.out).toBe('');
      expect(io.err).toContain(words);
    }
  });

  it('below a path of somebody’s own server › leads to the page beside the WebSocket', async () => {
    const { broker } = await startAnnounced();
    const server = createServer((_request, response) => response.end('their page'));
    server.on('upgrade', (request, socket, head) => broker.handleUpgrade(request, socket, head));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const io = new TestIo({ SWITCHBOARD_HOST_TOKEN: broker.tokens.host });
    expect(await io.run('console', '--url', `ws://127.0.0.1:${port}/broker/ws?x=1`)).toBe(0);
    expect(io.out).toBe(`http://127.0.0.1:${port}/broker/#token=${broker.tokens.host}\n`);
  });
});
