import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { connectHost, type OnChat } from '../../client/node.ts';
import { CutProxy } from '../client/cut-proxy.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { attach, chat, ready, said, say, signal } from './support/chatting.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { holdAnswers } from './support/held.ts';

/** What the page keeps of its chats, as text. */
const kept = (page: Page) => page.evaluate<string>("sessionStorage.getItem('switchboard.chats') ?? ''");

/** A daemon of the test's own, and as it is seen through a proxy whose wires the test can cut. */
async function cuttable(...flags: string[]): Promise<{ behind: Daemon; daemon: Daemon; proxy: CutProxy }> {
  const proxy = await CutProxy.to('ws://127.0.0.1:1');
  const origin = proxy.url.replace(/^ws/, 'http');
  const behind = await startDaemon({ flags: ['--demo', '--allow-origin', origin, ...flags] });
  proxy.open(behind.url);
  return { behind, daemon: Object.create(behind, { url: { value: proxy.url } }), proxy };
}

/** An agent that says one thing, waits, and says another; and what its turn has come to. */
function inTwoParts(first: string, second: string) {
  const more = signal();
  const ended: string[] = [];
  const sessions: string[] = [];
  const onChat: OnChat = async function* (turn) {
    sessions.push(turn.sessionId);
    turn.signal.addEventListener('abort', () => ended.push('aborted'));
    yield first;
    await Promise.race([more.given, new Promise((resolve) => turn.signal.addEventListener('abort', resolve))]);
    yield second;
    ended.push('done');
  };
  return { onChat, more: more.give, ended, sessions };
}

/** How to open a console, and where its agent is attached. */
type Shown = Parameters<typeof openConsole>[0] & { behind?: Daemon };

describeBrowser('a chat of the console', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--demo'] });
  });
  const open = (options: Parameters<typeof openConsole>[0] = {}) => openConsole({ daemon, place: 'chat', ...options });
  /** A page in whose chat an agent has begun to answer. */
  const begin = async (agentId: string, onChat: OnChat, shows: string, { behind = daemon, ...options }: Shown = {}) => {
    await attach(behind, agentId, onChat);
    const { page, url } = await open(options);
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption(agentId);
    await say(pane, 'go on');
    await said(pane).getByText(shows).waitFor();
    return { page, url, pane };
  };

  it('when the page is loaded again before it has heard that its agent took the turn › the turn is ended, as it says', async () => {
    const { behind, daemon: seen, proxy } = await cuttable();
    const { onChat, ended, sessions } = inTwoParts('before, ', 'and after');
    const agent = await attach(behind, 'unheard', onChat);
    const { page } = await open({ daemon: seen });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('unheard');
    // Offering a tool would wait for an answer.
    await pane.getByText('Options').click();
    await pane.getByLabel(/Offer a tool/).uncheck();
    await ready(pane);
    proxy.hold();
    await say(pane, 'go on');
    const manager = await connectHost({ url: behind.url, hostToken: behind.tokens.host });
    own(() => manager.close());
    await eventually(() => manager.sessions()).toMatchObject([{ agent_id: agent.agentId, status: 'streaming' }]);
    await page.reload();
    await said(chat(page)).getByText('it ended with the page').waitFor();
    await eventually(() => manager.sessions()).toEqual([]);
    expect(sessions).toHaveLength(1);
    expect(ended).toContain('aborted');
  });

  it('when the page is loaded again in the middle of an answer › is there again, and the answer goes on, whole', async () => {
    const { onChat, more, ended, sessions } = inTwoParts('before, ', 'and after');
    const { page, pane } = await begin('steady', onChat, 'before,');
    await pane.getByText('Options').click();
    await pane.getByRole('textbox', { name: 'Model' }).fill('large');
    await page.reload();
    await said(pane).getByText('before,').waitFor();
    await said(pane).getByText('Nothing is missing').waitFor();
    const { resume_token } = JSON.parse(await kept(page)).chats[0].handle;
    more();
    await said(pane).getByText('done').waitFor();
    expect(await said(pane).innerText()).toMatch(/^You:\s+go on\s+before, and after\s+done · /);
    expect(ended).toEqual(['done']);
    await pane.getByText('Options').click();
    expect(await pane.getByRole('textbox', { name: 'Model' }).inputValue()).toBe('large');
    // The handle that it went on with is a secret, on the screen too.
    await pane.getByRole('button', { name: 'Frames' }).click();
    const frames = pane.getByRole('region', { name: 'Frames', exact: true });
    await frames.getByText('agents.chat.subscribe').waitFor();
    expect(await frames.innerText()).not.toContain(resume_token);
    // And it is not kept any longer than its turn runs.
    await eventually(() => kept(page)).not.toContain(resume_token);
    await say(pane, 'and once more');
    await eventually(() => said(pane).getByText('before, and after').count()).toBe(2);
    expect(new Set(sessions).size).toBe(1);
  });

  it('when the page is loaded twice, the second time before it goes on › goes on all the same', async () => {
    const { onChat, more, ended } = inTwoParts('before, ', 'and after');
    const { page, pane } = await begin('twice', onChat, 'before,');
    // It offers its tool first, and hears nothing of that.
    const tool = await holdAnswers(page, 'session.init');
    await page.reload();
    await tool.asked;
    await page.reload();
    tool.letGo();
    await said(pane).getByText('Nothing is missing').waitFor();
    more();
    await said(pane).getByText('done').waitFor();
    expect(await said(pane).innerText()).toMatch(/^You:\s+go on\s+before, and after\s+done · /);
    expect(ended).toEqual(['done']);
  });

  it('when its turn has ended while the page was away › shows the end', async () => {
    const { onChat, more, ended } = inTwoParts('before, ', 'and after');
    const { page, url, pane } = await begin('quick', onChat, 'before,');
    await page.goto('about:blank');
    more();
    await eventually(() => ended).toEqual(['done']);
    await page.goto(`${url}/#/chat`);
    await said(pane).getByText('before, and after').waitFor();
    await said(pane).getByText('done').waitFor();
    await ready(pane);
  });

  it('when the page is loaded again while an approval waits › it can be answered, once', async () => {
    const { page } = await open();
    const pane = chat(page);
    await say(pane, '/approve delete the logs');
    const approval = pane.getByRole('region', { name: 'Approval: delete the logs' });
    await approval.waitFor();
    await page.reload();
    await said(pane).getByText('Nothing is missing').waitFor();
    expect(await approval.count()).toBe(1);
    await approval.getByRole('button', { name: 'Approve' }).click();
    await said(pane).getByText('It was approved.').waitFor();
    await approval.getByText('Approved.', { exact: true }).waitFor();
  });

  it('when its connection is cut in the middle of an answer › says so, and goes on, with the tool of the page', async () => {
    const more = signal();
    const last = signal();
    const { behind, daemon, proxy } = await cuttable();
    const onChat: OnChat = async function* ({ tools }) {
      yield 'one, ';
      await more.given;
      yield 'two, ';
      await last.given;
      const { zone } = (await tools.call('page_clock')) as { zone: string };
      yield `three, ${zone === '' ? 'nowhere' : 'somewhere'}`;
    };
    const { pane } = await begin('patient', onChat, 'one,', { behind, daemon, mayComplain: true });
    proxy.close();
    await said(pane).getByText('goes on here when it is back').waitFor();
    more.give();
    proxy.open();
    await said(pane).getByText('one, two,').waitFor();
    await said(pane).getByText('Nothing is missing').waitFor();
    last.give();
    await said(pane).getByText('done').waitFor();
    expect(await said(pane).innerText()).toMatch(/^You:\s+go on\s+one, two, three, somewhere\s+done · /);
  });

  it('when the connection is not back in time › says so, and asks again at the push of a button', async () => {
    const { daemon, proxy } = await cuttable('--resume-window', '300');
    const { page } = await open({ daemon, mayComplain: true });
    const pane = chat(page);
    await say(pane, '/approve the window');
    const approve = pane.getByRole('button', { name: 'Approve', exact: true });
    await approve.waitFor();
    proxy.close();
    await said(pane).getByText('was not back in time').waitFor();
    await said(pane).getByText('Not answered: the turn is over.').waitFor();
    proxy.open();
    await pane.getByRole('button', { name: 'Ask again' }).click();
    await approve.click();
    await said(pane).getByText('It was approved.').waitFor();
    expect(await said(pane).getByText('/approve the window').count()).toBe(2);
  });

  it('when the person signs out › is forgotten, and its turn is cancelled', async () => {
    const { onChat, ended } = inTwoParts('before, ', 'and after');
    const { page, pane } = await begin('secret', onChat, 'before,');
    await eventually(() => kept(page)).toContain('resume_token');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Link or host token').waitFor();
    await eventually(() => ended).toContain('aborted');
    await page.reload();
    await page.getByLabel('Link or host token').waitFor();
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual([]);
    await page.getByLabel('Link or host token').fill(linkTo(daemon));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await connected(page);
    await ready(pane);
    expect(await said(pane).innerText()).not.toContain('before');
  });

  it('when its tab is copied › stays where it is, and the copy begins anew', async () => {
    const { onChat, more, ended } = inTwoParts('before, ', 'and after');
    const { page, pane } = await begin('single', onChat, 'before,');
    await eventually(() => kept(page)).toContain('before,');
    const [copy] = await Promise.all([
      page.context().waitForEvent('page'),
      // It gets a copy of what the tab keeps, as one that is duplicated does.
      page.evaluate('void window.open(location.href)'),
    ]);
    await connected(copy);
    await ready(chat(copy));
    expect(await said(chat(copy)).innerText()).not.toContain('before,');
    more();
    await said(pane).getByText('before, and after').waitFor();
    expect(ended).toEqual(['done']);
    await say(chat(copy), 'in another session');
    await said(chat(copy)).getByText('done').waitFor();
    expect(await said(pane).innerText()).not.toContain('another session');
  });

  it('when it is closed › its turn is cancelled; a page that is left leaves it to its window', async () => {
    const { onChat, ended } = inTwoParts('before, ', 'and after');
    const { page, pane } = await begin('left', onChat, 'before,');
    const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    own(() => host.close());
    const stands = async () => (await host.sessions()).find(({ agent_id }) => agent_id === 'left')?.status;
    await page.goto('about:blank');
    await eventually(stands).toBe('detached');
    expect(ended).toEqual([]);
    await page.goBack();
    await said(pane).getByText('Nothing is missing').waitFor();
    await page.getByRole('button', { name: 'Close the chat with left' }).click();
    await eventually(stands).toBeUndefined();
    await page.reload();
    await connected(page);
    expect(await said(pane).innerText()).not.toContain('before,');
  });
});
