import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { startDaemon } from '../e2e/support/daemon.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { doRealWork } from './support/real-work.ts';

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
  return [page, ...deeper.map(() => '…')].join('/') + (view === null ? '' : `?view=${view}`);
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
  await eventually(() =>
    page
      .locator('main')
      .getByText(/^(asking|loading|drawing)\b.*…$/i)
      .count(),
  ).toBe(0);
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; target: unknown; failureSummary: string }[];
}

/** What axe finds on the page as it is. */
async function findings(page: Page, where: string): Promise<string[]> {
  const violations = (await page.evaluate(
    `axe.run({ exclude: [] }, { resultTypes: ['violations'], runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'experimental'] } }).then(({ violations }) => violations)`,
  )) as Violation[];
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) => `${where}: ${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}

describeBrowser('every page of the console', () => {
  test('with real work in it, in light and dark › then axe finds nothing', { timeout: WALK_MS }, async () => {
    const daemon = await startDaemon({ flags: ['--inspect'] });
    await doRealWork(daemon);
    const { page, url } = await openConsole({ daemon, context: { reducedMotion: 'reduce' } });
    await page.evaluate(AXE);
    const found: string[] = [];
    const walked: string[] = [];
    for await (const { kind } of places(page, url)) {
      walked.push(kind);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        found.push(...(await findings(page, `${kind} (${colorScheme})`)));
      }
    }
    console.log(walked);
    expect(found).toEqual([]);
    expect(walked).toEqual(expect.arrayContaining(['overview', 'charts/…', 'approvals', 'chat', 'surfaces/…', 'keys']));
  });
});
