import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { CutProxy } from '../client/cut-proxy.ts';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { DIST, Program, run } from '../e2e/support/program.ts';
import { theBrowser } from './support/chromium.ts';
import { describeBrowser } from './support/console.ts';
import { eventually } from './support/eventually.ts';

const ROOT = resolve(DIST, '..');
const VITE = resolve(ROOT, 'node_modules/vite/bin/vite.js');
const EXAMPLES = resolve(ROOT, 'examples');

/** Where the examples look for a daemon. */
const THEIR_DAEMON = 'ws://127.0.0.1:9100';

/** Runs vite as the pages say, but on a port that is free, and gives the origin that it serves. */
async function serve(...words: string[]): Promise<string> {
  const vite = new Program([VITE, ...words, '--port', '0'], { NO_COLOR: '1' });
  await vite.shows('http://localhost:');
  await vite.shows('/\n');
  const [, origin = ''] = /(http:\/\/localhost:\d+)\//.exec(vite.out) ?? [];
  return origin;
}

/** Opens an example as it is, but for the daemon's address: the one of the test is on another port. */
async function open(origin: string, daemon: Daemon): Promise<{ page: Page; complaints: string[] }> {
  const context = await theBrowser().newContext();
  own(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.addInitScript(
    ([theirs, ours]) => {
      const http = (url: string) => url.replace('ws:', 'http:');
      const real = globalThis.fetch;
      globalThis.fetch = (asked, init) =>
        real(typeof asked === 'string' ? asked.replace(http(theirs), http(ours)) : asked, init);
      globalThis.WebSocket = class extends WebSocket {
        constructor(url: string | URL, protocols?: string | string[]) {
          super(String(url).replace(theirs, ours), protocols);
        }
      };
    },
    [THEIR_DAEMON, daemon.url] as const,
  );
  await page.goto(origin);
  return { page, complaints };
}

/** A port that nobody has: the daemon is told of it before the application listens there. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Vite starts, and bundles, before anything is tested: on a busy machine that is most of the time. */
const SLOW = { timeout: 120_000 };

describeBrowser('examples/page', () => {
  test('asks again after a wrong token, and chats, from an origin that the daemon allows', SLOW, async () => {
    const origin = await serve(`${EXAMPLES}/page`);
    const daemon = await startDaemon({ flags: ['--demo', '--allow-origin', origin] });
    const { page, complaints } = await open(origin, daemon);
    const token = page.getByPlaceholder('token');
    const prompt = page.getByPlaceholder('Say something');
    const answer = page.locator('#answer');
    await token.fill('wrong');
    await prompt.fill('hello from a page');
    await prompt.press('Enter');
    await answer.filter({ hasText: 'token mismatch' }).waitFor();

    await token.fill(daemon.tokens.daemon);
    await page.getByRole('button', { name: 'Send' }).click();
    await answer.getByText('hello from a page', { exact: true }).waitFor();

    await prompt.fill('/fail');
    await prompt.press('Enter');
    await answer.filter({ hasText: 'fail' }).waitFor();
    expect(complaints).toEqual([]);
    // The second chat was on the first one's connection.
    const { body } = await daemon.get('/metrics');
    expect(body).toMatch(/^switchboard_connections\{role="client"\} 1$/m);

    // Another daemon in its place takes another token.
    await daemon.stop();
    const flags = ['--demo', '--allow-origin', origin, '--port', new URL(daemon.url).port];
    const next = await startDaemon({ home: daemon.home, flags });
    expect(next.tokens.daemon).not.toBe(daemon.tokens.daemon);
    await token.fill(next.tokens.daemon);
    await prompt.fill('hello to the next');
    for (let said: string | null = ''; said !== 'hello to the next'; said = await answer.textContent()) {
      // As long as the page waits for the old one it says so.
      await prompt.press('Enter');
      await answer.getByText(/connection lost|token mismatch|hello to the next/).waitFor();
    }
    expect(complaints).toEqual([]);
  });
});

describeBrowser('examples/web-app', () => {
  /** The application, whose pages see the daemon through a proxy, and a page of it at which Ada has signed in. */
  async function signedIn() {
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    const daemon = await startDaemon({ flags: ['--demo', '--allow-origin', origin] });
    const proxy = await CutProxy.to(daemon.url);
    const manager = await daemon.manager();
    const { token } = await manager.ok('keys.add', { name: 'web-app', scopes: ['host'] });
    const env = { PORT: String(port), SWITCHBOARD_URL: proxy.url, SWITCHBOARD_HOST_TOKEN: token };
    const app = new Program([`${EXAMPLES}/web-app/server.js`], env);
    await app.shows(origin);
    const { page, complaints } = await open(origin, daemon);
    const answer = page.locator('#answer');
    const signIn = async (name: string, password: string) => {
      await page.getByPlaceholder('name').fill(name);
      await page.getByPlaceholder('password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await signIn('ada', 'guessed');
    await answer.getByText('wrong name or password', { exact: true }).waitFor();
    await signIn('ada', 'analytical');
    const say = async (words: string) => {
      await page.getByPlaceholder('Say something').fill(words);
      await page.getByPlaceholder('Say something').press('Enter');
    };
    /** The keys of its pages. */
    const pages = async (): Promise<{ name: string }[]> =>
      (await manager.ok('keys.list')).filter(({ name }: { name: string }) => name !== 'web-app');
    return { origin, proxy, manager, app, page, complaints, answer, say, pages };
  }

  test('signs people in, gives each page a key of its own, and ends it when they sign out', SLOW, async () => {
    const { origin, manager, app, page, complaints, answer, say, pages } = await signedIn();
    await say('hello from Ada');
    await answer.getByText('hello from Ada', { exact: true }).waitFor();
    const [key] = await pages();
    expect(await pages()).toMatchObject([
      { sub: 'ada', scopes: ['chat'], agents: ['echo'], fronts: ['ws'], connections: 1 },
    ]);
    // A key that ends: here it is taken away, and the next prompt is asked by another.
    await manager.ok('keys.remove', { name: key?.name });
    await say('hello again');
    await answer.getByText('hello again', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await answer.getByText('signed out', { exact: true }).waitFor();
    expect(await pages()).toEqual([]);
    expect((await fetch(`${origin}/key`, { method: 'POST' })).status).toBe(401);
    expect(complaints).toEqual([]);
    expect(app.err).toBe('');
  });

  test(
    'whose key ends as somebody presses Enter, or in the middle of an answer › goes on by the next',
    SLOW,
    async () => {
      const { proxy, manager, page, complaints, answer, say, pages } = await signedIn();
      const sent: string[] = [];
      page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
      await say('hello from Ada');
      await answer.getByText('hello from Ada', { exact: true }).waitFor();
      // The page has not heard of the end when it asks.
      proxy.hold();
      const [first] = await pages();
      await manager.ok('keys.remove', { name: first?.name });
      await say('hello again');
      await eventually(() => sent.some((frame) => frame.includes('hello again'))).toBe(true);
      proxy.letGo();
      await answer.getByText('hello again', { exact: true }).waitFor();

      await say('/slow');
      await answer.getByText('1 2').waitFor();
      // The old token ends, as it does after ten minutes.
      const [second] = await pages();
      await manager.ok('keys.rotate', { name: second?.name });
      await answer.getByText('1 2 3 4 5 6 7 8 9 10', { exact: true }).waitFor();
      expect(await pages()).toHaveLength(2);
      expect(complaints).toEqual([]);
    },
  );
});

describeBrowser('examples/react', () => {
  test('is built, chats, stops an answer, and asks again after a wrong token', SLOW, async () => {
    const outDir = temporaryDirectory();
    const built = await run([VITE, 'build', `${EXAMPLES}/react`, '--outDir', outDir, '--emptyOutDir'], {});
    expect(built.code, built.err).toBe(0);
    const origin = await serve('preview', `${EXAMPLES}/react`, '--outDir', outDir);
    const daemon = await startDaemon({ flags: ['--demo', '--allow-origin', origin] });
    const { page, complaints } = await open(origin, daemon);
    const token = page.getByPlaceholder('token');
    await token.fill('wrong');
    await token.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'token' }).waitFor();
    await token.fill(daemon.tokens.daemon);
    await token.press('Enter');

    const prompt = page.getByPlaceholder('Say something');
    await prompt.fill('hello from React');
    await prompt.press('Enter');
    await page.locator('.answer').getByText('hello from React', { exact: true }).waitFor();

    await prompt.fill('/slow');
    await prompt.press('Enter');
    await page.locator('.answer').nth(1).filter({ hasText: /\w/ }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Send' }).and(page.locator(':enabled')).waitFor();
    const { body } = await daemon.get('/metrics');
    expect(body).toMatch(/^switchboard_turns_ended_total\{ending="cancelled"\} 1$/m);

    // What nobody takes is not lost.
    const manager = await daemon.manager();
    await manager.ok('agents.remove', { id: 'echo' });
    await prompt.fill('is anybody there?');
    await prompt.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'agent not attached' }).waitFor();
    expect(await prompt.inputValue()).toBe('is anybody there?');
    expect(await page.locator('.answer').count()).toBe(2);
    expect(complaints).toEqual([]);
  });
});

describeBrowser('examples/use-chat', () => {
  test('is built, chats, runs its tools, asks, goes on after a reload, and stops an answer', SLOW, async () => {
    const outDir = temporaryDirectory();
    const built = await run([VITE, 'build', `${EXAMPLES}/use-chat`, '--outDir', outDir, '--emptyOutDir'], {});
    expect(built.code, built.err).toBe(0);
    const origin = await serve('preview', `${EXAMPLES}/use-chat`, '--outDir', outDir);
    const daemon = await startDaemon({ flags: ['--demo', '--allow-origin', origin] });
    const manager = await daemon.manager();
    const { token } = await manager.ok('keys.add', { name: 'ada', fronts: ['ai-sdk'], agents: ['echo'] });
    const { page, complaints } = await open(origin, daemon);
    const key = page.getByPlaceholder('key');
    await key.fill('ended');
    await key.press('Enter');

    const prompt = page.getByPlaceholder('Say something');
    const answers = page.locator('.assistant');
    const isReady = page.getByRole('button', { name: 'Send' }).and(page.locator(':enabled'));
    const say = async (words: string) => {
      await isReady.waitFor();
      await prompt.fill(words);
      await prompt.press('Enter');
    };
    await say('does anybody know me?');
    await page.getByRole('alert').filter({ hasText: /key/ }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await key.fill(token);
    await key.press('Enter');
    await say('hello from useChat');
    await answers.getByText('hello from useChat', { exact: true }).waitFor();
    await say('/tool page_title');
    await answers.nth(1).getByText('Your page_title says: "useChat"', { exact: true }).waitFor();
    await say('/approve to go on');
    await answers.nth(2).getByRole('button', { name: 'Approve' }).click();
    await answers.nth(2).getByText('It was approved.').waitFor();

    await say('/slow');
    await answers.nth(3).getByText('1 2').waitFor();
    await page.reload();
    await answers.nth(3).getByText('1 2 3 4').waitFor();
    expect(await answers.count()).toBe(4);
    await page.getByRole('button', { name: 'Stop' }).click();
    await isReady.waitFor();
    const { body } = await daemon.get('/metrics');
    expect(body).toMatch(/^switchboard_turns_ended_total\{ending="cancelled"\} 1$/m);
    expect(body).toMatch(/^switchboard_front_turns_total\{front="ai-sdk"\} 4$/m);
    expect(complaints).toEqual([]);
  });
});
