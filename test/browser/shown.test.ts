import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { openChat } from '../e2e/support/chat.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { components, create, data, text } from '../support/surfaces.ts';
import { attach, chat, said, say } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';

/* What other programs have written, as the pages show it. */

const EVIL = 'delete \u202egpj.tac\u202c n\u200bow\u009b\u{e0041}';
const SHOWN = 'delete \\u202egpj.tac\\u202c n\\u200bow\\u009b\\udb40\\udc41';

/** What is on the page to be read, and cannot be seen. What an answer may hold apart, none of it is in these texts. */
const unseen = (page: Page) =>
  page.evaluate(`{
    const found = [];
    const look = (root) => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.shadowRoot) look(node.shadowRoot);
        const read = node.nodeType === 3
          ? (/^(STYLE|SCRIPT)$/.test(node.parentNode.nodeName) ? [] : [node.data])
          : ['title', 'aria-label', 'alt', 'placeholder'].map((name) => node.getAttribute(name) ?? '');
        found.push(...read.filter((one) => /(?![\\n\\t])[\\p{C}\\p{Zl}\\p{Zp}]/u.test(one)));
      }
    };
    look(document.body);
    found;
  }`);

const HEBREW = '\u05d0\u05d1\u05d2';

/** Where letters that run from the right to the left stand in an element that does not put them in order on its own. */
const unordered = (page: Page) =>
  page.evaluate(`{
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const isOwn = /isolate|plaintext/.test(getComputedStyle(node.parentElement).unicodeBidi);
      if (/[\\u0590-\\u05ff]/.test(node.data) && !isOwn && !node.parentElement.closest('svg')) found.push(node.parentElement.outerHTML);
    }
    found;
  }`);

describeBrowser('what cannot be seen', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--inspect'] });
  });

  test('in an approval › is written out, in its title, its details and its answers', async () => {
    const { page } = await openConsole({ daemon, place: 'approvals' });
    const host = await daemon.host();
    const options = ['approve', 'deny', 'n\u2066ever'];
    await host.ok('host.request_approval', { action: EVIL, details: { [EVIL]: [EVIL, '❤\ufe0f'] }, options });
    const card = page.getByRole('article', { name: SHOWN });
    await card.getByRole('heading', { name: SHOWN }).waitFor();
    expect(JSON.parse(await card.locator('pre').innerText())).toEqual({ [EVIL]: [EVIL, '❤\ufe0f'] });
    expect(await card.locator('pre').innerText()).toContain('❤\\ufe0f');
    await card.getByRole('button', { name: 'n\\u2066ever' }).waitFor();
    expect(await unseen(page)).toEqual([]);
  });

  test('in a chat › is written out, in what is said, asked and done; and what writing needs stays', async () => {
    await attach(daemon, 'talker', async function* (turn) {
      turn.event({ kind: 'tool_call', tool: EVIL, params: { path: EVIL } });
      turn.event({ kind: 'a\u202eb', note: EVIL } as never);
      yield 'می\u200c';
      yield 'خواهم 👩\u200d';
      yield `🚀 ${EVIL}`;
    });
    const { page } = await openConsole({ daemon, place: 'chat' });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('talker');
    await say(pane, 'go');
    await said(pane).getByText('done').waitFor();
    await said(pane).getByText(`می\u200cخواهم 👩\u200d🚀 ${SHOWN}`).waitFor();
    await said(pane).locator('code.tool-name').getByText(SHOWN).waitFor();
    await said(pane).getByText('a\\u202eb').waitFor();
    await pane.getByRole('button', { name: 'Frames' }).click();
    const frames = pane.getByRole('region', { name: 'Frames', exact: true });
    await frames.getByText(SHOWN).first().waitFor();
    const kept = new Set(['\u200c', '\u200d']);
    const found = (await unseen(page)) as string[];
    expect(found.map((one) => [...one].filter((c) => /(?![\n\t])\p{C}/u.test(c) && !kept.has(c)))).toEqual(
      found.map(() => []),
    );
  });

  test('in the tree of actors, a context and events › is written out', async () => {
    const [host, agent] = [await daemon.host(), await daemon.agent('walker')];
    const { page } = await openConsole({ daemon, place: 'charts' });
    await page.getByRole('treeitem').first().waitFor();
    const turn = await openChat(host, agent, { agent_id: 'walker', prompt: EVIL });
    await page.goto(page.url().replace(/#.*/, `#/charts/${turn.turnId}`));
    await page.getByRole('region', { name: 'Context' }).getByText(`"${SHOWN}"`).waitFor();
    turn.emit({ kind: 'tool_call', tool: EVIL });
    await page.getByRole('region', { name: 'Events' }).getByText(SHOWN).first().waitFor();
    expect(await unseen(page)).toEqual([]);
  });

  test('in the list of agents › is written out', async () => {
    const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    own(() => host.close());
    await host.agents.upsert({ id: 'named', name: EVIL, capabilities: [EVIL] });
    const { page } = await openConsole({ daemon });
    await page.getByRole('table', { name: 'Agents' }).getByText(SHOWN).first().waitFor();
    expect(await unseen(page)).toEqual([]);
  });

  test('on a surface › is written out, now and when it changes; what its actions carry stays as it is', async () => {
    const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    own(() => host.close());
    const events = await host.surfaces.subscribe();
    const agent = await attach(daemon, 'painter', async () => {});
    const parts = (label: string) => [
      { id: 'root', component: 'Column', children: ['said', 'go', 'name'] },
      text('said', EVIL),
      {
        id: 'go',
        component: 'Button',
        child: 'label',
        action: { event: { name: 'go', context: { what: EVIL, typed: { path: '/typed' } } } },
      },
      text('label', label),
      { id: 'name', component: 'TextField', label: EVIL, value: { path: '/typed' } },
    ];
    for (const envelope of [create('danger'), data('danger', '/typed', EVIL), components('danger', ...parts(EVIL))]) {
      await agent.request('a2ui.apply', { envelope });
    }
    const { page } = await openConsole({ daemon, place: 'surfaces/danger' });
    const surface = page.locator('section.surface');
    await surface.getByRole('button', { name: SHOWN, exact: true }).waitFor();
    await surface.getByRole('textbox', { name: SHOWN }).waitFor();
    expect(await unseen(page)).toEqual([]);
    await agent.request('a2ui.apply', { envelope: components('danger', ...parts(`${EVIL}!`)) });
    await surface.getByRole('button', { name: `${SHOWN}!` }).waitFor();
    expect(await unseen(page)).toEqual([]);
    await surface.getByRole('button', { name: `${SHOWN}!` }).click();
    for await (const event of events) {
      if (event.kind !== 'a2ui.action') continue;
      expect(event.result).toMatchObject({ event: { name: 'go', context: { what: EVIL, typed: EVIL } } });
      break;
    }
  });

  test('on every page that there is › is written out, and turns nothing around that stands beside it', async () => {
    const told = `${EVIL} ${HEBREW}`;
    const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
    own(() => host.close());
    await host.agents.upsert({ id: 'listed', name: told, capabilities: [told] });
    const painter = await attach(daemon, 'sayer', async () => {});
    for (const envelope of [create('told'), components('told', text('root', told))]) {
      await painter.request('a2ui.apply', { envelope });
    }
    const [chatting, agent] = [await daemon.host(), await daemon.agent('teller')];
    const turn = await openChat(chatting, agent, { agent_id: 'teller', prompt: told });
    turn.emit({ kind: 'tool_call', tool: told, call_id: told, params: { [told]: told } });
    turn.emit({ kind: 'approval_pending', approval_id: told, action: told, details: told, deadline: told });
    turn.emit({ kind: told, [told]: told });
    turn.emit({ kind: 'token', delta: 1, [told]: told });
    await chatting.ok('host.request_approval', { action: told, details: { [told]: [told] }, options: [told] });
    const { page, url } = await openConsole({ daemon });
    const links = page.getByRole('navigation', { name: 'Console' }).getByRole('link');
    await links.first().waitFor();
    const places = await links.evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''));
    expect(places.length).toBeGreaterThan(5);
    for (const place of [...places, `#/charts/${turn.turnId}`, '#/surfaces/told']) {
      await page.goto(`${url}/${place}`);
      await page.getByRole('main').getByText(/\S/).first().waitFor();
      if (/approvals|surfaces.told|charts.turn|overview/.test(place)) await page.getByText(HEBREW).first().waitFor();
      expect(await unseen(page), place).toEqual([]);
      expect(await unordered(page), place).toEqual([]);
    }
  }, 60_000);
});
