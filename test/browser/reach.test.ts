import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { AuthError, connectAgent, connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { attach, signal } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { manager, secret } from './support/keys.ts';

const palette = (page: Page) => page.getByRole('dialog', { name: 'Go to' });

/** Goes to what the palette finds first for some letters. */
async function goTo(page: Page, letters: string, first: string): Promise<void> {
  await page.keyboard.press('Control+k');
  const field = palette(page).getByRole('combobox');
  await field.fill(letters);
  const option = palette(page).getByRole('option', { name: first }).first();
  await option.waitFor();
  await eventually(() => option.getAttribute('aria-selected')).toBe('true');
  expect(await field.getAttribute('aria-activedescendant')).toBe(await option.getAttribute('id'));
  await field.press('Enter');
  await palette(page).waitFor({ state: 'detached' });
}

describeBrowser('everything within reach', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--demo'] });
  });

  test('an agent is added, gets a new token and is removed, all by a few letters › then each token lets in while it holds, and is nowhere', async () => {
    const { page } = await openConsole({ daemon });
    const attach = (token: string) =>
      connectAgent({ url: daemon.url, agentId: 'coder', token, onChat: async () => {} });
    const shown = async () => (await secret(page).textContent()) ?? '';
    await goTo(page, 'add ag', 'Add an agent');
    const form = page.getByRole('form', { name: 'A new agent' });
    await form.getByLabel('Id').fill('echo');
    await form.getByRole('button', { name: 'Add the agent' }).click();
    await form.getByRole('alert').filter({ hasText: 'There is an agent echo already' }).waitFor();
    await form.getByLabel('Id').fill('coder');
    await form.getByLabel('Capabilities').fill('code, review');
    await form.getByRole('button', { name: 'Add the agent' }).click();
    await page.getByRole('heading', { name: 'The token of the agent coder, shown this once' }).waitFor();
    const first = await shown();
    const agent = await attach(first);
    own(() => agent.close());
    await page.getByRole('definition').filter({ hasText: 'code, review' }).waitFor();
    await page.locator('.detail').getByText('attached', { exact: true }).waitFor();

    // Enter, where the question is asked, changes nothing.
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Rotate its token' }).click();
    await dialog.getByText('Who is attached by it stays until it goes.').waitFor();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(await shown()).toBe(first);
    await page.getByRole('button', { name: 'Rotate its token' }).click();
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    await eventually(shown).not.toBe(first);
    const second = await shown();
    await expect(attach(first)).rejects.toBeInstanceOf(AuthError);
    const again = await attach(second);
    own(() => again.close());
    await agent.closed;

    // Put away, they are nowhere any more.
    await page.getByRole('button', { name: 'Done' }).click();
    const kept = await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, history.state])');
    for (const token of [first, second])
      expect([await page.content(), page.url(), kept, daemon.program.lines.join('\n')].join('\n')).not.toContain(token);

    await goTo(page, 'coder', 'coder');
    await page.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByText('It is attached').waitFor();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('status', { name: 'Done' }).filter({ hasText: 'The agent coder is forgotten.' }).waitFor();
    expect(await again.closed).toMatchObject({ closeCode: 4403 });
    const rows = page.getByRole('table', { name: 'Agents' }).getByRole('row');
    await rows.filter({ hasText: 'echo' }).waitFor();
    await eventually(() => rows.filter({ hasText: 'coder' }).count()).toBe(0);
  });

  test('a method is sent by its form › then its answer, its faults and what comes of it are shown, and it ends with the page', async () => {
    const host = await manager(daemon);
    const connections = async () => (await host.request('broker.status', {})).connections.total;
    const { page } = await openConsole({ daemon });
    const send = page.getByRole('button', { name: 'Send' });
    const answer = page.getByRole('status', { name: 'Answer' });
    await eventually(connections).toBe(3);
    await goTo(page, 'agents.upsert', 'agents.upsert');
    await page.getByText('This is no dry run.').waitFor();
    await send.click();
    await page.getByText('is needed').waitFor();
    await eventually(() => page.evaluate('document.activeElement.id')).toBe('field-id');
    await page.getByLabel('id needed', { exact: true }).fill('formed');
    await page.getByLabel('capabilities').fill('one\ntwo');
    await page.getByRole('button', { name: 'As JSON' }).click();
    const json = page.getByRole('textbox', { name: 'Parameters as JSON' });
    expect(JSON.parse(await json.inputValue())).toEqual({ id: 'formed', capabilities: ['one', 'two'] });
    await send.click();
    await answer.getByRole('heading', { name: /^Result/ }).waitFor();
    // The token is there for who asks for it, and only then.
    const masked = await answer.innerText();
    await answer.getByRole('button', { name: 'Show the secret' }).click();
    const shown = async () => /token: "([\w-]{43})"/.exec(await answer.innerText())?.[1] ?? '';
    await eventually(shown).not.toBe('');
    const token = await shown();
    expect(masked).not.toContain(token);
    expect(await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }])')).not.toContain(token);
    // By a connection of its own.
    await eventually(connections).toBe(4);

    await goTo(page, 'agents.chat', 'agents.chat');
    await eventually(() => page.content()).not.toContain(token);
    const fill = async (agentId: string) => {
      await page.getByLabel('agent_id').fill(agentId);
      await page.getByLabel('prompt').fill('by the form');
      await send.click();
    };
    await fill('nobody');
    await answer.getByRole('heading', { name: 'Error -32011 AgentNotAttached' }).waitFor();
    await fill('echo');
    await answer.getByText('accepted').waitFor();
    const heard = page.getByRole('region', { name: 'Came since' });
    await heard.getByText('"delta":" form"').click();
    await heard.getByText('" form"', { exact: true }).waitFor();
    await heard.getByText('"kind":"done"').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await eventually(connections).toBe(3);
  });

  test('things happen, and a client comes and goes › then the events and the connection tell of it, as it is', async () => {
    const host = await manager(daemon);
    const { page } = await openConsole({ daemon });
    await goTo(page, 'even', 'Events');
    await host.notify({ kind: 'build.failed', message: '<b>no</b> ‮gpj.exe', payload: { why: 'tests' } });
    const events = page.getByRole('list', { name: 'Events' }).getByRole('listitem');
    const failed = events.filter({ hasText: 'build.failed' });
    await failed.getByText('<b>no</b> \\u202egpj.exe').waitFor();
    await failed.getByRole('button', { name: 'Payload' }).click();
    await failed.getByText('"tests"').waitFor();
    await page.getByLabel('Kind').selectOption('build.failed');
    await eventually(() => events.count()).toBe(1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await host.notify({ kind: 'build.failed', message: 'the second' });
    await page.getByText('1 have come since').waitFor();
    expect(await events.count()).toBe(1);
    await page.getByRole('button', { name: 'Go on' }).click();
    await events.filter({ hasText: 'the second' }).waitFor();
    await page.getByLabel('Find in the events').fill('TESTS failed');
    await eventually(() => events.count()).toBe(1);

    const client = await connectHost({ url: daemon.url, token: daemon.tokens.daemon });
    await client.tool('read_file', { parameters: { type: 'object' } }, () => 'x');
    const asked = signal();
    const ended = signal();
    await attach(daemon, 'thinker', async () => {
      asked.give();
      await ended.given;
    });
    own(ended.give);
    client.chat('thinker', 'take your time');
    await asked.given;
    await page.getByRole('button', { name: /^Events/ }).click();
    await page.locator('#more-pages').getByRole('link', { name: 'Connections' }).click();
    const row = page
      .getByRole('table', { name: 'Connections' })
      .getByRole('row')
      .filter({ hasText: /client.*local.*1$/ });
    await row.getByRole('link').first().click();
    await page.getByText('read_file').waitFor();
    await page
      .getByRole('definition')
      .filter({ hasText: /^client$/ })
      .waitFor();
    await page.getByRole('table', { name: 'Its live turns' }).getByText('thinker').waitFor();
    await client.close();
    await page.getByText('It has ended. What is shown is from before.').waitFor();
    await page.getByText('read_file').waitFor();
  });

  test('somebody is transcribed › then the meeting, who transcribes and what it works on are there, as they are said', async () => {
    const [host, boss] = [await daemon.host(), await daemon.manager()];
    await boss.ok('agents.upsert', { id: 'ear', capabilities: ['voice.transcribe'] });
    const ear = await daemon.agent('ear');
    const { page } = await openConsole({ daemon, place: 'meetings' });
    await page.getByText('None that you may read.').waitFor();
    const audio_source = { kind: 'pcm_push', sample_rate: 16_000, channels: 1 };
    const starting = host.ok('meeting.start', { id: 'plans', title: 'Plans ‮snalp', audio_source });
    const request = await ear.when(() => ear.received('voice.transcribe.start').at(-1));
    ear.answer(request, { accepted: true });
    await starting;
    const { stream_id } = request.params;
    ear.notify('voice.event', { stream_id, type: 'final', text: '<i>Ship it</i>', speaker: 'Ada', start_ms: 65_000 });
    await page.getByRole('link', { name: 'Plans \\u202esnalp' }).click();
    const said = page.getByRole('region', { name: /^What was said/ }).getByRole('listitem');
    await eventually(() => said.allInnerTexts()).toEqual([expect.stringMatching(/^1:05 Ada\s*<i>Ship it<\/i>$/)]);
    await goTo(page, 'voi', 'Voice');
    await page.getByRole('table', { name: 'Providers' }).getByText('transcribes', { exact: true }).waitFor();
    await page.getByRole('table', { name: 'Transcriptions' }).getByText('16,000 Hz × 1').waitFor();
    // What was said is the client's that held it, and nobody else's.
    await eventually(() => host.ok('memory.fact_count')).toBe(1);
    await goTo(page, 'mem', 'Memory');
    await page.getByRole('heading', { name: 'Memory 0 facts' }).waitFor();
    await page.getByLabel('What the facts are about').fill('ship');
    await page.keyboard.press('Enter');
    await page.getByText('No fact fits that.').waitFor();
  });
});
