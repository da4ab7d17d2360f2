import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { connected, describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { form, make, manager, row, secret } from './support/keys.ts';

const problem = (page: Page) => form(page).getByRole('alert');

describeBrowser('the page of keys', () => {
  let daemon: Daemon;
  beforeEach(async () => {
    daemon = await startDaemon({ flags: ['--inspect'] });
  });

  test('there are none › then it says so; one is made › then it is shown once, and lets its owner in', async () => {
    const { page, url } = await openConsole({ daemon, place: 'keys' });
    await page.getByText('None yet. Make one here').waitFor();
    await page.getByRole('button', { name: 'Make a key' }).click();
    await eventually(() =>
      form(page)
        .getByLabel('Name', { exact: true })
        .evaluate((node) => node === node.ownerDocument.activeElement),
    ).toBe(true);
    await form(page).getByLabel('Whose it is').fill('Ada');
    await form(page).getByLabel('observe').check();
    await form(page).getByLabel('Agents', { exact: true }).fill('echo, poet');
    await form(page).getByLabel('Ends').selectOption('in 30 days');
    await form(page).getByText('Ways in, and limits').click();
    await form(page).getByLabel('ws', { exact: true }).check();
    await form(page).getByLabel('Chats a second').fill('5');
    await make(page, 'ada.laptop');
    await page.getByRole('heading', { name: 'The key ada.laptop, shown this once' }).waitFor();
    const token = (await secret(page).textContent()) ?? '';
    expect(token).toMatch(/^sbk_[\w-]{43}$/);
    await row(page, 'ada.laptop').getByText('of Ada').waitFor();
    const told = (await row(page, 'ada.laptop').innerText()).replace(/\s+/g, ' ');
    expect(told).toMatch(/chat, observe with echo, poet by ws 5 chats \d+ s ago never in (29 d 23|30 d 0) h 0 Revoke/);
    // It is what it looks like, to the daemon too.
    const host = await manager(daemon);
    expect(await host.request('keys.list', {})).toMatchObject([
      {
        name: 'ada.laptop',
        sub: 'Ada',
        scopes: ['chat', 'observe'],
        agents: ['echo', 'poet'],
        fronts: ['ws'],
        limits: { chats: 5 },
      },
    ]);
    const ada = await connectHost({ url: daemon.url, token });
    own(() => ada.close());
    expect(ada.principal).toEqual({ sub: 'Ada', tenant: 'default' });
    await eventually(() => row(page, 'ada.laptop').innerText()).toMatch(
      /\d+ s ago\s+\d+ s ago\s+in (29 d 23|30 d 0) h\s+1\s+Revoke/,
    );
    // Put away, it is nowhere any more.
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await page.content()).not.toContain(token);
    expect(page.url()).toBe(`${url}/#/keys`);
  });

  test('the secret › is in no address, no storage, no log, no audit and no other page that looks on', async () => {
    const { page } = await openConsole({ daemon, place: 'keys' });
    const looking = await openConsole({ daemon, place: 'charts' });
    const heard: string[] = [];
    looking.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => heard.push(String(payload))));
    // From now on: the socket of before was not listened to.
    await looking.page.reload();
    await connected(looking.page);
    await eventually(() => heard.join('').includes('inspect.event')).toBe(true);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('button', { name: 'Make a key' }).click();
    await make(page, 'hidden');
    const token = (await secret(page).textContent()) ?? '';
    expect(token).toMatch(/^sbk_/);
    await eventually(() => heard.join('').includes('keys.add')).toBe(true);
    expect(heard.join('')).not.toContain(token);
    expect([page.url(), ...asked].join(' ')).not.toContain(token);
    const kept = await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, history.state])');
    expect(kept).not.toContain(token);
    expect(daemon.program.lines.join('\n')).not.toContain(token);
    expect(readFileSync(join(daemon.home, 'keys.json'), 'utf8')).not.toContain(token);
    // Whoever goes elsewhere and comes back finds it put away.
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('link', { name: 'Keys' }).click();
    await row(page, 'hidden').waitFor();
    expect(await page.content()).not.toContain(token);
  });

  test('the secret is copied › then it says so; where it may not be, it is selected', async () => {
    const { page } = await openConsole({ daemon, place: 'keys' });
    await page.getByRole('button', { name: 'Make a key' }).click();
    await make(page, 'copied');
    const token = await secret(page).textContent();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(token);
    await page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"))');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('It is selected').waitFor();
    expect(await page.evaluate('String(getSelection())')).toBe(token);
  });

  test('one is revoked › then it is asked first; those who came by it are out, and the list says so', async () => {
    const host = await manager(daemon);
    const { token } = await host.request('keys.add', { name: 'app' });
    await host.request('keys.add', { name: 'other' });
    const app = await connectHost({ url: daemon.url, token });
    const { page } = await openConsole({ daemon, place: 'keys' });
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Revoke app' }).click();
    await dialog.getByText('1 connection by it will be closed').waitFor();
    // Enter and Escape change nothing.
    for (const key of ['Enter', 'Escape']) {
      await eventually(() =>
        dialog.getByRole('button', { name: 'Keep it' }).evaluate((node) => node === node.ownerDocument.activeElement),
      ).toBe(true);
      await page.keyboard.press(key);
      await dialog.waitFor({ state: 'detached' });
      await eventually(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Revoke app');
      await page.keyboard.press('Enter');
      await dialog.waitFor();
    }
    expect(await host.request('keys.list', {})).toHaveLength(2);
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('status', { name: 'Revoked' }).filter({ hasText: 'The key app is revoked.' }).waitFor();
    expect(await app.closed).toMatchObject({ closeCode: 4403 });
    await row(page, 'app').waitFor({ state: 'detached' });
    await row(page, 'other').waitFor();
    await eventually(() => page.evaluate('document.activeElement.textContent')).toBe('Keys');
    // That somebody else was quicker is as good.
    await page.getByRole('button', { name: 'Revoke other' }).click();
    await host.request('keys.remove', { name: 'other' });
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('None yet.').waitFor();
  });

  test('something is wrong with what is wished › then it is said where it is written, and nothing is lost', async () => {
    const host = await manager(daemon);
    await host.request('keys.add', { name: 'taken' });
    const { page } = await openConsole({ daemon, place: 'keys' });
    await page.getByRole('button', { name: 'Make a key' }).click();
    const name = form(page).getByLabel('Name', { exact: true });
    // The browser itself says so, and nothing is sent.
    for (const bad of ['', 'a b', 'ä']) {
      await make(page, bad);
      expect(await name.evaluate((node) => (node as unknown as { validity: { valid: boolean } }).validity.valid)).toBe(
        false,
      );
    }
    await make(page, 'taken');
    await problem(page).filter({ hasText: 'Name: is another key’s' }).waitFor();
    await form(page).getByLabel('Agents', { exact: true }).fill('no such/agent');
    await make(page, 'fresh');
    await problem(page).filter({ hasText: 'Agents: 1–128 of' }).waitFor();
    await form(page).getByLabel('Agents', { exact: true }).fill('');
    await form(page).getByLabel('host manages').check();
    expect(await form(page).getByLabel('Agents', { exact: true }).isDisabled()).toBe(true);
    await form(page).getByLabel('Tenant', { exact: true }).fill('not a tenant');
    await make(page, 'fresh');
    await problem(page).filter({ hasText: 'Tenant: 1–64 of' }).waitFor();
    await form(page).getByLabel('Tenant', { exact: true }).fill('acme');
    await make(page, 'fresh');
    await page.getByText('tenant acme').waitFor();
    expect(await host.request('keys.list', {})).toHaveLength(2);
  });

  test('whoever manages a tenant › sees its keys alone, and is asked for no tenant', async () => {
    const host = await manager(daemon);
    await host.request('keys.add', { name: 'elsewhere' });
    const { token } = await host.request('keys.add', { name: 'boss', tenant: 'acme', scopes: ['host'] });
    const { page } = await openConsole({ daemon, signedIn: false });
    await page.goto(`${page.url()}#token=${token}`);
    await connected(page);
    await page.getByRole('link', { name: 'Keys' }).click();
    await row(page, 'boss').waitFor();
    expect(await row(page, 'elsewhere').count()).toBe(0);
    await page.getByRole('button', { name: 'Make a key' }).click();
    expect(await form(page).getByLabel('Tenant', { exact: true }).count()).toBe(0);
    await make(page, 'theirs');
    await row(page, 'theirs').getByText('tenant acme').waitFor();
  });

  test('the daemon goes while a key is made or revoked › then the page says what that means', async () => {
    const host = await manager(daemon);
    await host.request('keys.add', { name: 'app' });
    const { page } = await openConsole({ daemon, place: 'keys', mayComplain: true });
    await page.getByRole('button', { name: 'Revoke app' }).click();
    await page.getByRole('dialog').waitFor();
    await daemon.stop();
    await page.getByText('Connection lost').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('There is no connection to the daemon now.').waitFor();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await row(page, 'app').waitFor();
    await page.getByRole('button', { name: 'Make a key' }).click();
    await make(page, 'late');
    await problem(page).filter({ hasText: 'There is no connection' }).waitFor();
  });

  test('keys may not be listed › then it says so, in place of a list', async () => {
    const { page } = await openConsole({ daemon });
    // Whatever the daemon has against it: the answer to the page's question is put in its place.
    await page.routeWebSocket(/.*/, (socket) => {
      const server = socket.connectToServer();
      const asked = new Set<unknown>();
      socket.onMessage((text) => {
        const { id, method } = JSON.parse(String(text));
        if (method === 'keys.list') asked.add(id);
        server.send(text);
      });
      server.onMessage((text) => {
        const answer = JSON.parse(String(text));
        if (!asked.delete(answer.id)) return socket.send(text);
        const error = { code: -32601, message: 'method not found: keys.list' };
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: answer.id, error }));
      });
    });
    await page.reload();
    await connected(page);
    await page.getByRole('link', { name: 'Keys' }).click();
    await page.getByRole('alert').filter({ hasText: 'The keys cannot be listed: method not found' }).waitFor();
    expect(await page.getByText('Asking the daemon').count()).toBe(0);
    expect(await page.getByRole('table').count()).toBe(0);
  });
});

describeBrowser('the page of many keys', () => {
  const long = { name: 'k'.repeat(64), sub: '‮evil '.repeat(30), tenant: 't'.repeat(64) };
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--inspect'] });
    const host = await manager(daemon);
    await host.request('keys.add', {
      ...long,
      agents: ['a'.repeat(100), 'b'],
      fronts: ['ws', 'mcp'],
      limits: { chats: 1, turns: 2, deltas: 3, bytes: 1e12, connections: 5, tools: 6 },
    });
    for (let n = 0; n < 20; n += 1) await host.request('keys.add', { name: `key-${n}` });
  });

  const SIZES = [390, 1_280, 2_560].flatMap((width) =>
    (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
  );
  test.each(SIZES)(
    'in a window of $width pixels, $colorScheme › then nothing is cut off, and all can be reached',
    async ({ width, colorScheme }) => {
      const { page } = await openConsole({
        daemon,
        place: 'keys',
        context: { viewport: { width, height: 800 }, colorScheme },
      });
      await row(page, 'key-19').waitFor();
      const overflow = () =>
        page.evaluate(
          '[document.scrollingElement, ...document.querySelectorAll(".scroll")].map((box) => box.scrollWidth - box.clientWidth)',
        );
      expect(Math.max(...((await overflow()) as number[]))).toBeLessThanOrEqual(0);
      const bar = await page.locator('.bar nav').evaluate((nav) => nav.getBoundingClientRect().height);
      expect(bar).toBeLessThan(45);
      await page.getByRole('searchbox', { name: 'Find a key' }).fill('KEY-7');
      await eventually(() => page.getByRole('button', { name: /^Revoke / }).count()).toBe(1);
      await page.getByRole('searchbox', { name: 'Find a key' }).fill('evil');
      const revoke = page.getByRole('button', { name: `Revoke ${long.name}` });
      await revoke.click();
      await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
      expect(await row(page, long.name).innerText()).not.toContain('‮');
      await page.getByRole('searchbox').fill('nobody has this');
      await page.getByText('None is like that.').waitFor();
      await page.getByRole('searchbox').fill('');
      await page.getByRole('button', { name: 'Make a key' }).click();
      await form(page).getByText('Ways in, and limits').click();
      expect(Math.max(...((await overflow()) as number[]))).toBeLessThanOrEqual(0);
      await make(page, `new-${width}-${colorScheme}`);
      await secret(page).waitFor();
      expect(Math.max(...((await overflow()) as number[]))).toBeLessThanOrEqual(0);
      expect(await page.evaluate(`getComputedStyle(document.body).backgroundColor`)).toBe(
        colorScheme === 'dark' ? 'rgb(21, 23, 26)' : 'rgb(251, 250, 248)',
      );
    },
  );
});
