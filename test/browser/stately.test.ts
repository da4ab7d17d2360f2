import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { StandIn } from './support/stately-stand-in.ts';

describeBrowser('the page around the Stately inspector', () => {
  let standIn: StandIn;
  let daemon: Daemon;
  beforeAll(async () => {
    standIn = await StandIn.start();
    daemon = await startDaemon({ flags: ['--demo', '--inspect', '--inspector-url', standIn.url] });
  });

  async function open() {
    const opened = await openConsole({ daemon });
    await opened.page.goto(`${opened.url}/inspect/stately`);
    return { ...opened, frame: await standIn.frameIn(opened.page) };
  }
  const standing = (page: Page) => page.getByRole('status', { name: 'Inspector' });

  it('hands over nothing before the inspector is there, then all live actors, then what happens', async () => {
    const { page, frame, url } = await open();
    await standing(page).filter({ hasText: 'Loading the inspector' }).waitFor();
    const host = await connectHost({ url: daemon.url, token: daemon.tokens.daemon });
    own(() => host.close());
    expect(await host.chat('echo', 'before').text()).toBe('before');
    expect(await frame.heard()).toEqual([]);

    await frame.connect();
    await standing(page).filter({ hasText: 'The inspector is connected.' }).waitFor();
    await eventually(() => frame.heardOf('@xstate.actor').then(({ length }) => length)).toBeGreaterThan(2);
    const heard = await frame.heard();
    expect(new Set(heard.map(({ origin }) => origin))).toEqual(new Set([url]));
    const live = heard.map(({ data }) => data).filter(({ type }) => type === '@xstate.actor');
    expect(heard.slice(0, live.length).map(({ data }) => data)).toEqual(live);
    const [broker, ...others] = live;
    expect(broker).toMatchObject({ name: 'broker', snapshot: { value: 'accepting', status: 'active' } });
    for (const one of others) expect(one).toMatchObject({ rootId: broker?.sessionId, parentId: broker?.sessionId });
    // Its charts are machines that XState itself can make.
    for (const { definition } of live) {
      expect(Object.keys(createMachine(JSON.parse(String(definition))).states)).not.toEqual([]);
    }

    const turn = host.chat('echo', 'what is said after');
    const { turn_id } = await turn.ack;
    await turn.text();
    const started = async () => (await frame.heardOf('@xstate.actor')).find(({ name }) => name === turn_id);
    await eventually(started).toBeDefined();
    const sessionId = (await started())?.sessionId;
    const states = async () => {
      const snapshots = await frame.heardOf('@xstate.snapshot');
      return snapshots.filter((one) => one.sessionId === sessionId).map(({ snapshot }) => snapshot);
    };
    await eventually(states).toContainEqual(expect.objectContaining({ value: 'done', status: 'done' }));
    expect((await frame.heardOf('@xstate.event')).some((one) => one.sessionId === sessionId)).toBe(true);
  });

  it('hands over no secret', async () => {
    const { frame } = await open();
    await frame.connect();
    await eventually(() => frame.heard().then(({ length }) => length)).toBeGreaterThan(0);
    // Each of these is in a frame that the broker's actors hear while the inspector watches.
    const manager = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    const { token = '' } = await manager.agents.upsert({ id: 'secretive' });
    const agent = await connectHost({ url: daemon.url, token: daemon.tokens.daemon });
    await Promise.all([manager.close(), agent.close()]);
    const closed = async () => {
      const values = (await frame.heardOf('@xstate.snapshot')).map(({ snapshot }) => snapshot as { value?: unknown });
      return values.filter(({ value }) => value === 'closed').length;
    };
    await eventually(closed).toBeGreaterThan(1);
    const text = JSON.stringify(await frame.heard());
    expect(token).not.toBe('');
    // What was asked is there, and so the answer would be.
    expect(text).toContain('secretive');
    for (const secret of [token, daemon.tokens.host, daemon.tokens.daemon]) expect(text).not.toContain(secret);
  });

  it('listens to its own frame alone, and to that origin alone', async () => {
    const { page, frame } = await open();
    const ready = "{ type: '@statelyai.connected' }";
    // The page to itself, and a stranger in a frame of the inspector's own origin.
    await page.evaluate(`postMessage(${ready}, '*')`);
    await page.evaluate(`window.dispatchEvent(new MessageEvent('message', {
      data: ${ready}, origin: 'https://elsewhere.example', source: document.querySelector('iframe').contentWindow }))`);
    await page.evaluate(`new Promise((done) => {
      const stranger = document.createElement('iframe');
      stranger.src = ${JSON.stringify(`${standIn.url}?stranger`)};
      stranger.onload = done;
      document.body.append(stranger);
    })`);
    await page.frames().at(-1)?.evaluate('connect()');
    // Messages keep their order: by the time this one has come back, the others have been heard.
    await page.evaluate(`new Promise((done) => { addEventListener('message', done); postMessage('after', '*'); })`);
    expect(await frame.heard()).toEqual([]);
    await standing(page).filter({ hasText: 'Loading the inspector' }).waitFor();
  });

  it('when the inspector is loaded again › tells it all live actors again', async () => {
    const { frame } = await open();
    await frame.connect();
    await eventually(() => frame.heardOf('@xstate.actor').then(({ length }) => length)).toBeGreaterThan(1);
    await frame.reload();
    expect(await frame.heardOf('@xstate.actor')).toEqual([]);
    await frame.connect();
    await eventually(() => frame.heardOf('@xstate.actor').then(([first]) => first?.name)).toBe('broker');
  });

  it('when it does not come › says what it needs, and where the console’s own charts are', async () => {
    const { page, url } = await openConsole({ daemon, signedIn: true });
    await page.clock.install();
    await page.goto(`${url}/inspect/stately`);
    // Not before: the time that connecting may take would be over as well.
    await standing(page).filter({ hasText: 'Loading the inspector' }).waitFor();
    await page.clock.runFor(11_000);
    await standing(page).filter({ hasText: 'needs the internet' }).waitFor();
    const charts = page.getByRole('link', { name: 'The console’s own charts' });
    expect(await charts.evaluate((link) => (link as unknown as { href: string }).href)).toBe(`${url}/#/charts`);
  });

  it('without a token › asks for one', async () => {
    const { page, url } = await openConsole({ daemon, signedIn: false });
    await page.goto(`${url}/inspect/stately`);
    await page.getByLabel('Link or host token').fill(daemon.tokens.host);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await standing(page).filter({ hasText: 'Loading the inspector' }).waitFor();
  });
});
