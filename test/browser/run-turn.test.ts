import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { openChat } from '../e2e/support/chat.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

const TOOL = { tool: 'grep', call_id: 'c' };
const ASKS = { kind: 'approval_pending', approval_id: 'p', tool: 'bash', params: { command: 'ls' } };

/** The arrow that the page stands at. */
const current = (page: Page) => page.locator('.arrow-row[aria-current="step"]');
/** What the time line says: `3 of 9 · +40 ms …`. */
const line = (page: Page) => page.getByRole('region', { name: 'Time line' }).locator('.time-now');
const pane = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
/** Presses a key until the arrow of that name is the current one. */
async function keyTo(page: Page, key: string, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < 30; pressed += 1) {
    if (name.test((await current(page).textContent()) ?? '')) return;
    const before = await line(page).textContent();
    await page.keyboard.press(key);
    await eventually(() => line(page).textContent()).not.toBe(before);
  }
  expect.unreachable(`no ${name}`);
}

describeBrowser('a recorded turn', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  async function begin(agentId: string) {
    const [host, agent] = [await daemon.host(), await daemon.agent(agentId)];
    const chat = await openChat(host, agent, { agent_id: agentId, prompt: 'find the fault' });
    chat.emit({ kind: 'token', delta: 'Let me look. ' });
    chat.emit({ kind: 'tool_call', ...TOOL, params: { pattern: 'TODO' } });
    chat.emit({ kind: 'tool_result', ...TOOL, ok: false, excerpt: 'no match' });
    chat.emit(ASKS);
    return { ...chat, agent };
  }

  test('is stepped through by keys and played, and everything on its page goes along', async () => {
    const { turnId, emit, agent } = await begin('walker');
    emit({ kind: 'approval_resolved', approval_id: 'p', resolution: 'deny' });
    emit({ kind: 'token', delta: 'I give up.' });
    emit({ kind: 'error', error: 'nothing found', code: 'empty' });
    await agent.settled();
    const { page } = await openConsole({ daemon, place: `runs/${turnId}?view=sequence` });
    // It stands at the end, and names what failed, and how long a person was waited for.
    await current(page).filter({ hasText: 'error: nothing found (empty)' }).waitFor();
    const messages = page.getByRole('region', { name: `Messages of ${turnId}` });
    await messages
      .getByRole('button', { name: / grep\("TODO"\) → error: no match from agent to host, .* after it was asked$/ })
      .waitFor();
    await messages
      .getByRole('button', { name: / bash\("ls"\) → deny from agent to host, .* after it was asked$/ })
      .waitFor();
    const transcript = pane(page, 'Transcript');
    await transcript.getByText('nothing found').waitFor();

    await page.keyboard.press('Home');
    await line(page).getByText('agents.chat "find the fault"').waitFor();
    await transcript.getByText('find the fault').waitFor();
    expect(await transcript.getByText('nothing found').count()).toBe(0);
    await keyTo(page, 'ArrowRight', /grep\("TODO"\) from/);
    await transcript.getByText('runs').waitFor();
    await keyTo(page, 'ArrowRight', /asks: bash/);
    await transcript.getByText('→ error: no match').waitFor();
    await transcript.getByText('waits for a person').waitFor();
    const context = pane(page, 'Context');
    await context.locator('header').getByText('parked').waitFor();
    await context.locator('.context-field.changed').filter({ hasText: 'pending_approvals' }).waitFor();
    await pane(page, 'Transitions')
      .locator('[aria-current="step"]')
      .filter({ hasText: 'streaming → parked' })
      .waitFor();
    // The address names the moment: it is the same after a reload, and the chart stands there too.
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    await page.getByRole('button', { name: /^parked, active/ }).waitFor();
    // The view and the moment are written together, some time after both were chosen.
    await eventually(() => page.url()).toMatch(/^(?!.*view=sequence).*event=\d+/);
    await page.reload();
    await page.getByRole('button', { name: /^parked, active/ }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: /^streaming, active/ }).waitFor();

    await page.getByRole('button', { name: 'Waterfall' }).click();
    await page.getByRole('button', { name: /^grep\("TODO"\) .* error: no match/ }).click();
    await line(page).getByText('grep("TODO")').waitFor();
    await page.getByLabel('Speed').selectOption('10 ×');
    await page.locator('.time-now').click();
    await page.keyboard.press('Space');
    await line(page).getByText('error: nothing found (empty)').waitFor();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    await transcript.getByText('I give up.').waitFor();
  });

  test('that still runs › shows what was before, goes on growing, and stays where somebody has stepped to', async () => {
    const { turnId, emit } = await begin('runner');
    const { page } = await openConsole({ daemon, place: `runs/${turnId}?view=sequence` });
    await current(page).filter({ hasText: 'asks: bash("ls")' }).waitFor();
    await page.getByRole('button', { name: / grep\("TODO"\) → error: no match/ }).waitFor();
    emit({ kind: 'approval_resolved', approval_id: 'p', resolution: 'approve' });
    await current(page).filter({ hasText: 'bash("ls") → approve' }).waitFor();
    await keyTo(page, 'ArrowLeft', /grep\("TODO"\) → error/);
    const [place] = ((await line(page).textContent()) ?? '').split(' of');
    emit({ kind: 'tool_call', tool: 'make', call_id: 'd', params: {} });
    emit({ kind: 'done', finish_reason: 'stop' });
    await page.getByRole('button', { name: / done: stop from agent to host/ }).waitFor();
    expect(await line(page).textContent()).toMatch(new RegExp(`^${place} of`));
    await current(page).filter({ hasText: 'grep("TODO") → error: no match' }).waitFor();
    expect(await pane(page, 'Transcript').getByText('make').count()).toBe(0);
    await page.keyboard.press('End');
    await current(page).filter({ hasText: 'done: stop' }).waitFor();
    // Inside the broker each leg is an arrow.
    await page.getByLabel('inside the broker too').check();
    await page.getByRole('button', { name: / make\(\) from broker to turn/ }).waitFor();
  });
});
