import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { chat, ready, said, say } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { doRealWork, HOSTILE } from './support/real-work.ts';

/* Whether everybody can use every page: what axe-core finds, in both schemes, and what forced colours and a phone make of it. */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** All pages, two schemes, on a machine that does much else. */
const WALK_MS = 300_000;
/** Of places of one kind, a turn's say, so many are looked at. */
const MOST_ALIKE = 1;

/** What kind of place an address is: `#/charts/turn-1` is `charts/…`, `#/runs?q=x` is `runs?q`. */
function kindOf(hash: string): string {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [page, ...deeper] = path.split('/');
  const view = new URLSearchParams(search).get('view');
  return (
    [page, ...deeper.map((part) => (part === 'compare' ? part : '…'))].join('/') +
    (view === null ? '' : `?view=${view}`)
  );
}

interface Place {
  hash: string;
  kind: string;
}

/** The places of the console, found as a person finds them: by the links of each page, the navigation's first. */
async function* places(page: Page, url: string): AsyncGenerator<Place> {
  const seen = new Map<string, number>();
  const ahead: string[] = [];
  const note = async () => {
    const hashes = (await page.evaluate(
      `[...document.querySelectorAll('a[href^="#/"]')].map((one) => one.getAttribute('href'))`,
    )) as string[];
    for (const hash of hashes) {
      const kind = kindOf(hash);
      const before = seen.get(kind) ?? 0;
      if (before >= MOST_ALIKE) continue;
      seen.set(kind, before + 1);
      ahead.push(hash);
    }
  };
  await note();
  for (let hash = ahead.shift(); hash !== undefined; hash = ahead.shift()) {
    await page.goto(`${url}/${hash}`);
    await settled(page);
    yield { hash, kind: kindOf(hash) };
    await note();
  }
}

/** What a page shows is there: its heading, and nothing that is still asked for. */
async function settled(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor({ state: 'attached' });
  const waits = page.locator('main p').filter({ hasText: /^(asking|laying|loading|waiting|drawing)\b.*…$/i });
  await eventually(() => waits.count()).toBe(0);
}

/** What a page shows only once somebody has done something there. Whatever can be folded open is opened on every page. */
const DOINGS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  chat: async (page) => {
    const pane = chat(page);
    await say(pane, '/tool page_clock');
    await said(pane).getByText('page_clock').first().waitFor();
    await say(pane, `/fail ${HOSTILE}`);
    await ready(pane);
    await pane.getByRole('button', { name: 'Frames' }).click();
  },
  runs: async (page) => {
    const rows = page.getByRole('checkbox', { name: /^Compare: / });
    for (const place of [0, 1]) await rows.nth(place).click();
    await page.getByRole('link', { name: 'Compare the two' }).waitFor();
  },
  keys: async (page) => {
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByRole('form').waitFor();
  },
};

/** Where the walk has to come at least: a page that nothing leads to is one that nobody finds. */
const PLACES = [
  ...['overview', 'runs', 'runs/…', 'runs/compare', 'charts/…', 'approvals', 'chat', 'surfaces/…', 'keys'],
  ...['agents', 'agents/…', 'connections', 'connections/…', 'brokers', 'events', 'meetings', 'memory', 'voice'],
  ...['methods', 'methods/…'],
];

const OVERLAYS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  palette: async (page) => {
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('option').first().waitFor();
  },
  more: async (page) => {
    await page.getByRole('button', { name: /^More|more pages$/ }).click();
    await page.locator('#more-pages').getByRole('link').first().waitFor();
  },
};

async function doWhatOneDoes(page: Page, kind: string): Promise<void> {
  await DOINGS[kind]?.(page);
  await page.evaluate(`for (const one of document.querySelectorAll('main details')) one.open = true`);
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; target: unknown; failureSummary: string }[];
}

/** All that axe looks at: `label-content-name-mismatch` is not among its standard rules; and what depends on colours alone. */
const ALL = `rules: { 'label-content-name-mismatch': { enabled: true } }`;
const COLOURS = `runOnly: ['color-contrast', 'link-in-text-block']`;

/** What axe finds on the page as it is. */
async function findings(page: Page, where: string, what = ALL): Promise<string[]> {
  const violations = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'], ${what} }).then(({ violations }) => violations)`,
  )) as Violation[];
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) => `${where}: ${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}

/** The same in both schemes, which differ in nothing but colours. */
async function inBothSchemes(page: Page, where: string): Promise<string[]> {
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await findings(page, `${where} (dark)`);
  await page.emulateMedia({ colorScheme: 'light' });
  return [...dark, ...(await findings(page, `${where} (light)`, COLOURS))];
}

/** What is wider than the page, or than the box of its table. */
async function cut(page: Page, where: string): Promise<string[]> {
  const wide = (await page.evaluate(
    `[document.scrollingElement, ...document.querySelectorAll('main .scroll')]
      .filter((box) => box.scrollWidth > box.clientWidth)
      .map((box) => box.getAttribute('aria-label') ?? box.tagName)`,
  )) as string[];
  return wide.map((box) => `${where}: ${box} is cut off`);
}

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

describeBrowser('every page of the console', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: ['--demo', '--inspect'] });
    await doRealWork(daemon);
  });

  test('in light and dark, and on a phone › then axe finds nothing, and no table is cut off', {
    timeout: WALK_MS,
  }, async () => {
    const { page, url } = await openConsole({ daemon, context: { reducedMotion: 'reduce', viewport: WIDE } });
    // It is a page of one load: what is put there once stays.
    await page.evaluate(AXE);
    const found: string[] = [];
    const walked: string[] = [];
    const headers = new Set<unknown>();
    for await (const { kind } of places(page, url)) {
      walked.push(kind);
      headers.add(
        await page.evaluate(
          `document.querySelector('header.bar .brand').getBoundingClientRect().right + ' ' + document.querySelector('header.bar > button:last-of-type').getBoundingClientRect().right`,
        ),
      );
      await doWhatOneDoes(page, kind);
      found.push(...(await inBothSchemes(page, kind)));
      for (const view of await page
        .getByRole('group', { name: 'View' })
        .getByRole('button', { pressed: false })
        .all()) {
        await view.click();
        await settled(page);
        found.push(...(await findings(page, `${kind} (another view)`)));
      }
      found.push(...(await cut(page, `${kind} (1280)`)));
      await page.setViewportSize(PHONE);
      await eventually(() => cut(page, `${kind} (390)`)).toEqual([]);
      await page.setViewportSize(WIDE);
    }
    // What lies above a page for a moment.
    for (const [name, open] of Object.entries(OVERLAYS)) {
      await open(page);
      found.push(...(await inBothSchemes(page, name)));
      await page.keyboard.press('Escape');
    }
    expect(found).toEqual([]);
    expect(walked).toEqual(expect.arrayContaining(PLACES));
    // A scroll bar moves nothing.
    expect([...headers]).toHaveLength(1);
  });

  test('a table › sorts by a title, finds by a word, and its cards on a phone have everything, Cancel too', async () => {
    const { page } = await openConsole({ daemon, context: { viewport: PHONE } });
    const agents = page.getByRole('table', { name: 'Agents' });
    const names = () => agents.getByRole('rowheader').allInnerTexts();
    const title = agents.getByRole('button', { name: 'Agent' });
    await title.click();
    await eventually(async () => (await names()).slice(0, 2)).toEqual(['coder', 'echo']);
    await title.click();
    await eventually(async () => (await names())[0]).toBe('spare-8');
    await agents.getByRole('columnheader', { name: 'Agent' }).and(page.locator('[aria-sort="descending"]')).waitFor();
    await page.getByRole('searchbox', { name: 'Find in Agents' }).fill('code REVIEW');
    await eventually(names).toEqual(['not-here']);
    await agents.getByText('right-to-left').waitFor();
    const cancel = page.getByRole('table', { name: 'Live turns' }).getByRole('button', { name: /^Cancel/ });
    const box = await cancel.first().boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? PHONE.width)).toBeLessThan(PHONE.width);
    await page.setViewportSize(WIDE);
    await page.locator('[aria-label="Live turns"]:not(.cards) > table').waitFor();
  });

  test('with forced colours › then the chosen tab, row and view show by an edge that others have not', async () => {
    const { page, url } = await openConsole({ daemon, context: { forcedColors: 'active', viewport: WIDE } });
    const edges = (chosen: string, others: string) =>
      page.evaluate(`[${JSON.stringify(chosen)}, ${JSON.stringify(others)}].map((which) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.querySelector(which));
        return outlineStyle === 'none' ? 'none' : outlineStyle + ' ' + outlineWidth;
      })`);
    expect(await edges('.bar nav [aria-current]', '.bar nav a:not([aria-current])')).toEqual(['solid 2px', 'none']);
    await page.goto(`${url}/#/surfaces/booking`);
    await page.getByRole('region', { name: 'Surface booking' }).waitFor();
    await page.locator('.surface-list [aria-current]').waitFor();
    expect(await edges('.surface-list [aria-current]', '.surface-list button')).toEqual(['solid 2px', 'none']);
    await page.goto(`${url}/#/charts`);
    const row = page.getByRole('treeitem').filter({ hasText: 'parked' }).first();
    await row.click();
    await page.locator('.tree-row[aria-selected="true"]').waitFor();
    expect(await edges('[role=treeitem][aria-selected="true"]', '[role=treeitem][aria-selected="false"]')).toEqual([
      'solid 2px',
      'none',
    ]);
    expect(await edges('.views [aria-pressed="true"]', '.views [aria-pressed="false"]')).toEqual(['solid 2px', 'none']);
  });
});
