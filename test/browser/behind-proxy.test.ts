import { request as ask, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { theBrowser } from './support/chromium.ts';
import { connected, describeBrowser } from './support/console.ts';

/* What a person sees behind a proxy that gets one thing wrong, and behind one that does not (docs/proxies.md). */

/** What a proxy makes of what it passes on. */
interface Manner {
  /** What it says the `Host` is. Default: the daemon's own address, as in deploy/nginx.conf. */
  host?: string;
  /** Whether it passes upgrades on. */
  upgrades?: boolean;
  /** Whether plain GETs lose their `Origin`, which not every browser says for its own page's files. */
  losesOrigin?: boolean;
}

/** A proxy that takes `/switchboard` away, and knows nothing else. It asks the daemon that it is given later. */
class SmallProxy {
  daemon: Daemon | undefined;
  readonly url: string;
  readonly origin: string;

  private constructor(port: number) {
    this.origin = `http://127.0.0.1:${port}`;
    this.url = `${this.origin}/switchboard/`;
  }

  static async start({ host: named, upgrades = true, losesOrigin = false }: Manner): Promise<SmallProxy> {
    const passOn = ({ method, url = '', headers }: IncomingMessage) => {
      const { host, hostname, port } = new URL(proxy.daemon?.url ?? '');
      const passed: Record<string, unknown> = { ...headers, host: named ?? host, 'x-forwarded-for': '203.0.113.9' };
      if (losesOrigin && method === 'GET' && headers.upgrade === undefined) delete passed.origin;
      const path = url.replace(/^\/switchboard/, '');
      return ask({ hostname, port, method, path, headers: passed as IncomingMessage['headers'] });
    };
    const server = createServer((request, response) => {
      if (!request.url?.startsWith('/switchboard')) return void response.writeHead(404).end();
      const passed = passOn(request);
      passed.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy());
      request.pipe(passed);
    });
    server.on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      const refuse = (status = 400) => socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\n\r\n`);
      if (!upgrades) return void refuse();
      const passed = passOn(request);
      passed.on('upgrade', (answer, behind) => {
        const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
        behind.on('error', () => socket.destroy());
        behind.pipe(socket).pipe(behind);
      });
      passed.on('response', (answer) => void refuse(answer.statusCode));
      passed.on('error', () => socket.destroy());
      passed.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    own(() => server.closeAllConnections());
    own(() => server.close());
    const proxy: SmallProxy = new SmallProxy((server.address() as AddressInfo).port);
    return proxy;
  }
}

async function open(url: string): Promise<Page> {
  const context = await theBrowser().newContext();
  own(() => context.close());
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** The link with a token, as `switchboard console` prints it, with the proxy's address before it. */
const linkBy = (proxy: SmallProxy) => `${proxy.url}#token=${proxy.daemon?.tokens.host}`;

describeBrowser('the console behind a proxy', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  async function proxyTo(manner: Manner): Promise<SmallProxy> {
    const proxy = await SmallProxy.start(manner);
    proxy.daemon = daemon;
    return proxy;
  }

  test('that keeps a Host which is not allowed › then a page says which flags are missing, and has taken the token away', async () => {
    const proxy = await proxyTo({ host: 'broker.example:8443' });
    const page = await open(linkBy(proxy));
    await page.getByRole('heading', { name: 'Host not allowed' }).waitFor();
    const command = `switchboard serve --allow-host broker.example --allow-origin ${proxy.origin}`;
    await page.getByText(command, { exact: true }).waitFor();
    expect(page.url()).toBe(proxy.url);
    expect(await page.evaluate('document.styleSheets.length')).toBe(1);
  });

  test('that rewrites Host, whose origin is not allowed › then the page says so without any of its files', async () => {
    const proxy = await proxyTo({});
    const page = await open(linkBy(proxy));
    await page.getByRole('heading', { name: 'The console could not be loaded' }).waitFor();
    await page.getByText(`switchboard serve --allow-origin ${proxy.origin}`, { exact: true }).waitFor();
    expect(page.url()).toBe(proxy.url);
  });

  test('and the files came all the same › then the console says why it is not connected', async () => {
    const proxy = await proxyTo({ losesOrigin: true });
    const page = await open(linkBy(proxy));
    await page.getByText(`start it with --allow-origin ${proxy.origin}`).waitFor();
    expect(page.url()).toBe(proxy.url);
  });

  test('that passes no WebSocket on, or leads to no slash › then it is said; one that does both right › then it is connected', async () => {
    const [without, proper] = [await SmallProxy.start({ upgrades: false }), await SmallProxy.start({})];
    const allowed = await startDaemon({ flags: ['--allow-origin', without.origin, '--allow-origin', proper.origin] });
    without.daemon = allowed;
    proper.daemon = allowed;
    const page = await open(linkBy(without));
    await page.getByText('no WebSocket gets through').waitFor();
    const lacking = await open(linkBy(proper).replace('/#', '#'));
    await lacking.getByText(`The address lacks a slash at its end: ${proper.url}`, { exact: true }).waitFor();
    expect(lacking.url()).toBe(proper.url.replace(/\/$/, ''));
    const other = await open(linkBy(proper));
    await connected(other);
    expect(other.url()).toBe(proper.url);
  });
});
