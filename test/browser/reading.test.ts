import fc from 'fast-check';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { attach, chat, said, say } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';

/* Answers, as people read them. */

/** Everything that an answer may be drawn of, and what may be said of it. */
const ELEMENTS =
  /^(a|bdi|blockquote|br|button|code|div|em|hr|li|ol|p|pre|s|span|strong|table|tbody|td|th|thead|tr|ul|wbr)$/;
const ATTRIBUTES = /^(class|href|target|rel|start|type|role|aria-label|tabindex)$/;

const HOSTILE = [
  '<img src=x onerror=alert(1)><script>alert(1)</script>',
  '<a href="javascript:alert(1)">here</a> <style>*{display:none}</style>',
  '![a picture](http://127.0.0.1:9/loaded.png "t\u202eitle") ![](data:image/png;base64,AAAA)',
  '[safe](javascript:alert(1)) [bank](https://user@evil.example/x "onclick=1") [file](file:///etc/passwd) [mail](mailto:a@b.example)',
  '<https://one.example/a> and https://two.example/b, [ref][1]',
  '',
  '[1]: https://three.example "never seen"',
  '',
  '# delete \u202egpj.tac\u202c &#x202e;now',
  '',
  '| a | b |',
  '|:--|--:|',
  '| <b>c</b> | [d](vbscript:x) |',
  '',
  '3. three\n   > quoted *em* **strong** ~~gone~~',
  '',
  '---',
  '',
  '```ts onload=x "\u202e',
  'const evil = "\u202e<script>"; // \u2066',
  '```',
].join('\n');

/** What is left of it when it is torn and mixed. */
const TORN = fc
  .sample(fc.array(fc.constantFrom(...HOSTILE.split(/(?<=\s)|(?=[<([`*|])/)), { minLength: 400, maxLength: 400 }), {
    numRuns: 3,
    seed: 19,
  })
  .flat()
  .join('');

const markdownIn = (pane: Locator) => said(pane).locator('.markdown');

const drawnIn = (answer: Locator) =>
  answer.evaluate((root) =>
    [root, ...root.querySelectorAll('*')].map((one) => ({ name: one.localName, attributes: one.getAttributeNames() })),
  );

const isForbidden = ({ name, attributes }: { name: string; attributes: string[] }) =>
  !ELEMENTS.test(name) || attributes.some((attribute) => !ATTRIBUTES.test(attribute));

describeBrowser('an answer', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  it('that is hostile › is drawn of nothing but what an answer may have, loads nothing, and is shown as written by a switch', async () => {
    await attach(daemon, 'evil', async function* ({ prompt }) {
      if (prompt === 'torn') yield TORN;
      else for (let at = 0; at < HOSTILE.length; at += 23) yield HOSTILE.slice(at, at + 23);
    });
    const context = { permissions: ['clipboard-read', 'clipboard-write'] };
    const { page } = await openConsole({ daemon, place: 'chat', context });
    const pane = chat(page);
    await pane.getByRole('combobox', { name: 'Agent' }).selectOption('evil');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await say(pane, 'go');
    await said(pane).getByText('done').waitFor();
    const answer = markdownIn(pane);
    await answer.locator('.keyword').first().waitFor();

    const drawn = await drawnIn(answer);
    expect(drawn.filter(isForbidden)).toEqual([]);
    for (const name of ['table', 'ol', 'blockquote', 'em', 'strong', 's', 'hr', 'pre']) {
      expect(drawn.map((one) => one.name)).toContain(name);
    }

    const links = await answer
      .locator('a')
      .evaluateAll((all) =>
        all.map((one) => [one.textContent, ...['href', 'rel', 'target'].map((name) => one.getAttribute(name))]),
      );
    const opened = (address: string) => [address, address, 'noopener noreferrer', '_blank'];
    expect(links).toEqual(
      [
        'http://127.0.0.1:9/loaded.png',
        'https://evil.example/x',
        'mailto:a@b.example',
        'https://one.example/a',
        'https://two.example/b',
        'https://three.example/',
      ].map(opened),
    );
    expect(asked.filter((url) => !url.startsWith(new URL(page.url()).origin))).toEqual([]);

    const text = await answer.innerText();
    for (const shown of [
      '<script>alert(1)</script>',
      '<style>*{display:none}</style>',
      'picture: a picture (http://127.0.0.1:9/loaded.png t\\u202eitle)',
      'safe (javascript:alert(1)) bank (https://evil.example/x onclick=1) file (file:///etc/passwd)',
      '[ref][1]',
      'never seen',
      'delete \\u202egpj.tac\\u202c \\u202enow',
      'd (vbscript:x)',
      'ts onload=x "\\u202e',
    ]) {
      expect(text).toContain(shown);
    }

    await answer.getByRole('button', { name: 'Copy this code' }).click();
    await answer.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('const evil = "\\u202e<script>"; // \\u2066');

    await pane.getByRole('button', { name: 'Raw', exact: true }).click();
    await said(pane).getByText('| <b>c</b> | [d](vbscript:x) |').waitFor();
    expect(await answer.count()).toBe(0);

    await pane.getByRole('button', { name: 'Raw', exact: true }).click();
    await say(pane, 'torn');
    await said(pane).getByText('done').nth(1).waitFor();
    const torn = await drawnIn(answer.last());
    expect(torn.length).toBeGreaterThan(300);
    expect(torn.filter(isForbidden)).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(new URL(page.url()).origin))).toEqual([]);
  }, 60_000);
});
