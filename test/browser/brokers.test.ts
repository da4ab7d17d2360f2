import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { type OpenChat, openChat } from '../e2e/support/chat.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import type { WireClient } from '../e2e/support/wire-client.ts';
import { describeBrowser, openConsole } from './support/console.ts';

/** Where to leave pictures of what is seen, for a person who wants to look. */
const { PICTURES } = process.env;
const picture = async (page: Page, name: string) => {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png` });
};

/** The broker that a connection is at. */
const brokerOf = async (client: WireClient): Promise<string> => (await client.ok('broker.status', {})).cluster.id;

/** A turn whose host is at another broker than its agent, and those two brokers. */
async function crossing(daemon: Daemon): Promise<OpenChat & { agentAt: string; hostAt: string }> {
  const agent = await daemon.agent('far');
  for (;;) {
    const host = await daemon.manager();
    const rows = await host.ok('agents.list', {});
    const agentAt: string = rows.find(({ spec }: { spec: { id: string } }) => spec.id === 'far').broker;
    const hostAt = await brokerOf(host);
    if (hostAt !== agentAt)
      return { ...(await openChat(host, agent, { agent_id: 'far', prompt: 'from afar' })), agentAt, hostAt };
    // The next one comes in at the next broker.
    host.close();
  }
}

describeBrowser('a daemon of two brokers', () => {
  // Many pages of it, on a machine that may be busy.
  test('a turn goes from one to the other › each page says where everything is, and its charts show both sides', async () => {
    const daemon = await startDaemon({ flags: ['--demo', '--inspect', '--workers', '2'] });
    const { page, url } = await openConsole({
      daemon,
      place: 'brokers',
      context: { viewport: { width: 1400, height: 900 } },
    });
    const { turnId, emit, agentAt, hostAt } = await crossing(daemon);
    const row = (name: string | RegExp) => page.getByRole('row').filter({ hasText: name });

    // The brokers: both are there, one is home, and one is the page's own.
    await row(/^1/).filter({ hasText: 'home' }).filter({ hasText: 'alive' }).waitFor();
    await row(/^2/).filter({ hasText: 'alive' }).waitFor();
    await row('this page').waitFor();
    expect(await row('this page').count()).toBe(1);
    await row(/open/).filter({ hasNotText: 'this page' }).waitFor();
    await picture(page, 'brokers');

    // Lists say where their rows are.
    await page.goto(`${url}/#/agents`);
    await row('far').getByRole('link', { name: agentAt, exact: true }).waitFor();
    await picture(page, 'agents');
    await page.goto(`${url}/#/connections`);
    await row(/agent far/)
      .getByRole('link', { name: agentAt, exact: true })
      .waitFor();
    await picture(page, 'connections');
    await page.goto(`${url}/#/runs`);
    await row('from afar').getByRole('link', { name: agentAt, exact: true }).waitFor();
    await picture(page, 'runs');
    await page.goto(`${url}/#/overview`);
    await page.getByText(/^[12], one of 2$/).waitFor();
    await row('far').first().waitFor();
    await picture(page, 'overview');

    // The turn, wherever the page is connected: its host's side and its agent's, and both brokers in the tree.
    await page.goto(`${url}/#/charts/${turnId}`);
    const tree = page.getByRole('tree', { name: 'Actors' });
    for (const id of ['1', '2'])
      await tree
        .getByRole('treeitem')
        .filter({ hasText: `broker ${id}` })
        .waitFor();
    const sides = page.getByRole('navigation', { name: 'Both sides' });
    const side = (id: string) => sides.getByRole('region', { name: `At broker ${id}` });
    await side(hostAt).getByRole('listitem').filter({ hasText: 'host' }).getByText('ready').waitFor();
    await side(hostAt).getByRole('listitem').filter({ hasText: 'extension' }).getByText('open').waitFor();
    await side(agentAt).getByRole('listitem').filter({ hasText: 'guest' }).getByText('ready').waitFor();
    await side(agentAt).getByRole('listitem').filter({ hasText: 'turn' }).getByText('streaming').waitFor();
    await side(agentAt).getByRole('listitem').filter({ hasText: 'agent' }).getByText('far').waitFor();
    await picture(page, 'turn');

    // It goes on, and is seen to.
    emit({ kind: 'approval_pending', approval_id: 'p', tool: 'rm' });
    await page.getByRole('status', { name: 'State' }).getByText('parked').waitFor();
    await side(agentAt).getByRole('listitem').filter({ hasText: 'turn' }).getByText('parked').waitFor();
    await page.getByRole('button', { name: 'Sequence' }).click();
    await page.getByText(`broker ${hostAt}`).last().waitFor();
    await picture(page, 'sequence');

    // The other side: the connection that has opened it hears what it is told.
    await side(hostAt).getByRole('link').first().click();
    emit({ kind: 'approval_resolved', approval_id: 'p', resolution: 'approve' });
    emit({ kind: 'token', delta: 'hello' });
    const events = page.getByRole('region', { name: 'Events' });
    await events
      .getByRole('button', { name: /chat\.token|token/ })
      .first()
      .waitFor();
    await side(agentAt).getByRole('listitem').filter({ hasText: 'turn' }).getByText('streaming').waitFor();
    await picture(page, 'host');
    await page.goto(`${url}/#/charts/${turnId}`);
    emit({ kind: 'done', finish_reason: 'stop' });
    await page.getByRole('status', { name: 'State' }).getByText('done').waitFor();
    await page.goto(`${url}/#/runs/${turnId}`);
    await page.getByText(`at broker ${agentAt}`).waitFor();
  }, 180_000);
});
