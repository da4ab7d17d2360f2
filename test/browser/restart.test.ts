import { expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';

const FIXED = 'a-token-that-stays-the-same';

/** Stops a daemon, and starts the next one where it was. */
async function restart(daemon: Daemon, env: NodeJS.ProcessEnv = {}): Promise<Daemon> {
  await daemon.stop();
  return startDaemon({ home: daemon.home, flags: ['--demo', '--port', new URL(daemon.url).port], env });
}

describeBrowser('a daemon that is restarted under an open page', () => {
  test('with a token that stays › then the page reconnects by itself and says so', async () => {
    const env = { SWITCHBOARD_HOST_TOKEN: FIXED };
    const { daemon, page } = await openConsole({ env, mayComplain: true });
    const connection = page.getByRole('status', { name: 'Connection' });
    const shown = (pid: number) => page.getByRole('definition').filter({ hasText: new RegExp(`^${pid}$`) });
    await shown(daemon.announced.pid).waitFor();
    await daemon.stop();
    await connection.filter({ hasText: 'Connection lost' }).waitFor();
    await page.getByText('No connection to the daemon for').waitFor();
    const next = await restart(daemon, env);
    await page
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 2_000 })
      .catch(() => {});
    await connection.filter({ hasText: 'Connected again' }).waitFor();
    // It is the new one's page now.
    await shown(next.announced.pid).waitFor();
    expect(await page.getByText('No connection to the daemon').count()).toBe(0);
  });

  test('with a new token › then the page says so, asks for it, and goes on where it was', async () => {
    const { daemon, page, url } = await openConsole({ place: 'approvals', mayComplain: true });
    await page.getByRole('heading', { name: 'Approvals' }).waitFor();
    const next = await restart(daemon);
    await page.getByRole('alert').filter({ hasText: 'The daemon was restarted' }).waitFor();
    await page.getByText('npx switchboard console').waitFor();
    await page.getByLabel('Link or host token').fill(linkTo(next));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await connected(page);
    await page.getByRole('heading', { name: 'Approvals' }).waitFor();
    expect(page.url()).toBe(`${url}/#/approvals`);
  });

  test('and the new link is pasted into the address › then it is taken', async () => {
    const { daemon, page } = await openConsole({ mayComplain: true });
    const next = await restart(daemon);
    await page.getByRole('alert').waitFor();
    await page.goto(linkTo(next));
    await connected(page);
    expect(page.url()).not.toContain(next.tokens.host);
  });
});
