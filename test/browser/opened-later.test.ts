import { expect, test, vi } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { attach, signal } from './support/chatting.ts';
import { describeBrowser, linkTo, openConsole } from './support/console.ts';

const FLAGS = ['--record', 'disk'];

/** Has the page note each address that it gives itself, and the one that it ends with. */
const NOTE_ADDRESSES = `
  addresses = [location.href];
  for (const name of ['replaceState', 'pushState']) {
    const change = history[name].bind(history);
    history[name] = (...given) => { change(...given); addresses.push(location.href); };
  }
`;

/** A turn that fails: its tool finds nothing, then a person is asked, and takes their time. @returns its id. */
async function failingTurn(daemon: Daemon, waits: Promise<void>): Promise<string> {
  const agent = await attach(daemon, 'coder', async (turn) => {
    turn.token('Let me look. ');
    await turn.tools.call('grep', { pattern: 'TODO' }).catch(() => {});
    await turn.requestApproval({ approvalId: 'ok', tool: 'write', params: { file: 'a.txt' } });
    throw new Error('nothing to write');
  });
  const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
  own(() => host.close());
  await host.tool('grep', { description: 'Looks for a text' }, () => {
    throw new Error('no match');
  });
  const chat = host.chat('coder', 'find the fault');
  let id = '';
  for await (const event of chat) {
    id = event.turn_id;
    if (event.kind !== 'approval_pending') continue;
    await waits;
    await chat.approve(event.approval_id, true);
  }
  await host.close();
  await agent.close();
  return id;
}

describeBrowser('a link to a turn that failed', () => {
  test('is opened by somebody who was not there, under a daemon restarted since › then it says which tool failed with what, and how long a person was waited for', async () => {
    const first = await startDaemon({ flags: FLAGS });
    const patience = signal();
    const turn = failingTurn(first, patience.given);
    const manager = await first.manager();
    await vi.waitFor(async () => {
      const { turns } = await manager.ok('inspect.turns', { state: ['parked'] });
      expect((turns as { waited_ms: number }[])[0]?.waited_ms).toBeGreaterThan(0);
    });
    patience.give();
    const id = await turn;
    const sender = await openConsole({ daemon: first, place: `runs/${id}?view=sequence`, mayComplain: true });
    await sender.page.getByText('1 tool call, 1 failed').waitFor();
    const facts = await sender.page.locator('.run-facts').innerText();
    expect(facts).toMatch(/1 approval, \d.* waited/);
    await sender.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await sender.page.keyboard.press('Home');
    await sender.page.getByRole('button', { name: 'Copy link' }).click();
    await sender.page.getByRole('status', { name: 'Copying' }).filter({ hasText: 'Copied' }).waitFor();
    const link = await sender.page.evaluate<string>('navigator.clipboard.readText()');
    await sender.page.context().close();

    await first.stop();
    const next = await startDaemon({ home: first.home, flags: ['--port', new URL(first.url).port, ...FLAGS] });
    const { page } = await openConsole({ daemon: next, signedIn: false });
    await page.goto(link);
    await page.evaluate(NOTE_ADDRESSES);
    await page.getByLabel('Link or host token').fill(linkTo(next));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'find the fault' }).waitFor();
    await page.locator('.arrow-row[aria-current="step"]').getByText('agents.chat "find the fault"').waitFor();
    // The view and the moment are those of the link, and the page never says others.
    expect(link).toMatch(new RegExp(`/#/runs/${id}\\?view=sequence&event=\\d+$`));
    expect(new Set((await page.evaluate('addresses')) as string[])).toEqual(new Set([link]));
    expect(await page.locator('.run-facts').innerText()).toBe(facts);
    expect(facts).toContain('nothing to write');
    const messages = page.getByRole('region', { name: `Messages of ${id}` });
    await messages
      .getByRole('button', { name: / grep\("TODO"\) → error -32603: no match from host to agent/ })
      .waitFor();
    await page.getByRole('button', { name: 'Waterfall' }).click();
    await page.getByRole('button', { name: /^person: write\b.*\d m?s\b.*approve/ }).waitFor();
  });
});
