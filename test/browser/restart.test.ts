import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { attach, chat, said, say, signal } from './support/chatting.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

const env = { SWITCHBOARD_HOST_TOKEN: 'a-token-that-stays-the-same' };

/** Stops a daemon, and starts the next one where it was. */
async function restart(daemon: Daemon, env: NodeJS.ProcessEnv = {}, flags: string[] = []): Promise<Daemon> {
  await daemon.stop();
  return startDaemon({ home: daemon.home, flags: ['--demo', '--port', new URL(daemon.url).port, ...flags], env });
}

/** The page's word on how its connection is. */
const connection = (page: Page, words: string) =>
  page.getByRole('status', { name: 'Connection' }).filter({ hasText: words });

describeBrowser('a daemon that is restarted under an open page', () => {
  test('with a token that stays › then the page reconnects by itself and says so', async () => {
    const { daemon, page } = await openConsole({ env, mayComplain: true });
    const shown = (pid: number) => page.getByRole('definition').filter({ hasText: new RegExp(`^${pid}$`) });
    await shown(daemon.announced.pid).waitFor();
    await daemon.stop();
    await connection(page, 'Connection lost').waitFor();
    await page.getByText('No connection to the daemon for').waitFor();
    // It is said for some seconds: looked for from now on.
    const again = connection(page, 'Connected again').waitFor();
    const [next] = await Promise.all([restart(daemon, env), again]);
    // It is the new one's page now.
    await shown(next.announced.pid).waitFor();
    expect(await page.getByText('No connection to the daemon').count()).toBe(0);
  });

  test('and Try now is pressed › then it does not wait for its next try', async () => {
    const { daemon, page } = await openConsole({ env, signedIn: false, mayComplain: true });
    await page.clock.install();
    await page.goto(linkTo(daemon));
    await connected(page);
    await daemon.stop();
    await connection(page, 'Connection lost').waitFor();
    // No time passes on the page: it would wait for ever.
    await page.clock.pauseAt(Date.now() + 60_000);
    await connection(page, 'Connection lost').waitFor();
    await restart(daemon, env);
    await page.getByRole('button', { name: 'Try now' }).click();
    await connection(page, 'Connected').waitFor();
  });

  test('and Charts is open › then what was seen stays until the new one’s actors are there', async () => {
    const { daemon, page } = await openConsole({ env, place: 'charts/broker', mayComplain: true });
    const row = (text: string) => page.getByRole('treeitem').filter({ hasText: text });
    const accepting = page.getByRole('button', { name: /^accepting, active/ });
    await row('host').first().waitFor();
    await accepting.waitFor();
    const before = await row('host').first().getAttribute('id');
    await daemon.stop();
    await connection(page, 'Connection lost').waitFor();
    expect(await row('host').first().getAttribute('id')).toBe(before);
    expect(await accepting.count()).toBe(1);
    const again = connection(page, 'Connected again').waitFor();
    const [next] = await Promise.all([restart(daemon, env, ['--inspect']), again]);
    await next.agent('newcomer');
    await row('newcomer').waitFor();
    await accepting.waitFor();
    expect(await row('broker').count()).toBe(1);
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

  test('in the middle of an answer that is kept › then the answer goes on', async () => {
    const first = await startDaemon({ env, mayFail: true });
    const { page } = await openConsole({ daemon: first, place: 'chat', mayComplain: true });
    const more = signal();
    await attach(first, 'steady', async function* () {
      yield 'the first half ';
      await more.given;
      yield 'and the second';
    });
    const pane = chat(page);
    await eventually(() => pane.getByRole('combobox', { name: 'Agent' }).inputValue()).toBe('steady');
    await say(pane, 'go');
    await said(pane).getByText('the first half').waitFor();
    first.program.kill('SIGKILL');
    await said(pane).getByText('goes on here when it is back').waitFor();
    more.give();
    await startDaemon({ home: first.home, flags: ['--port', new URL(first.url).port], env });
    await said(pane).getByText('and the second').waitFor();
    await said(pane).getByText('done').waitFor();
    expect(await said(pane).innerText()).toMatch(/the first half.*and the second/s);
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
