import { beforeAll, expect, test } from 'vitest';
import { type OpenChat, openChat } from '../e2e/support/chat.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { describeBrowser, openConsole } from './support/console.ts';

const TURNS = 200;
const EVERY_MS = 250;

/** Turns that stream without end. */
async function stream(daemon: Daemon, count: number) {
  const [host, agent] = [await daemon.host(), await daemon.agent('writer')];
  const open = () => openChat(host, agent, { agent_id: 'writer' });
  const chats: OpenChat[] = [];
  // The agent has five seconds to take each: some at a time.
  while (chats.length < count) chats.push(...(await Promise.all(Array.from({ length: Math.min(count, 20) }, open))));
  const timer = setInterval(() => {
    for (const chat of chats) chat.emit({ kind: 'token', delta: 'word ' });
  }, EVERY_MS);
  own(() => clearInterval(timer));
  return { host, agent, chats };
}

describeBrowser('the overview', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--inspect'] });
  });

  test('a turn streams › then it is there with its state and the way to its chart, and can be cancelled', async () => {
    const { page } = await openConsole({ daemon });
    await page.getByText('Nobody is chatting').waitFor();
    const { host, agent, chats } = await stream(daemon, 1);
    const [chat] = chats;
    const row = page.getByRole('table', { name: 'Live turns' }).getByRole('row').filter({ hasText: 'writer' });
    await row.getByText('streaming').waitFor();
    expect(await row.getByRole('link').getAttribute('href')).toBe(`#/charts/${chat?.turnId}`);
    await page
      .getByRole('table', { name: 'Agents' })
      .getByRole('row')
      .filter({ hasText: 'writer' })
      .filter({ hasText: /attached.*1/ })
      .waitFor();
    // What it plots is what comes.
    await page.getByRole('img', { name: /^Tokens\/s, the last two minutes: [1-9]/ }).waitFor();
    chat?.emit({ kind: 'approval_pending', approval_id: 'a1', tool: 'paint' });
    await row.getByText('parked').waitFor();
    await page.getByRole('definition').locator('a[href="#/approvals"]').getByText('1', { exact: true }).waitFor();
    // Asked twice.
    await row.getByRole('button', { name: /^Cancel/ }).click();
    expect(agent.received('agent.chat.cancel')).toEqual([]);
    await row.getByRole('button', { name: /^Really cancel/ }).click();
    await agent.when(() => agent.received('agent.chat.cancel')[0]);
    await page.getByText('Nobody is chatting').waitFor();
    await host.when(() =>
      host.received('agents.chat.event').find(({ params }) => params.finish_reason === 'cancelled'),
    );
    await page.getByRole('region', { name: 'Turns ended' }).getByText('cancelled').waitFor();
  });

  test('a frame is dropped, and an agent goes › then both are seen', async () => {
    const { page } = await openConsole({ daemon });
    const agent = await daemon.agent('lost');
    const row = page.getByRole('table', { name: 'Agents' }).getByRole('row').filter({ hasText: 'lost' });
    await row.getByText('attached', { exact: true }).waitFor();
    agent.emit('nowhere', { kind: 'token', delta: 'x' });
    await page.getByRole('region', { name: 'Frames dropped' }).getByText('unknown session').waitFor();
    agent.close();
    await row.getByText('not attached').waitFor();
  });

  test('an agent says how it stands › then it is seen, and what its program complained of where it has failed', async () => {
    const { page } = await openConsole({ daemon });
    const agent = await daemon.agent('sayer');
    const metadata = { attached: { state: 'failed', last_words: 'no key' } };
    await agent.ok('host.register_agent', { id: 'sayer', name: 'sayer', kind: 'acp', metadata });
    await agent.ok('host.set_status', {
      agent_id: 'sayer',
      status: 'errored',
      current_task: 'failed; no such program',
    });
    const row = page.getByRole('table', { name: 'Agents' }).getByRole('row').filter({ hasText: 'sayer' });
    await row.getByText('failed; no such program').waitFor();
    await row.getByText('no key').waitFor();
    agent.close();
  });

  test('200 turns stream › then they are counted, and the page still does what it is told', async () => {
    const { page } = await openConsole({ daemon });
    await stream(daemon, TURNS);
    await page.getByRole('heading', { name: `Live turns ${TURNS}` }).waitFor();
    await page.getByText('and 100 more').waitFor();
    for (const [tab, text] of [
      ['Approvals', 'Nothing waits for you'],
      ['Overview', 'and 100 more'],
      ['Approvals', 'Nothing waits for you'],
    ] as const) {
      await page.getByRole('link', { name: tab }).click();
      await page.getByText(text).waitFor();
    }
    const manager = await daemon.manager();
    await manager.ok('host.request_approval', { action: 'in between' });
    await page.getByRole('article', { name: 'in between' }).getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('article', { name: 'in between' }).getByText('approved', { exact: true }).waitFor();
  });

  test('on a phone › then no page of the console is wider than it', async () => {
    const { page, url } = await openConsole({ daemon, context: { viewport: { width: 360, height: 740 } } });
    await stream(daemon, 2);
    const manager = await daemon.manager();
    const long = 'a-very-long-name-without-a-space-in-it-'.repeat(10);
    await manager.ok('host.request_approval', {
      action: long,
      details: { [long]: long },
      options: ['approve', long.slice(0, 256)],
    });
    for (const place of ['overview', 'charts', 'approvals', 'chat']) {
      await page.goto(`${url}/#/${place}`);
      await page
        .getByRole('link', { name: place === 'chat' ? 'Playground' : new RegExp(place, 'i') })
        .first()
        .waitFor();
      if (place === 'overview') await page.getByRole('table', { name: 'Live turns' }).waitFor();
      if (place === 'approvals') await page.getByRole('option').waitFor();
      const [needed, there] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
      expect(needed, place).toBeLessThanOrEqual(there ?? 0);
    }
  });
});
