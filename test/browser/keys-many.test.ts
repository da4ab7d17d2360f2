import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { connected, describeBrowser, openConsole } from './support/console.ts';
import { make, manager, row, secret } from './support/keys.ts';

/** Types a token, and sends it. */
async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Link or host token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Waits until the page says that the key does not do here. */
const isOut = (page: Page) => page.getByRole('alert').filter({ hasText: 'This key does not sign in here' }).waitFor();

describeBrowser('the page of keys, with thousands, two windows, or a key that ends', () => {
  let daemon: Daemon;
  beforeEach(async () => {
    daemon = await startDaemon();
  });

  test('there are thousands › then the newest are shown, and any other is found, and can be revoked', async () => {
    const host = await manager(daemon);
    await host.request('keys.add', { name: 'oldest' });
    const sub = `‮<b>${'語'.repeat(250)}`;
    for (let n = 0; n < 1_000; n += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, at) => host.request('keys.add', { name: `key-${n + at}`, sub })),
      );
    const { page } = await openConsole({ daemon, place: 'keys' });
    await row(page, 'key-999').waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(310);
    await page.getByText(/^and [\d,]+ more$/).waitFor();
    const search = page.getByRole('searchbox', { name: 'Find a key' });
    await search.fill('OLDEST');
    await page.getByRole('button', { name: 'Revoke oldest' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('None is like that.').waitFor();
    expect(await host.request('keys.list', { like: 'oldest' })).toEqual([]);
    await search.fill('');
    await row(page, 'key-999').waitFor();
  });

  test('the key that one is signed in with is revoked, or does not manage › then the page is left, and says that it was the key', async () => {
    const host = await manager(daemon);
    const boss = { name: 'boss', scopes: ['host' as const] };
    const { page } = await openConsole({ daemon, signedIn: false, mayComplain: true });
    // One that manages nothing, one that another page revokes, one that this page does, with a secret in it.
    await signIn(page, (await host.request('keys.add', { name: 'chats' })).token);
    await isOut(page);
    await signIn(page, (await host.request('keys.add', boss)).token);
    await connected(page);
    await page.getByRole('link', { name: 'Keys' }).click();
    await row(page, 'boss').waitFor();
    await host.request('keys.remove', { name: 'boss' });
    await isOut(page);
    expect(await page.getByText('The daemon was restarted').count()).toBe(0);
    await signIn(page, (await host.request('keys.add', boss)).token);
    await row(page, 'boss').waitFor();
    await page.getByRole('button', { name: 'Make a key' }).click();
    await make(page, 'fresh');
    const token = (await secret(page).textContent()) ?? '';
    await page.getByRole('button', { name: 'Revoke boss' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await isOut(page);
    expect(await page.content()).not.toContain(token);
  });

  test('the key that one is signed in with ends by itself › then the page says so, too', async () => {
    const host = await manager(daemon);
    const { page } = await openConsole({ daemon, signedIn: false });
    const { token } = await host.request('keys.add', { name: 'boss', scopes: ['host'], expires_in_ms: 12_000 });
    await signIn(page, token);
    await connected(page);
    // After its end, and at most five seconds in which that is seen.
    await isOut(page);
  });

  test('one goes back, forward or reloads while a secret is shown › then it is nowhere; a second window has never had it', async () => {
    const { page } = await openConsole({ daemon, place: 'keys' });
    const other = await openConsole({ daemon, place: 'keys' });
    const makeOne = async (name: string) => {
      await page.getByRole('button', { name: 'Make a key' }).click();
      await make(page, name);
      return (await secret(page).textContent()) ?? '';
    };
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('link', { name: 'Keys' }).click();
    const first = await makeOne('first');
    await row(other.page, 'first').waitFor();
    expect(await other.page.content()).not.toContain(first);
    await page.goBack();
    await page.getByRole('table', { name: 'Keys' }).waitFor({ state: 'detached' });
    await page.goForward();
    await row(page, 'first').waitFor();
    expect(await page.content()).not.toContain(first);
    const second = await makeOne('second');
    await page.reload();
    await row(page, 'second').waitFor();
    expect(await page.content()).not.toContain(second);
    // What the one window ends is gone in the other, whose question about it is answered by nothing worse than that.
    await page.getByRole('button', { name: 'Revoke second' }).click();
    await other.page.getByRole('button', { name: 'Revoke second' }).click();
    await other.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row(page, 'second').waitFor({ state: 'detached' });
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('status', { name: 'Revoked' }).filter({ hasText: 'The key second is revoked.' }).waitFor();
    await row(page, 'first').waitFor();
  });
});
