import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createBroker } from '../../broker.ts';
import { own } from '../e2e/support/cleanup.ts';
import { theBrowser } from './support/chromium.ts';
import { connected, describeBrowser } from './support/console.ts';

describeBrowser('the console of an embedded broker', () => {
  test('below a path of somebody’s own server › then it finds its files and its WebSocket there', async () => {
    const broker = createBroker();
    const server = createServer((request, response) => {
      if (!request.url?.startsWith('/broker/')) return void response.end('their own page');
      request.url = request.url.slice('/broker'.length);
      broker.handleRequest(request, response);
    });
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/broker/') broker.handleUpgrade(request, socket, head);
      else socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    own(() => void server.close());
    own(() => broker.close());
    const context = await theBrowser().newContext();
    own(() => context.close());
    const page = await context.newPage();
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/broker/#token=${broker.tokens.host}`);
    await connected(page);
    await page.getByRole('row').filter({ hasText: 'upgrade' }).waitFor();
    expect(page.url()).toBe(`http://127.0.0.1:${port}/broker/`);
  });
});
