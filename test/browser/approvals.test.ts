import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { openChat } from '../e2e/support/chat.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';

/** The approval of that title, whatever has become of it. */
const card = (page: Page, title: string) => page.getByRole('article', { name: title });
/** Which approval has the focus. */
const focused = (page: Page) =>
  page.evaluate('document.activeElement.querySelector("h2, h1")?.textContent ?? document.activeElement.textContent');

describeBrowser('approvals', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--approve', 'host.notify'] });
  });

  test('an agent asks in a chat › then it is shown with what it would do, and Approve reaches the agent', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    await page.getByText('Nothing waits for you').waitFor();
    const [host, agent] = [await daemon.host(), await daemon.agent('painter')];
    const chat = await openChat(host, agent, { agent_id: 'painter' });
    chat.emit({ kind: 'approval_pending', approval_id: 'a1', tool: 'paint', params: { colour: 'red', walls: 3 } });
    const row = card(page, 'paint');
    await row.getByText('"colour": "red"').waitFor();
    await row.getByText('agent painter, in a chat').waitFor();
    await row.getByText(/^waiting \d+ s$/).waitFor();
    await expect.poll(() => page.title()).toBe('(1) Approvals · Switchboard');
    await row.getByRole('button', { name: 'Approve' }).click();
    const asked = await agent.when(() => agent.received('agent.chat.approve')[0]);
    expect(asked.params).toMatchObject({ approval_id: 'a1', decision: true });
    agent.answer(asked, { resolved: true });
    await row.getByText('approved', { exact: true }).waitFor();
    expect(await row.getByRole('button').count()).toBe(0);
    await expect.poll(() => page.title()).toBe('Approvals · Switchboard');
  });

  test('the agent does not take the answer › then it says so, and it can be answered again', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const [host, agent] = [await daemon.host(), await daemon.agent('painter')];
    const chat = await openChat(host, agent, { agent_id: 'painter' });
    chat.emit({ kind: 'approval_pending', approval_id: 'a1', tool: 'paint' });
    const row = card(page, 'paint');
    await row.getByRole('button', { name: 'Deny' }).click();
    agent.answer(await agent.when(() => agent.received('agent.chat.approve')[0]), { resolved: false });
    await row.getByText('The agent did not take the answer').waitFor();
    await row.getByRole('button', { name: 'Deny' }).click();
    agent.answer(await agent.when(() => agent.received('agent.chat.approve')[1]), { resolved: true });
    await row.getByText('denied').waitFor();
    expect(await row.getByText('did not take').count()).toBe(0);
  });

  test('the browser’s clock is wrong › the time left is the daemon’s', async () => {
    const { page } = await openConsole({ daemon, signedIn: false });
    await page.addInitScript('const now = Date.now; Date.now = () => now() + 3_600_000;');
    await page.reload();
    await page.goto(`${linkTo(daemon)}`);
    await connected(page);
    await page.goto(page.url().replace(/#.*|$/, '#/approvals'));
    const host = await daemon.host();
    host.post('host.notify', { message: 'an hour off' });
    const row = card(page, 'host.notify').filter({ hasText: 'an hour off' });
    await row.getByText(/^\d+ s left$/).waitFor();
    await row.getByRole('button', { name: 'Deny' }).click();
  });

  test('a request is held back by the gate › then the time left is shown, and denied it fails', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const host = await daemon.host();
    const id = host.post('host.notify', { message: 'psst', payload: { api_key: 'hunter2' } });
    const row = card(page, 'host.notify');
    await row.getByText(/^\d+ s left$/).waitFor();
    await row.getByText('"message": "psst"').waitFor();
    expect(await page.locator('body').innerText()).not.toContain('hunter2');
    await row.getByRole('button', { name: 'Deny' }).click();
    expect((await host.replyTo(id)).error).toMatchObject({ code: -32003 });
    await row.getByText('denied').waitFor();
  });

  test('somebody else answers › then it greys out where it is; earlier ones stay listed', async () => {
    const { page } = await openConsole({ daemon });
    const manager = await daemon.manager();
    const raise = async (action: string) => (await manager.ok('host.request_approval', { action })).id;
    const resolve = (approval_id: string, resolution: string) =>
      manager.ok('host.resolve_approval', { approval_id, resolution });
    await resolve(await raise('of before'), 'not today');
    await page.getByRole('link', { name: 'Approvals' }).click();
    const launch = await raise('launch');
    await card(page, 'launch').getByRole('button', { name: 'Approve' }).waitFor();
    await raise('land');
    await card(page, 'land').waitFor();
    const before = await card(page, 'land').boundingBox();
    await resolve(launch, 'approve');
    await card(page, 'launch').getByText('approved', { exact: true }).waitFor();
    expect(await card(page, 'launch').getByRole('button').count()).toBe(0);
    // What stands below has not moved under anybody's pointer.
    expect(await card(page, 'land').boundingBox()).toEqual(before);
    await page.getByText(/^Earlier \(\d+\)$/).click();
    await card(page, 'of before').getByText('denied (not today)').waitFor();
  });

  test('somebody words theirs as the gate would › then all of it can be read, and it is not called a held back request', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const manager = await daemon.manager();
    const details = { method: 'mail.send', params_preview: '{}', session_id: 'rm -rf', deadline: 1 };
    await manager.ok('host.request_approval', { action: 'ws.method:mail.send', details });
    const row = card(page, 'ws.method:mail.send');
    await row.getByText('"session_id": "rm -rf"').waitFor();
    await row.getByText(/^waiting \d+ s$/).waitFor();
    expect(await row.getByText('held back').count()).toBe(0);
    await row.getByRole('button', { name: 'Deny' }).click();
  });

  test('a row has answers of its own › then they are offered for what they do', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const manager = await daemon.manager();
    const options = ['approve', 'deny', 'after lunch'];
    const { id } = await manager.ok('host.request_approval', { action: 'deploy', options });
    const row = card(page, 'deploy');
    await row.getByText('or deny with').waitFor();
    await row.getByRole('button', { name: 'after lunch' }).click();
    await row.getByText('denied (after lunch)').waitFor();
    const { approvals } = await manager.ok('host.approvals', {});
    expect(approvals.find((one: { id: string }) => one.id === id)).toMatchObject({ resolution: 'after lunch' });
  });

  test('by the keyboard alone › then they can be reached, read and answered, and the focus goes on to the next', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const manager = await daemon.manager();
    for (const action of ['first', 'second']) {
      await manager.ok('host.request_approval', { action, details: { why: `the ${action} reason` } });
    }
    await card(page, 'second').waitFor();
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 20; presses++) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate('document.activeElement.textContent')) === name) return;
      }
      throw new Error(`${name} is not reached by Tab`);
    };
    await tabTo('Approve');
    await page.keyboard.press('Enter');
    await card(page, 'first').getByText('approved', { exact: true }).waitFor();
    await expect.poll(() => focused(page)).toBe('second');
    await page.getByRole('status', { name: 'Answered' }).filter({ hasText: 'first: approved. 1 left.' }).waitFor();
    // A second Enter answers nothing.
    await page.keyboard.press('Enter');
    await tabTo('Deny');
    await page.keyboard.press('Space');
    await card(page, 'second').getByText('denied').waitFor();
    await expect.poll(() => focused(page)).toBe('Approvals');
  });
});
