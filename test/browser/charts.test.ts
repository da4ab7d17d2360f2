import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type OpenChat, openChat } from '../e2e/support/chat.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

const TURNS = 200;

/** What a page says of the actor that it shows: its state in words. */
const stateOf = (page: Page) => page.getByRole('status', { name: 'State' });
/** A state of the chart that is drawn, while it is the active one; or the one that the actor ended in. */
const active = (page: Page, name: string) => page.getByRole('button', { name: new RegExp(`^${name}, active`) });
const ended = (page: Page, name: string) => page.getByRole('button', { name: new RegExp(`^${name}, where it ended`) });
/** What is said of the state or edge that is looked at. */
const note = (page: Page) => page.getByRole('region', { name: 'Note' });
const row = (page: Page, text: string | RegExp) => page.getByRole('treeitem').filter({ hasText: text });

describeBrowser('live charts', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--demo', '--inspect'] });
  });

  test('a chat with echo › its turn’s chart goes through its states to the end', async () => {
    const { page } = await openConsole({ daemon, place: 'charts/broker' });
    await active(page, 'accepting').waitFor();
    await page.getByLabel('show each new turn').check();
    const host = await daemon.host();
    const result = await host.ok('agents.chat', { agent_id: 'echo', prompt: '/approve this' });
    await active(page, 'parked').waitFor();
    expect(page.url()).toContain('#/charts/');
    await stateOf(page).getByText('parked').waitFor();
    await row(page, 'echo')
      .filter({ hasText: 'parked' })
      .and(page.getByRole('treeitem', { selected: true }))
      .waitFor();
    // The way it came is marked, and says how often it was taken.
    await page.getByRole('button', { name: 'Fit' }).click();
    await page
      .locator('.chart-edge')
      .filter({ hasText: /approval\.pending\s*\[mayPark\]/ })
      .hover();
    await note(page).getByText('streaming → parked').waitFor();
    await note(page).getByText('taken once').waitFor();
    const { approvals } = await host.ok('host.approvals', {});
    const { id } = approvals.find((one: { details: { turn_id: string } }) => one.details.turn_id === result.turn_id);
    await host.ok('host.resolve_approval', { approval_id: id, resolution: 'approve' });
    await ended(page, 'done').waitFor();
    await stateOf(page).getByText('done').waitFor();
    await row(page, /done.*ended/)
      .first()
      .waitFor();
  });

  /** A turn in a window, its chart's texts that are wholly in sight, and how many it has. */
  async function fitted(width: number, height: number) {
    const agent = await daemon.agent('fitter');
    const { turnId } = await openChat(await daemon.host(), agent, { agent_id: 'fitter' });
    const { page } = await openConsole({ daemon, place: `charts/${turnId}`, context: { viewport: { width, height } } });
    await active(page, 'streaming').waitFor();
    const texts = (await page.evaluate(`(() => {
      const frame = document.querySelector('.chart-frame').getBoundingClientRect();
      return [...document.querySelectorAll('.chart-frame svg text')].map((one) => {
        const { left, right, top, bottom } = one.getBoundingClientRect();
        const isWide = right > left && left >= frame.left && right <= frame.right;
        return { text: one.textContent, isIn: isWide && top >= frame.top && bottom <= frame.bottom };
      });
    })()`)) as { text: string; isIn: boolean }[];
    const inSight = texts.filter(({ isIn }) => isIn).map(({ text }) => text);
    // Its smallest texts are 11 pixels high at a scale of one, and 10 on the screen.
    const transform = await page.locator('.chart-frame svg > g').getAttribute('transform');
    expect(11 * Number(/scale\((.+)\)/.exec(transform ?? '')?.[1])).toBeGreaterThanOrEqual(9.99);
    return { count: texts.length, inSight };
  }

  test('a turn, in a window of 2,560 pixels › all of its chart is in sight, and can be read', async () => {
    const { count, inSight } = await fitted(2_560, 1_440);
    expect(count).toBeGreaterThan(50);
    expect(inSight).toHaveLength(count);
  });

  test('a turn, in a window of 1,280 pixels › where it stands is in sight, and can be read', async () => {
    const { inSight } = await fitted(1_280, 1_024);
    expect(inSight).toEqual(expect.arrayContaining(['streaming', 'here', 'live', 'work', 'agent', 'host']));
    expect(inSight.filter((text) => text === 'here')).toHaveLength(2);
  });

  test('an agent dies › its turn is seen to fail', async () => {
    const agent = await daemon.agent('mortal');
    const { turnId } = await openChat(await daemon.host(), agent, { agent_id: 'mortal' });
    const { page } = await openConsole({ daemon, place: `charts/${turnId}` });
    await active(page, 'streaming').waitFor();
    agent.socket.terminate();
    await ended(page, 'failed').waitFor();
    await note(page).getByText('Ended by an error').waitFor();
    await page.getByRole('region', { name: 'Events' }).getByRole('button', { name: 'agent.gone' }).waitFor();
  });

  test('a transition is taken › its edge flashes, and no longer than a moment', async () => {
    const agent = await daemon.agent('flasher');
    const chat = await openChat(await daemon.host(), agent, { agent_id: 'flasher' });
    const { page } = await openConsole({ daemon, place: `charts/${chat.turnId}` });
    await active(page, 'streaming').waitFor();
    const flash = page.locator('.chart-flashes path');
    // What was taken before somebody looked is marked and does not flash.
    expect(await flash.count()).toBe(0);
    // It is gone in a second: the page itself has to look.
    await page.evaluate(`{
      const seen = (window.flashed = new Set());
      const look = () => document.querySelectorAll('.chart-flashes path').forEach((one) => seen.add(one.getAttribute('d')));
      new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    }`);
    chat.emit({ kind: 'approval_pending', approval_id: 'p', tool: 'x' });
    await active(page, 'parked').waitFor();
    const flashed = () => page.evaluate<string[]>('[...flashed]');
    await eventually(flashed).toHaveLength(1);
    const taken = page.locator('.chart-edge.taken path.edge-line');
    expect(await taken.evaluateAll((all) => all.map((one) => one.getAttribute('d')))).toEqual(
      expect.arrayContaining(await flashed()),
    );
    await flash.waitFor({ state: 'detached' });
  });

  test('a state has the focus › its description and actions are told', async () => {
    const { page } = await openConsole({ daemon, place: 'charts' });
    await row(page, 'broker').click();
    await page.getByRole('button', { name: /^draining/ }).focus();
    await note(page).getByText('No new chats and no new connections').waitFor();
    await note(page).getByText('rpc.request [opensChat] / refuseAsDraining').waitFor();
    await page.getByText('The chart in words').click();
    const words = page.getByRole('list', { name: 'States' });
    await words.getByText('after drainTimeout [isLast]: endAllTurns → stays').waitFor();
    await words.getByText('after drainTimeout [else]: endAllTurns → closing').waitFor();
    await words.getByText('always [hasNoTurns] → closing').waitFor();
  });

  test('charts of our own are drawn as the build laid them out › nothing is loaded to lay one out with', async () => {
    const { page } = await openConsole({ daemon, place: 'overview' });
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(request.url()));
    await page.getByRole('link', { name: 'Charts' }).click();
    for (const [name, state] of [
      ['broker', 'accepting'],
      ['host', 'ready'],
    ] as const) {
      await row(page, name).last().click();
      await active(page, state).waitFor();
    }
    expect(loaded.filter((url) => url.includes('chart-layouts')).length).toBe(1);
    expect(loaded.filter((url) => url.includes('elk'))).toEqual([]);
  });

  test('a machine that the build does not know › is laid out by the page', async () => {
    const { page } = await openConsole({ daemon, place: 'overview' });
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(request.url()));
    // An embedder's broker, whose machine has one state more.
    await page.routeWebSocket(/./, (socket) => {
      socket.connectToServer().onMessage((message) => {
        const state = '"accepting":{';
        const more = '"resting":{"type":"atomic","entry":[],"exit":[],"on":[]},';
        socket.send(typeof message === 'string' ? message.replace(state, `${more}${state}`) : message);
      });
    });
    await page.reload();
    await page.getByRole('link', { name: 'Charts' }).click();
    await row(page, 'broker').click();
    await page.getByRole('button', { name: /^resting/ }).waitFor();
    await active(page, 'accepting').waitFor();
    expect(loaded.filter((url) => url.includes('elk')).length).toBeGreaterThan(0);
  });

  test('a part of a chart is in the window › the rest is in a corner, and where it stands can be found again', async () => {
    const agent = await daemon.agent('mapped');
    const chat = await openChat(await daemon.host(), agent, { agent_id: 'mapped' });
    const { page } = await openConsole({
      daemon,
      place: 'charts',
      context: { viewport: { width: 1_280, height: 800 }, forcedColors: 'active' },
    });
    await row(page, 'mapped').first().waitFor();
    await page.goto(page.url().replace(/#.*/, `#/charts/${chat.turnId}`));
    await active(page, 'streaming').waitFor();
    // Where colours are the person's own, it shows as well.
    const fillOf = (states: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('.chart-state.atomic${states} .state-box')).fill`);
    expect(await fillOf('.active')).not.toBe(await fillOf(':not(.active)'));

    const frame = page.locator('.chart-frame');
    const seen = page.locator('.minimap .seen');
    const before = await seen.getAttribute('x');
    await page.locator('.minimap').click({ position: { x: 3, y: 3 } });
    await expect.poll(() => seen.getAttribute('x')).not.toBe(before);
    await page.getByRole('button', { name: 'Where it stands' }).click();
    await page.getByRole('button', { name: 'Where it stands' }).waitFor({ state: 'detached' });
    await frame.focus();
    await page.keyboard.press('0');
    await page.locator('.minimap').waitFor({ state: 'detached' });
    // So small, it has names alone, and they can be read.
    const far = page.locator('.far-name').filter({ hasText: 'streaming' });
    expect((await far.boundingBox())?.height).toBeGreaterThanOrEqual(9.9);
    await page.keyboard.press('Home');
    await page.locator('.minimap').waitFor();

    // Only the way that was taken: not known for what was before, and told so.
    await page.getByRole('button', { name: 'Only the way taken' }).click();
    await page.getByText('before it was watched, is not known').waitFor();
    await page.getByRole('button', { name: /^parked/ }).waitFor({ state: 'detached' });
    chat.emit({ kind: 'approval_pending', approval_id: 'p', tool: 'x' });
    await active(page, 'parked').waitFor();
    expect(await page.locator('path.edge-line').count()).toBe(
      await page.locator('.chart-edge.taken path.edge-line, .chart-start path.edge-line').count(),
    );
  });

  test('what an actor hears › is listed with its sender and payload, can be filtered and paused', async () => {
    const [host, agent] = [await daemon.host(), await daemon.agent('talker')];
    const { page } = await openConsole({ daemon, place: 'charts' });
    await row(page, 'talker').waitFor();
    const chat = await openChat(host, agent, { agent_id: 'talker', prompt: 'a quiet word' });
    await page.goto(page.url().replace(/#.*/, `#/charts/${chat.turnId}`));
    const events = page.getByRole('region', { name: 'Events' });
    await page.getByRole('region', { name: 'Context' }).getByText('"a quiet word"').waitFor();
    chat.emit({ kind: 'tool_call', tool: 'hammer' });
    await events.getByText(/"tool":"hammer"/).waitFor();
    await events.getByRole('link', { name: 'broker' }).first().waitFor();
    await events.getByLabel('Filter events').fill('talker');
    await expect.poll(() => events.getByRole('listitem').count()).toBe(1);
    await events.getByText('call.answered').waitFor();
    await events.getByLabel('Filter events').fill('hammer');
    await events.getByRole('button', { name: 'chat.event' }).click();
    await events.getByText('tool: "hammer"').waitFor();
    await events.getByLabel('Filter events').fill('');
    await events.getByRole('button', { name: 'Pause' }).click();
    const before = await events.getByRole('listitem').count();
    chat.emit({ kind: 'approval_pending', approval_id: 'p', tool: 'x' });
    await stateOf(page).getByText('parked').waitFor();
    expect(await events.getByRole('listitem').count()).toBe(before);
    await events.getByRole('button', { name: 'Go on' }).click();
    await events.getByText('approval.pending').waitFor();
  });

  test('by the keyboard alone › the tree is walked, closed and opened, and an actor chosen', async () => {
    const agent = await daemon.agent('keys');
    await openChat(await daemon.host(), agent, { agent_id: 'keys' });
    const { page } = await openConsole({ daemon, place: 'charts' });
    await page.getByLabel('Search actors').fill('keys');
    await row(page, /keys.*streaming/).waitFor();
    const tree = page.getByRole('tree', { name: 'Actors' });
    const at = () =>
      page.evaluate(
        'document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.textContent',
      );
    await tree.focus();
    await page.keyboard.press('Home');
    await expect.poll(at).toMatch(/broker/);
    await page.keyboard.press('ArrowDown');
    await expect.poll(at).toMatch(/turns/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => row(page, /keys.*streaming/).count()).toBe(0);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect.poll(at).toMatch(/keys.*streaming/);
    await page.keyboard.press('Enter');
    await active(page, 'streaming').waitFor();
    await page.keyboard.press('End');
    await expect.poll(at).toMatch(/keys.*ready/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(at).toMatch(/connections/);
  });

  test('200 turns stream › they are counted, and the page does what it is told meanwhile', async () => {
    const [host, agent] = [await daemon.host(), await daemon.agent('crowd')];
    const { page } = await openConsole({ daemon, place: 'charts' });
    const chats: OpenChat[] = [];
    for (let n = 0; n < TURNS; n++) chats.push(await openChat(host, agent, { agent_id: 'crowd' }));
    const timer = setInterval(() => {
      for (const chat of chats) chat.emit({ kind: 'token', delta: 'word ' });
    }, 250);
    own(() => clearInterval(timer));
    await page.getByLabel('Search actors').fill('crowd');
    await page.getByLabel('Kind').selectOption('turn');
    await row(page, `turns ${TURNS}`).waitFor();
    await row(page, 'streaming').first().click();
    await active(page, 'streaming').waitFor();
    await page.getByRole('region', { name: 'Events' }).getByText('chat.event').first().waitFor();
    await page.getByRole('button', { name: 'Sequence' }).click();
    const tokens = page.getByRole('button', { name: / token ×\d+ from agent to/ });
    await tokens.first().waitFor();
    await page.getByRole('button', { name: 'Chart' }).click();
    await page.getByRole('tree').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.url()).not.toContain(chats.at(-1)?.turnId ?? '');
    await active(page, 'streaming').waitFor();
  });

  test('without --inspect › the page says how to turn it on', async () => {
    const { page } = await openConsole({ flags: [], place: 'charts' });
    await page.getByRole('heading', { name: 'Live statecharts are off' }).waitFor();
    await page.getByText('npm start -- --inspect').waitFor();
    await page.getByText('SWITCHBOARD_INSPECT=1').waitFor();
  });
});
