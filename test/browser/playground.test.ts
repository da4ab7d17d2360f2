import { beforeAll, expect, it } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { attach, chat, ready, said, say, signal } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

describeBrowser('the playground', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--demo'] });
  });
  const open = (options: Parameters<typeof openConsole>[0] = {}) => openConsole({ daemon, place: 'chat', ...options });

  it('chats with echo: the next message goes on in the same session, and the raw frames are beside it', async () => {
    const { page } = await open();
    const pane = chat(page);
    await say(pane, 'good morning');
    await said(pane).getByText('done').waitFor();
    await say(pane, 'and good luck');
    await eventually(() => said(pane).getByText('done').count()).toBe(2);
    expect(await said(pane).innerText()).toMatch(
      /good morning\s+good morning\s+done · \S+ m?s · first token .*and good luck\s+and good luck/s,
    );
    await pane.getByRole('button', { name: 'Frames' }).click();
    const listed = pane.getByRole('region', { name: 'Frames' }).getByRole('listitem');
    await listed.last().filter({ hasText: '"kind":"done"' }).waitFor();
    const frames = await listed.allInnerTexts();
    expect(frames[0]).toMatch(/^→\s*sent.*"method":"agents\.chat".*"prompt":"good morning"/s);
    expect(frames[1]).toMatch(/^←\s*received.*"accepted":true/s);
    expect(frames.join('')).not.toContain('host.event');
    expect(frames.join('')).not.toContain(daemon.tokens.host);
    const sessions = frames.flatMap((frame) => /"session_id":"([^"]+)"/.exec(frame)?.[1] ?? []);
    expect(new Set(sessions).size).toBe(1);
  });

  it('an agent says a word of 300,000 letters › the page goes on answering, and what is copied is that word', async () => {
    await attach(daemon, 'long-winded', async function* () {
      yield 'T'.repeat(300_000);
    });
    const { page } = await open();
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('long-winded');
    await say(pane, 'say it');
    await said(pane).getByText('done').waitFor();
    await pane.getByRole('button', { name: 'Frames' }).click();
    await pane.getByRole('region', { name: 'Frames', exact: true }).waitFor();
    const copied = await page.evaluate(`{
      getSelection().selectAllChildren(document.querySelector('[role=log]'));
      /T[^]*T/.exec(String(getSelection()))?.[0].length
    }`);
    expect(copied).toBe(300_000);
  });

  it('writes a line at Shift+Enter, and sends both lines at Enter', async () => {
    const { page } = await open();
    const pane = chat(page);
    await ready(pane);
    const box = pane.getByRole('textbox', { name: 'Message' });
    await box.fill('one');
    await box.press('Shift+Enter');
    await box.pressSequentially('two');
    expect(await box.inputValue()).toBe('one\ntwo');
    await box.press('Enter');
    await said(pane).getByText('done').waitFor();
    expect(await said(pane).innerText()).toContain('one\ntwo');
    expect(await box.inputValue()).toBe('');
  });

  it('shows a tool call of the agent with its result', async () => {
    const { page } = await open();
    const pane = chat(page);
    await pane.getByRole('button', { name: /\/tool/ }).click();
    await said(pane).getByText('Your page_clock says').waitFor();
    const call = said(pane).getByRole('group').filter({ hasText: 'page_clock' });
    expect(await call.innerText()).toMatch(/tool\s+page_clock.*ok/s);
    await call.locator('summary').click();
    expect(await call.getByRole('region', { name: 'Result' }).innerText()).toContain('"zone"');
  });

  it('answers approvals from the keyboard', async () => {
    const { page } = await open();
    const pane = chat(page);
    const box = pane.getByRole('textbox', { name: 'Message' });
    for (const [answer, heard, shown] of [
      ['Approve', 'It was approved.', 'Approved.'],
      ['Deny', 'It was denied.', 'Denied.'],
    ] as const) {
      await say(pane, `/approve to ${answer}`);
      const approval = pane.getByRole('region', { name: `Approval: to ${answer}` });
      await approval.getByRole('button', { name: answer, exact: true }).press('Enter');
      await said(pane).getByText(heard).waitFor();
      await approval.getByText(shown, { exact: true }).waitFor();
      expect(await approval.getByRole('button').count()).toBe(0);
      await eventually(() => box.evaluate((element) => element.matches(':focus'))).toBe(true);
    }
  });

  it('when an approval is answered elsewhere › says what was decided', async () => {
    const { page } = await open();
    const pane = chat(page);
    await say(pane, '/approve delete the logs');
    await pane.getByRole('region', { name: 'Approval: delete the logs' }).waitFor();
    const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    own(() => host.close());
    const [row] = (await host.approvals()).filter(({ status }) => status === 'pending');
    await host.resolveApproval(row?.id ?? '', 'deny');
    await pane
      .getByRole('region', { name: /^Approval/ })
      .getByText('Denied.')
      .waitFor();
  });

  it('cancels a turn', async () => {
    const { page } = await open();
    const pane = chat(page);
    await say(pane, '/slow');
    await said(pane).getByText('1').waitFor();
    await pane.getByRole('button', { name: 'Cancel' }).click();
    await said(pane).getByText('cancelled').waitFor();
    await pane.getByRole('button', { name: 'Send' }).waitFor();
  });

  it('says how a turn failed, with the code', async () => {
    const { page } = await open();
    const agent = await attach(daemon, 'frail', async (turn) => {
      turn.event({ kind: 'error', error: 'no credit left', code: 'billing', retryable: true });
    });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('frail');
    await say(pane, 'hello');
    await said(pane).getByText('no credit left').waitFor();
    expect(await said(pane).innerText()).toContain('billing');
    await agent.close();
    await pane.getByText('frail is not attached.').waitFor();
    expect(await pane.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
  });

  it('when the agent goes in the middle of an answer › says so', async () => {
    const { page } = await open();
    const agent = await attach(daemon, 'mortal', async (turn) => {
      turn.token('I am about to ');
      await new Promise((resolve) => turn.signal.addEventListener('abort', resolve));
    });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('mortal');
    await say(pane, 'hello');
    await said(pane).getByText('I am about to').waitFor();
    await agent.close();
    await said(pane).getByText('agent_disconnected').waitFor();
  });

  it('leaves a chat its tool while another one goes without', async () => {
    const { page } = await open();
    const asked = signal();
    await attach(daemon, 'curious', async function* ({ tools }) {
      yield 'let me see. ';
      await asked.given;
      yield JSON.stringify(await tools.call('page_clock', {}));
    });
    await page.getByRole('combobox', { name: 'Agent' }).selectOption('curious');
    await say(chat(page, 0), 'what time is it?');
    await said(chat(page, 0)).getByText('let me see.').waitFor();
    await page.getByRole('button', { name: 'New chat' }).click();
    const other = chat(page, 1);
    await other.getByRole('combobox', { name: 'Agent' }).selectOption('echo');
    await other.getByText('Options').click();
    await other.getByLabel(/Offer a tool/).uncheck();
    await say(other, 'no tools, please');
    await said(other).getByText('done').waitFor();
    asked.give();
    await said(chat(page, 0)).getByText('"zone"').waitFor();
    // Nobody uses it any more: the next turn without it has none.
    await ready(chat(page, 0));
    await say(other, '/tool');
    await said(other).getByText('You offer me no tools').waitFor();
  });

  it('after signing out holds nothing of before', async () => {
    const { page } = await open();
    await say(chat(page), 'a secret of mine');
    await said(chat(page)).getByText('done').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('table', { name: 'Agents' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    const field = page.getByLabel('Link or host token');
    await field.waitFor();
    // From here on the daemon says nothing but that the token is right: what is shown, the page has kept.
    await page.routeWebSocket(/.*/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => {
        if (String(message).includes('"auth_enabled"')) socket.send(message);
      });
    });
    await field.fill(daemon.tokens.host);
    await field.press('Enter');
    await page.getByText('Asking the daemon').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await page.getByRole('link', { name: 'Playground' }).click();
    await said(chat(page)).waitFor();
    expect(await page.getByText('a secret of mine').count()).toBe(0);
  });

  it('keeps several chats side by side, each with its own agent and session', async () => {
    const { page } = await open();
    await attach(daemon, 'parrot', async ({ prompt }) => `squawk ${prompt}`);
    await page.getByRole('button', { name: 'New chat' }).click();
    await chat(page, 1).getByRole('combobox', { name: 'Agent' }).selectOption('parrot');
    await say(chat(page, 0), '/slow');
    await said(chat(page, 0)).getByText('1').waitFor();
    await say(chat(page, 1), 'hello');
    await said(chat(page, 1)).getByText('squawk hello').waitFor();
    expect(await said(chat(page, 0)).innerText()).not.toContain('squawk');
    await page.getByRole('button', { name: 'Close the chat with echo' }).click();
    expect(await page.getByRole('article').count()).toBe(1);
    // Its turn was cancelled: nobody reads it any more.
    const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    own(() => host.close());
    await eventually(async () => (await host.sessions()).length).toBe(0);
  });

  it('when another tab is shown meanwhile › the answer is there afterwards', async () => {
    const { page, url } = await open();
    const go = signal();
    await attach(daemon, 'patient', async function* () {
      yield 'before, ';
      await go.given;
      yield 'and after';
    });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('patient');
    await say(pane, 'hello');
    await said(pane).getByText('before').waitFor();
    await page.goto(`${url}/#/overview`);
    await pane.waitFor({ state: 'detached' });
    go.give();
    await page.goto(`${url}/#/chat`);
    await said(pane).getByText('before, and after').waitFor();
  });

  it('follows the end of a long answer, until the person scrolls up', async () => {
    const { page } = await open();
    const more = signal();
    await attach(daemon, 'long', async function* () {
      yield 'line\n'.repeat(400);
      await more.given;
      yield `${'more\n'.repeat(100)}the end`;
    });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('long');
    await say(pane, 'go');
    const log = said(pane);
    const fromEnd = () => log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
    await eventually(() => log.evaluate((box) => box.scrollHeight)).toBeGreaterThan(5_000);
    await eventually(fromEnd).toBeLessThan(25);
    await log.hover();
    await page.mouse.wheel(0, -1_000);
    await pane.getByRole('button', { name: 'To the end' }).waitFor();
    // The wheel takes its time.
    await eventually(fromEnd).toBeGreaterThanOrEqual(999);
    const before = await log.evaluate((box) => box.scrollTop);
    more.give();
    await log.getByText('the end').waitFor();
    expect(await log.evaluate((box) => box.scrollTop)).toBe(before);
    await pane.getByRole('button', { name: 'To the end' }).click();
    await eventually(fromEnd).toBeLessThan(25);
  });

  it('shows a fast answer whole, and answers the person meanwhile', async () => {
    const { page } = await open();
    await attach(daemon, 'fast', async function* ({ signal }) {
      for (let n = 1; n <= 5_000 && !signal.aborted; n++) {
        yield n % 20 === 0 ? `w${n}\n` : `w${n} `;
        if (n % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('fast');
    await say(pane, 'go');
    await pane.getByText('Options').click();
    await pane.getByText('Stream the answer').waitFor();
    await said(pane).getByText('done').waitFor();
    const words = (await said(pane).innerText()).match(/\bw\d+\b/g) ?? [];
    expect(words).toHaveLength(5_000);
    expect(words.at(-1)).toBe('w5000');
  });

  it('reads out what happens, not each word', async () => {
    const { page } = await open();
    const pane = chat(page);
    await say(pane, 'good morning');
    expect(await said(pane).getAttribute('aria-live')).toBe('off');
    await eventually(() => pane.getByRole('status').first().innerText()).toBe('echo: done. good morning');
  });

  it('without an agent › says how to attach one, and takes it as soon as it is there', async () => {
    const daemon = await startDaemon();
    const { page } = await open({ daemon });
    const pane = chat(page);
    await said(pane).getByText('No agent is attached.').waitFor();
    await attach(daemon, 'late', async () => 'here I am');
    await eventually(() => pane.getByRole('combobox', { name: 'Agent' }).inputValue()).toBe('late');
    await say(pane, 'hello');
    await said(pane).getByText('here I am').waitFor();
  });

  it('when the daemon dies in the middle of an answer › says so, and chats with the next one', async () => {
    const env = { SWITCHBOARD_HOST_TOKEN: 'a-token-that-stays-the-same' };
    const flags = ['--demo', '--durable', 'off'];
    const first = await startDaemon({ flags, env, mayFail: true });
    const { page } = await open({ daemon: first, mayComplain: true });
    const pane = chat(page);
    await say(pane, '/slow');
    await said(pane).getByText('1').waitFor();
    first.program.kill('SIGKILL');
    await said(pane).getByText('goes on here when it is back').waitFor();
    await pane.getByText('it is being tried again').waitFor();
    await startDaemon({ home: first.home, flags: [...flags, '--port', new URL(first.url).port], env });
    await said(pane).getByText('does not know this turn').waitFor();
    await pane.getByRole('button', { name: 'Ask again' }).waitFor();
    await say(pane, 'welcome back');
    await said(pane).getByText('done').waitFor();
    expect(await said(pane).innerText()).toMatch(/\/slow.*1.*connection lost.*welcome back\s+welcome back/s);
  });

  it('on a phone › nothing sticks out, and each chat can be reached', async () => {
    const { page } = await open({ context: { viewport: { width: 360, height: 740 } } });
    await say(chat(page), 'x'.repeat(400));
    await said(chat(page)).getByText('done').waitFor();
    await chat(page).getByRole('button', { name: 'Frames' }).click();
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('navigation', { name: 'Open chats' }).getByRole('button', { name: '1 echo' }).click();
    await eventually(() => chat(page).evaluate((pane) => Math.abs(pane.getBoundingClientRect().left))).toBeLessThan(2);
    const [width, height] = await page.locator('html').evaluate((html) => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = html;
      return [scrollWidth - clientWidth, scrollHeight - clientHeight] as const;
    });
    expect(width).toBeLessThanOrEqual(0);
    expect(height).toBeLessThanOrEqual(0);
  });
});
