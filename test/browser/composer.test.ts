import { beforeAll, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { chat, ready, said } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { holdAnswers } from './support/held.ts';

/* Whoever writes is faster than the page, or elsewhere meanwhile: no word of theirs is lost. */

describeBrowser('what a person writes in a chat', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--demo'] });
  });

  /** A chat whose page does not know yet which agents there are. */
  async function openEarly() {
    const { page, url } = await openConsole({ daemon, place: 'chat' });
    await ready(chat(page));
    const agents = await holdAnswers(page, 'agents.list');
    await page.reload();
    await agents.asked;
    const pane = chat(page);
    return { page, url, agents, pane, box: pane.getByRole('textbox', { name: 'Message' }) };
  }

  it('and sends before the agents are known › is sent once they are', async () => {
    const { agents, pane, box } = await openEarly();
    await box.fill('hello there');
    await box.press('Enter');
    await pane.getByText('Asking for the agents; your message is sent then').waitFor();
    expect(await box.inputValue()).toBe('hello there');
    agents.letGo();
    await said(pane).getByText('done').waitFor();
    // The text is painted with the next frame.
    await expect.poll(() => said(pane).innerText()).toMatch(/^You:\s+hello there\s+hello there\s+done · /);
    expect(await box.inputValue()).toBe('');
  });

  it('and goes on writing after that › stays in the box', async () => {
    const { agents, pane, box } = await openEarly();
    await box.fill('hello');
    await box.press('Enter');
    await pane.getByText('your message is sent then').waitFor();
    await box.pressSequentially(' there');
    await pane.getByText('your message is sent then').waitFor({ state: 'detached' });
    agents.letGo();
    await ready(pane);
    expect(await box.inputValue()).toBe('hello there');
    expect(await said(pane).innerText()).not.toContain('hello');
  });

  it('and looks at another page before sending › is still in the box', async () => {
    const { page, url } = await openConsole({ daemon, place: 'chat' });
    const box = chat(page).getByRole('textbox', { name: 'Message' });
    await box.fill('not finished');
    await page.goto(`${url}/#/overview`);
    await box.waitFor({ state: 'detached' });
    await page.goto(`${url}/#/chat`);
    await eventually(() => box.inputValue()).toBe('not finished');
  });
});
