import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { askChat } from '../e2e/support/chat.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { describeBrowser, openConsole } from './support/console.ts';

const row = (page: Page, text: string | RegExp) => page.getByRole('treeitem').filter({ hasText: text });

describeBrowser('the sequence of a turn', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--inspect'] });
  });

  test('is there message by message, from the request to the end', async () => {
    const [host, agent] = [await daemon.host(), await daemon.agent('walker')];
    const { page } = await openConsole({ daemon, place: 'charts', context: { viewport: { width: 390, height: 800 } } });
    await row(page, 'walker').waitFor();
    await page.getByLabel('show each new turn').check();
    const { id, sessionId, turnId, request } = await askChat(host, agent, { agent_id: 'walker' });
    await page.getByRole('button', { name: 'Sequence' }).click();
    agent.answer(request, { accepted: true });
    await host.replyTo(id);
    for (let n = 0; n < 7; n++) agent.emit(sessionId, { turn_id: turnId, kind: 'token', delta: `${n} ` });
    agent.emit(sessionId, { turn_id: turnId, kind: 'done', finish_reason: 'stop' });
    const messages = page.getByRole('region', { name: `Messages of ${turnId}` });
    const bare = (name: string) => name.replace(/^\+[\d.]+ m?s/, '').replace(/, .* after it was asked$/, '');
    const names = async () => (await messages.getByRole('button').allTextContents()).map(bare);
    await messages.getByRole('button', { name: / done: stop from agent to host/ }).waitFor();
    // From outside each thing that happened is one arrow.
    expect(await names()).toEqual([
      'agents.chat "hi" from host to agent',
      'accepted from agent to host',
      'token ×7 from agent to host',
      'done: stop from agent to host',
    ]);
    await page.getByLabel('inside the broker too').check();
    await messages.getByRole('button', { name: / done: stop from turn to host/ }).waitFor();
    expect(await names()).toEqual([
      'agents.chat "hi" from host to broker',
      'agent.chat "hi" from turn to agent',
      'accepted from agent to turn',
      'accepted from turn to host',
      'token ×7 from agent to broker',
      'token ×7 from broker to turn',
      'token ×7 from turn to host',
      'done: stop from agent to broker',
      'done: stop from broker to turn',
      'done: stop from turn to host',
      'child.done from turn to broker',
    ]);
    await messages.getByRole('button', { name: / token ×7 from turn to host/ }).click();
    await messages.getByText('delta: "6 "').waitFor();
    // On a phone it scrolls in its own box.
    const [needed, there] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
    expect(needed).toBeLessThanOrEqual(there ?? 0);
    await page.getByRole('link', { name: '‹ Actors' }).click();
    await row(page, /walker.*done/).waitFor();
  });
});
