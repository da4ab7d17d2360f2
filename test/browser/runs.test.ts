import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { createBroker } from '../../broker.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { connected, describeBrowser, linkTo, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { recordTurns } from './support/recorded.ts';

const TURNS = 60;

const row = (page: Page, prompt: string) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name: prompt, exact: true }) });
const query = (page: Page) => page.getByRole('searchbox', { name: 'Query' });
/** How many turns the page says that it has found. */
const found = (page: Page, words: string | RegExp) =>
  page.getByRole('status', { name: 'Found' }).filter({ hasText: words }).waitFor();
const prompts = (page: Page) => page.getByRole('rowheader').allTextContents();

describeBrowser('the page of runs', () => {
  let daemon: Daemon;
  let ids: string[];
  let end: () => void;
  beforeAll(async () => {
    daemon = await startDaemon();
    ({ ids, end } = await recordTurns(daemon, TURNS));
  });

  test('sixty turns, one of them live › one is found by a query, which is in the address, and stays there', async () => {
    const { page } = await openConsole({ daemon, place: 'overview' });
    // The counters lead here.
    await page.getByRole('definition').getByRole('link', { name: '1', exact: true }).click();
    await row(page, 'say 60').getByText('streaming').waitFor();
    await found(page, /^1 of 60 kept$/);
    end();
    await page.getByText('No turn is like that').waitFor();
    await page.getByRole('link', { name: 'All', exact: true }).click();
    await row(page, 'say 60').getByText('done').waitFor();
    await found(page, /^60 of 60/);
    // Those in sight are drawn, and no others; of a hostile prompt everything is seen, and nothing is done.
    expect((await prompts(page)).length).toBeLessThan(TURNS);
    await page.getByRole('region', { name: 'Turns' }).press('End');
    await page.getByRole('link', { name: String.raw`say 2 \u202e<b onclick=alert(1)>` }).waitFor();
    expect(await page.locator('td b, th b').count()).toBe(0);
    // What is wrong is said at its place, and what was found stays.
    await query(page).fill('state:failed toll:grep');
    await page.getByRole('alert').filter({ hasText: 'no field “toll”' }).waitFor();
    expect(await page.locator('mark').textContent()).toBe('toll');
    await query(page).fill('agent:coder state:failed tool:grep "no match"');
    await found(page, /^2 of 60/);
    expect(await prompts(page)).toEqual(['say 42', 'say 21']);
    for (const prompt of ['say 21', 'say 42']) await page.getByRole('checkbox', { name: `Compare: ${prompt}` }).click();
    const compare = page.getByRole('link', { name: 'Compare the two' });
    expect(await compare.getAttribute('href')).toBe(`#/runs/compare?a=${ids[20]}&b=${ids[41]}`);
    await page.getByRole('button', { name: 'Duration' }).click();
    await eventually(() => page.url()).toContain('sort=-dur');
    const { href, search } = new URL(page.url());
    expect(search).toBe('');
    expect(decodeURIComponent(href).replaceAll('+', ' ')).toContain('q=agent:coder state:failed tool:grep "no match"');
    const before = await prompts(page);
    await page.reload();
    await found(page, /^2 of 60/);
    expect(await prompts(page)).toEqual(before);
    expect(await page.getByRole('columnheader', { name: 'Duration' }).getAttribute('aria-sort')).toBe('descending');
    // A view of one's own outlives the page, too.
    await page.getByRole('button', { name: 'Save this view' }).click();
    await page.getByRole('textbox', { name: 'Name of the view' }).fill('grep fails');
    await page.keyboard.press('Enter');
    await page.goto(page.url().replace(/#.*/, '#/runs'));
    await page.reload();
    await page.getByRole('link', { name: 'grep fails' }).click();
    await found(page, /^2 of 60/);
  });

  test('a turn that failed › its link opens it at that moment, and from there it is run again and compared', async () => {
    const [failed = '', other = ''] = [ids[41], ids[44]];
    const { page, url } = await openConsole({ daemon, place: `runs/${failed}?view=sequence&event=2` });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('heading', { name: 'say 42' }).waitFor();
    await page.getByText('1 tool call, 1 failed').waitFor();
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('status', { name: 'Copying' }).filter({ hasText: 'Copied' }).waitFor();
    const link = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(link).toMatch(new RegExp(`^http://127.0.0.1:\\d+/#/runs/${failed}\\?view=sequence&event=\\d+$`));
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByRole('button', { name: 'Sequence', pressed: true }).waitFor();
    await page.getByRole('button', { name: 'Waterfall' }).click();
    await eventually(() => page.url()).toContain(`#/runs/${failed}?view=waterfall&event=`);
    await page.reload();
    await page.getByRole('button', { name: 'Waterfall', pressed: true }).waitFor();
    await page.goto(`${url}/#/runs/compare?a=${failed}&b=${other}`);
    const steps = page.getByRole('table', { name: 'Steps' });
    await page.getByRole('status', { name: 'Difference' }).filter({ hasText: 'They part at step 1.' }).waitFor();
    expect(await steps.locator('[aria-current] mark').allTextContents()).toEqual(['2"}', '5"}']);
    await page.goto(link);
    await page.getByRole('button', { name: 'Run again' }).click();
    const box = page.getByRole('article', { name: 'Chat with coder' }).getByRole('textbox', { name: 'Message' });
    await eventually(() => box.inputValue()).toBe('say 42');
    // Nothing is sent before one has had a look.
    expect(await page.getByRole('log').textContent()).not.toContain('say 42');
  });

  test('a turn is exported › then its file is looked at without a daemon; one that means ill is refused', async () => {
    const { page, url } = await openConsole({ daemon, place: `runs/${ids[6]}`, context: { acceptDownloads: true } });
    const download = async (name: string) => {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name, exact: true }).click(),
      ]);
      return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
    };
    const spans = await download('OTLP');
    expect(spans.name).toBe(`${ids[6]}.otlp.json`);
    expect(JSON.parse(spans.text).resourceSpans[0].scopeSpans[0].spans[0].name).toBe('agents.chat');
    const { text } = await download('JSON');
    expect(text).not.toContain(daemon.tokens.host);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Link or host token').waitFor();
    const drop = async (content: string) => {
      const data = await page.evaluateHandle(
        `(() => { const data = new DataTransfer(); data.items.add(new File([${JSON.stringify(content)}], 'turn.json')); return data; })()`,
      );
      const place = page.getByText('exported to a file');
      await place.dispatchEvent('dragover', { dataTransfer: data });
      await place.dispatchEvent('drop', { dataTransfer: data });
    };
    await drop(text.replace('"state":"failed"', '"state":"<img src=x onerror=alert(1)>"'));
    await page.getByRole('alert').filter({ hasText: 'not the file of a turn: turn.state' }).waitFor();
    await drop(text);
    await page.getByRole('heading', { name: 'say 7' }).waitFor();
    await page.getByText(String.raw`\u202e<b onclick=alert(1)>egpj`).first().waitFor();
    expect(page.url()).toBe(`${url}/#/runs/file`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.goto(linkTo(daemon));
    await connected(page);
  });

  test('a broker that records nothing › then the page says how to switch it on', async () => {
    const broker = createBroker();
    const server = createServer((request, response) => broker.handleRequest(request, response));
    server.on('upgrade', (request, socket, head) => broker.handleUpgrade(request, socket, head));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    own(() => void server.close());
    own(() => broker.close());
    const { page } = await openConsole({ daemon, signedIn: false });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/#token=${broker.tokens.host}`);
    await connected(page);
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByText('npm start -- --record memory').waitFor();
  });
});
