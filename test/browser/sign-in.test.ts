import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Request } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { CLI, run } from '../e2e/support/program.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/jwt.ts';
import { theBrowser } from './support/chromium.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';

const WRONG = 'A'.repeat(43);

describeBrowser('signing in', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  test('by the link of `switchboard console` › then the page is there, and the token is in no address and no request', async () => {
    const { page, url } = await openConsole({ daemon, signedIn: false });
    const { out } = await run([CLI, 'console', '--no-open'], { SWITCHBOARD_HOME: daemon.home });
    const asked: string[] = [];
    // The page is there already: what it asks for now is its WebSocket above all.
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    await page.goto(out.trim());
    await connected(page);
    await page.getByRole('table', { name: 'Connections' }).waitFor();
    expect(page.url()).toBe(`${url}/`);
    expect(await page.evaluate('history.length')).toBeLessThanOrEqual(3);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.join(' ')).not.toContain(daemon.tokens.host);
    // Somebody who looks at the page again is still signed in; in a tab of their own they are not.
    const other = await page.context().newPage();
    await other.goto(url);
    await other.getByLabel('Link or host token').waitFor();
    await page.reload();
    await connected(page);
    await page.goBack();
    expect(page.url()).not.toContain(daemon.tokens.host);
    expect(daemon.program.out).not.toContain(daemon.tokens.host);
  });

  test('for the first time › then less than 150 KB come over the wire, all of it from the daemon', async () => {
    const context = await theBrowser().newContext();
    own(() => context.close());
    const page = await context.newPage();
    const finished: Request[] = [];
    page.on('requestfinished', (request) => finished.push(request));
    await page.goto(linkTo(daemon));
    await connected(page);
    await page.getByRole('table', { name: 'Connections' }).waitFor();
    // Asked now: of a request that ends later, nobody would wait for the answer, and the window may be closed before it comes.
    const all = await Promise.all(
      finished.map(async (request) => ({ url: request.url(), bytes: (await request.sizes()).responseBodySize })),
    );
    expect(all.filter((load) => !load.url.startsWith(daemon.url.replace(/^ws/, 'http')))).toEqual([]);
    const sum = all.reduce((bytes, load) => bytes + load.bytes, 0);
    expect(sum).toBeGreaterThan(10_000);
    expect(sum).toBeLessThan(150_000);
    // What lays charts out is large, and waits until one is opened.
    expect(all.filter((load) => load.url.includes('elk'))).toEqual([]);
  });

  test('without a token › then the page says where there is one, and takes the token or the whole link', async () => {
    const { page } = await openConsole({ daemon, signedIn: false });
    await page.getByText('npx switchboard console').waitFor();
    const field = page.getByLabel('Link or host token');
    for (const given of [daemon.tokens.host, `  ${linkTo(daemon)}\n`]) {
      await field.fill(given);
      await field.press('Enter');
      await connected(page);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await field.waitFor();
    }
    // Signed out is signed out.
    await page.reload();
    await field.waitFor();
  });

  test('with a wrong token › then it says so, and the right one still does', async () => {
    const { page } = await openConsole({ daemon, signedIn: false });
    const field = page.getByLabel('Link or host token');
    for (const wrong of [WRONG, daemon.tokens.daemon]) {
      await field.fill(wrong);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').filter({ hasText: 'does not take this token' }).waitFor();
      await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('token');
    }
    await field.fill(daemon.tokens.host);
    await field.press('Enter');
    await connected(page);
  });

  test('with a JWT › then it is taken where it manages, and the page says when it has ended', async () => {
    const idp = await Issuer.create();
    const file = join(temporaryDirectory(), 'jwks.json');
    writeFileSync(file, JSON.stringify(idp.jwks));
    const flags = ['--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE, '--jwks-file', file];
    const { page } = await openConsole({ flags, signedIn: false });
    const field = page.getByLabel('Link or host token');
    const signIn = async (jwt: string) => {
      await field.fill(jwt);
      await field.press('Enter');
    };
    const token = (claims: object) => idp.token({ at: Date.now(), scope: 'host', ...claims });
    await signIn(await token({ scope: 'chat' }));
    await page.getByRole('alert').filter({ hasText: 'This JWT does not manage' }).waitFor();
    await signIn(await token({ aud: 'https://other.example/' }));
    await page.getByRole('alert').filter({ hasText: 'does not take this token' }).waitFor();
    // Within the seconds that it has after its end, of which some are left.
    await signIn(await token({ lastsS: -20 }));
    await connected(page);
    await page.getByRole('table', { name: 'Connections' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'The JWT of this page has ended' }).waitFor();
    await signIn(await token({ lastsS: 600 }));
    await connected(page);
    await page.reload();
    await connected(page);
  });

  test('by a wrong link › then it says so', async () => {
    const { page, url } = await openConsole({ daemon, signedIn: false });
    await page.goto(`${url}/#token=${WRONG}`);
    await page.getByRole('alert').filter({ hasText: 'does not take this token' }).waitFor();
    expect(page.url()).not.toContain(WRONG);
  });
});
