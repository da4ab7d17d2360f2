import type { Locator, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { openChat } from '../e2e/support/chat.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

/** What is asked for under that title, in the list. */
const row = (page: Page, title: string) => page.getByRole('option', { name: title });
/** The approval of that title that is looked at, or was answered before, whatever has become of it. */
const card = (page: Page, title: string) => page.getByRole('article', { name: title });
/** Looks at it: of what a test before has left, the page may still show something. */
async function look(page: Page, title: string): Promise<Locator> {
  await row(page, title).click();
  return card(page, title);
}
/** It has been there for long enough to be answered. */
const ready = (of: Locator) => of.getByRole('button', { name: 'Approve', exact: true, disabled: false }).waitFor();
/** Which approval has the focus. */
const focused = (page: Page) =>
  page.evaluate('document.activeElement.querySelector("h2, h1")?.textContent ?? document.activeElement.textContent');

const statusOf = ({ status }: { status: string }) => status;

describeBrowser('approvals', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--approve', 'host.notify'] });
  });

  test('an agent asks in a chat › then it is shown with what it would do, and Approve reaches the agent', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    await page.getByText('Nothing waits for you').waitFor();
    const [host, agent] = [await daemon.host(), await daemon.agent('painter')];
    const chat = await openChat(host, agent, { agent_id: 'painter', prompt: 'paint the wall, please' });
    chat.emit({ kind: 'token', delta: 'I begin with the door.' });
    chat.emit({ kind: 'approval_pending', approval_id: 'a1', tool: 'paint', params: { colour: 'red', walls: 3 } });
    const row = await look(page, 'paint');
    await row.getByText('"colour": "red"').waitFor();
    await row.getByText('agent painter, in a chat').waitFor();
    const turn = row.getByRole('region', { name: 'Its turn' });
    await turn.getByText('paint the wall, please').waitFor();
    await turn.getByText('I begin with the door.').waitFor();
    await row.getByText(/^waiting \d+ s$/).waitFor();
    await eventually(() => page.title()).toBe('(1) Approvals · Switchboard');
    await row.getByRole('button', { name: 'Approve' }).click();
    const asked = await agent.when(() => agent.received('agent.chat.approve')[0]);
    expect(asked.params).toMatchObject({ approval_id: 'a1', decision: true });
    agent.answer(asked, { resolved: true });
    await row.getByText('approved', { exact: true }).waitFor();
    expect(await row.getByRole('button').count()).toBe(0);
    await eventually(() => page.title()).toBe('Approvals · Switchboard');
  });

  test('the agent does not take the answer › then it says so, and it can be answered again', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const [host, agent] = [await daemon.host(), await daemon.agent('painter')];
    const chat = await openChat(host, agent, { agent_id: 'painter' });
    chat.emit({ kind: 'approval_pending', approval_id: 'a1', tool: 'paint' });
    const row = await look(page, 'paint');
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
    const row = (await look(page, 'host.notify')).filter({ hasText: 'an hour off' });
    await row.getByText(/^\d+ s left$/).waitFor();
    await row.getByRole('button', { name: 'Deny' }).click();
  });

  test('a request is held back by the gate › then the time left is shown, and denied it fails', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const host = await daemon.host();
    const id = host.post('host.notify', { message: 'psst', payload: { api_key: 'hunter2' } });
    const row = await look(page, 'host.notify');
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
    await (await look(page, 'launch')).getByRole('button', { name: 'Approve' }).waitFor();
    await raise('land');
    await row(page, 'land').waitFor();
    const before = await row(page, 'land').boundingBox();
    await resolve(launch, 'approve');
    await card(page, 'launch').getByText('approved', { exact: true }).waitFor();
    expect(await card(page, 'launch').getByRole('button').count()).toBe(0);
    await card(page, 'launch').getByText('approved by somebody else').waitFor();
    await page.getByRole('status', { name: 'News' }).filter({ hasText: 'launch: approved by somebody else' }).waitFor();
    // What stands below has not moved under anybody's pointer.
    expect(await row(page, 'land').boundingBox()).toEqual(before);
    // It goes with the next thing that one does.
    await page.keyboard.press('j');
    await card(page, 'land').waitFor();
    await row(page, 'launch').waitFor({ state: 'detached' });
    await page.getByText(/^Earlier \(\d+\)$/).click();
    await card(page, 'of before').getByText('denied (not today)').waitFor();
  });

  test('somebody words theirs as the gate would › then all of it can be read, and it is not called a held back request', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const manager = await daemon.manager();
    const details = { method: 'mail.send', params_preview: '{}', session_id: 'rm -rf', deadline: 1 };
    await manager.ok('host.request_approval', { action: 'ws.method:mail.send', details });
    const row = await look(page, 'ws.method:mail.send');
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
    const row = await look(page, 'deploy');
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
    await row(page, 'second').waitFor();
    await look(page, 'first');
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate('document.activeElement.textContent')) === name) return;
      }
      throw new Error(`${name} is not reached by Tab`);
    };
    await ready(card(page, 'first'));
    await tabTo('Approve');
    await page.keyboard.press('Enter');
    await row(page, 'first').getByText('approved', { exact: true }).waitFor();
    await eventually(() => focused(page)).toBe('second');
    await page.getByRole('status', { name: 'Answered' }).filter({ hasText: 'first: approved. 1 left.' }).waitFor();
    // A second Enter answers nothing.
    await page.keyboard.press('Enter');
    await ready(card(page, 'second'));
    await tabTo('Deny');
    await page.keyboard.press('Space');
    await card(page, 'second').getByText('denied').waitFor();
    await eventually(() => focused(page)).toBe('Approvals');
  });

  test('keys, and many that are the same › one is answered or all, typing and a held key answer nothing', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const manager = await daemon.manager();
    const raise = (action: string, details = {}) => manager.ok('host.request_approval', { action, details });
    const details = { command: ['rm', '-rf', 'a b'], cwd: '/srv', text: '@@ -1 +1 @@\n-old\n+new' };
    for (let times = 0; times < 4; times += 1) await raise('wipe', details);
    await raise('other');
    const wipe = await look(page, 'wipe');
    await row(page, 'wipe').getByText('×4').waitFor();
    expect(await wipe.locator('.shell').innerText()).toBe("rm -rf 'a b'\n");
    expect([await wipe.locator('del').innerText(), await wipe.locator('ins').innerText()]).toEqual([
      '-old\n',
      '+new\n',
    ]);
    await wipe.getByText('"cwd": "/srv"').first().waitFor();
    await ready(wipe);

    // As whoever believes to be in the filter types.
    await page.evaluate(`for (const key of 'agent')
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))`);
    await wipe.getByText('nothing was answered').waitFor();
    await page.evaluate(
      `document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', repeat: true, bubbles: true }))`,
    );
    await page.getByLabel('Filter').press('a');
    await page.getByLabel('Filter').fill('');
    await page.getByRole('heading', { name: 'Approvals' }).click();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('approves the request').waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('Escape');
    await row(page, 'wipe').getByText('×4').waitFor();

    await page.keyboard.press('d');
    await row(page, 'wipe').getByText('×3').waitFor();
    await page.getByRole('status', { name: 'Answered' }).filter({ hasText: 'wipe: denied. 4 left.' }).waitFor();
    await page.keyboard.press('j');
    await ready(card(page, 'other'));
    await page.keyboard.press('k');
    await ready(card(page, 'wipe'));
    await card(page, 'wipe').getByRole('button', { name: 'Approve all 3' }).click();
    await row(page, 'wipe').getByText('approved', { exact: true }).waitFor();
    await card(page, 'other').waitFor();
    const { approvals } = await manager.ok('host.approvals', {});
    const ends = approvals.filter(({ action }: { action: string }) => action === 'wipe').map(statusOf);
    expect(ends.sort()).toEqual(['approved', 'approved', 'approved', 'denied']);
  });

  test('many are denied at once › after it was said how many; what the filter leaves out, and what comes later, stays', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const manager = await daemon.manager();
    const raise = (action: string) => manager.ok('host.request_approval', { action });
    const ids = [await raise('mail one'), await raise('mail two'), await raise('deploy it')].map(({ id }) => id);
    await row(page, 'deploy it').waitFor();
    await page.getByLabel('Filter').fill('MAIL');
    await page.getByText(/^2 of \d+$/).waitFor();
    await row(page, 'deploy it').waitFor({ state: 'detached' });
    const ask = () => page.getByRole('button', { name: 'Deny these …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deny 2 requests?' });
    await ask();
    await dialog.waitFor();
    // The first thing that Enter would do changes nothing.
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await ask();
    ids.push((await raise('mail three')).id);
    await row(page, 'mail three').waitFor();
    await dialog.getByRole('button', { name: 'Deny 2 requests' }).click();
    await page.getByRole('status', { name: 'Answered' }).filter({ hasText: '2 denied.' }).waitFor();
    const { approvals } = await manager.ok('host.approvals', {});
    const ends = ids.map((id) => statusOf(approvals.find((one: { id: string }) => one.id === id)));
    expect(ends).toEqual(['denied', 'denied', 'pending', 'pending']);
  });

  test('something comes up under a press that was on its way › it is not what is answered', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const [manager, host] = [await daemon.manager(), await daemon.host()];
    await manager.ok('host.request_approval', { action: 'first' });
    await ready(await look(page, 'first'));
    await page.keyboard.down('a');
    // It has a deadline, and so it comes above.
    host.post('host.notify', { message: 'urgent' });
    await row(page, 'host.notify').waitFor();
    // In the moment in which it takes the place of the first one, it is pressed.
    await page.evaluate(`window.pressed = new Promise((resolve) => {
      const look = () => {
        const article = document.querySelector('.desk-detail article');
        if (!article?.textContent.includes('urgent')) return;
        observer.disconnect();
        [...article.querySelectorAll('button')].find((one) => one.textContent === 'Approve').click();
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));
        resolve();
      };
      const observer = new MutationObserver(look);
      observer.observe(document.body, { childList: true, subtree: true, characterData: true });
      look();
    })`);
    await row(page, 'first').getByText('approved', { exact: true }).waitFor();
    await page.evaluate('window.pressed');
    const urgent = card(page, 'host.notify');
    await urgent.getByText('This has only just come up').waitFor();
    const { approvals } = await manager.ok('host.approvals', {});
    const notify = approvals.filter(({ action }: { action: string }) => action === 'ws.method:host.notify');
    expect(notify.map(statusOf)).toContain('pending');
    await page.keyboard.up('a');
    await ready(urgent);
    await page.keyboard.press('a');
    await row(page, 'host.notify').getByText('approved', { exact: true }).waitFor();
  });

  test('on a phone › cards, one at a time; and a desktop is told when somebody asked for it, of agent and action alone', async () => {
    const context = { viewport: { width: 390, height: 844 }, permissions: ['notifications'] };
    const { page } = await openConsole({ daemon, signedIn: false, context });
    await page.addInitScript(`{
      const told = (window.told = []);
      window.Notification = class extends Notification {
        // A browser without a window has it denied until it is asked.
        static permission = 'default';
        static async requestPermission() {
          return (this.permission = await super.requestPermission());
        }
        constructor(title, options) {
          super(title, options);
          told.push([title, options.body]);
        }
      };
      document.hasFocus = () => false;
    }`);
    await page.reload();
    await page.goto(linkTo(daemon));
    await connected(page);
    await page.goto(page.url().replace(/#.*|$/, '#/approvals'));
    const manager = await daemon.manager();
    const raise = (action: string) => manager.ok('host.request_approval', { action, details: { key: 'hunter2' } });
    await raise('unasked');
    await row(page, 'unasked').waitFor();
    const button = page.getByRole('button', { name: 'Notify me' });
    await button.click();
    await page.getByRole('button', { name: 'Notifications are on', pressed: true }).waitFor();
    await raise('asked for');
    await row(page, 'asked for').waitFor();
    await eventually(() => page.evaluate('told')).toEqual([['Approval: a host', 'asked for']]);

    const one = await look(page, 'asked for');
    await one.waitFor();
    await row(page, 'unasked').waitFor({ state: 'hidden' });
    await eventually(() => focused(page)).toBe('asked for');
    await one.getByRole('button', { name: 'Deny' }).click();
    await card(page, 'unasked').waitFor();
    await page.getByRole('button', { name: /^‹ All/ }).click();
    await row(page, 'asked for').getByText('denied').waitFor();
    const [needed, there] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
    expect(needed).toBeLessThanOrEqual(there ?? 0);
  });
});
