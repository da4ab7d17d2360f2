import type { Locator, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../client/node.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { components, create, data, text } from '../support/surfaces.ts';
import { attach } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

/* What is on a surface: for the keyboard and a screen reader, and where an agent means no good with it. */

const column = (id: string, ...children: string[]) => ({ id, component: 'Column', children });
const button = (id: string, label: string, action: object = { event: { name: id } }) => [
  { id, component: 'Button', child: `${id}-label`, action },
  text(`${id}-label`, label),
];
const call = (name: string, args: object, returnType = 'string') => ({ call: name, args, returnType });
const openUrl = (url: string) => call('openUrl', { url }, 'void');
/** An expression in a template. */
const expression = (name: string) => `\${${name}}`;

describeBrowser('what is on a surface', () => {
  let daemon: Daemon;
  let agent: Agent;
  let page: Page;
  let attached = 0;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  /** Puts a surface up, and opens it. */
  async function show(surfaceId: string, parts: object[], model: unknown = {}): Promise<Locator> {
    attached += 1;
    agent = await attach(daemon, `agent-${attached}`, async () => {});
    for (const envelope of [create(surfaceId), data(surfaceId, '/', model), components(surfaceId, ...parts)]) {
      await agent.request('a2ui.apply', { envelope });
    }
    ({ page } = await openConsole({ daemon, place: `surfaces/${encodeURIComponent(surfaceId)}` }));
    return page.locator('section.surface');
  }

  test('fields › each goes by its label, and a press on the label goes to the field', async () => {
    const surface = await show('fields', [
      column('root', 'name', 'notes', 'size', 'day', 'time', 'both', 'bare', 'pick'),
      { id: 'name', component: 'TextField', label: 'Name', value: { path: '/name' } },
      { id: 'notes', component: 'TextField', label: 'Notes', variant: 'longText' },
      { id: 'size', component: 'Slider', label: 'How many', value: 5, min: 0, max: 10 },
      { id: 'day', component: 'DateTimeInput', label: 'Day', value: '' },
      { id: 'time', component: 'DateTimeInput', label: 'Hour', value: '', enableDate: false, enableTime: true },
      { id: 'both', component: 'DateTimeInput', label: 'Start', value: '', enableTime: true },
      { id: 'bare', component: 'DateTimeInput', value: '' },
      { id: 'pick', component: 'ChoicePicker', label: 'Color', options: [{ label: 'Red', value: 'r' }], value: [] },
    ]);
    await surface.getByRole('textbox', { name: 'Name' }).fill('Ada');
    await surface.getByText('Name', { exact: true }).click();
    const focused = surface.locator('input:focus');
    expect(await focused.inputValue()).toBe('Ada');
    await surface.getByRole('textbox', { name: 'Notes' }).waitFor();
    await surface.getByRole('slider', { name: 'How many' }).waitFor();
    for (const label of ['Day', 'Hour', 'Start: date', 'Start: time', 'Date']) {
      await surface.getByLabel(label, { exact: true }).waitFor();
    }
    await surface.getByRole('group', { name: 'Color' }).getByRole('radio', { name: 'Red' }).waitFor();
  });

  test('two fields of one template › each has a label of its own', async () => {
    const surface = await show(
      'twins',
      [
        { id: 'root', component: 'List', children: { componentId: 'field', path: '/people' } },
        { id: 'field', component: 'TextField', label: { path: 'name' }, value: { path: 'note' } },
      ],
      { people: [{ name: 'Ada' }, { name: 'Bob' }] },
    );
    await surface.getByRole('textbox', { name: 'Bob' }).fill('second');
    expect(await surface.getByRole('textbox', { name: 'Ada' }).inputValue()).toBe('');
  });

  test('tabs › are tabs, and the arrow keys go through them', async () => {
    const surface = await show('tabs', [
      { id: 'root', component: 'Tabs', tabs: ['One', 'Two', 'Three'].map((title) => ({ title, child: title })) },
      ...['One', 'Two', 'Three'].map((title) => text(title, `This is ${title}`)),
    ]);
    const tab = (name: string, selected: boolean) => surface.getByRole('tab', { name, selected });
    await tab('One', true).focus();
    await surface.getByRole('tabpanel', { name: 'One' }).getByText('This is One').waitFor();
    await page.keyboard.press('ArrowRight');
    await surface.getByRole('tabpanel', { name: 'Two' }).getByText('This is Two').waitFor();
    await tab('One', false).waitFor();
    await page.keyboard.press('End');
    await tab('Three', true).waitFor();
    await page.keyboard.press('ArrowRight');
    await surface.getByText('This is One').waitFor();
    expect(await tab('One', true).evaluate((element) => element.matches(':focus'))).toBe(true);
  });

  test('a dialog on a small surface › has room, keeps the focus, and Escape closes it', async () => {
    const lines = Array.from({ length: 12 }, (_, n) => `line-${n}`);
    const surface = await show('dialog', [
      { id: 'root', component: 'Modal', trigger: 'open', content: 'inside' },
      ...button('open', 'Open it'),
      column('inside', ...lines, 'ok'),
      ...lines.map((id) => ({ id, component: 'TextField', label: id, value: { path: `/${id}` } })),
      ...button('ok', 'Confirm'),
    ]);
    const opener = surface.getByRole('button', { name: 'Open it' });
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = surface.getByRole('dialog', { name: 'Open it' });
    await dialog.waitFor();
    const isIn = () => dialog.evaluate((element) => element.matches(':focus-within'));
    await eventually(isIn).toBe(true);
    // The surface makes room for it once it is drawn.
    const boxes = async () => [await dialog.boundingBox(), await surface.locator('.surface-stage').boundingBox()];
    await eventually(async () => {
      const [inner, frame] = await boxes();
      if (!inner || !frame) return false;
      return inner.height > 300 && inner.y > frame.y && inner.y + inner.height < frame.y + frame.height;
    }).toBe(true);
    // Once around: the cross, the lines, the button, and the cross again.
    for (let press = 0; press < lines.length + 3; press += 1) {
      await page.keyboard.press('Tab');
      expect(await isIn()).toBe(true);
    }
    await page.keyboard.press('Shift+Tab');
    expect(await dialog.getByRole('button', { name: 'Confirm' }).evaluate((it) => it.matches(':focus'))).toBe(true);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await eventually(() => opener.evaluate((element) => element.matches(':focus'))).toBe(true);
    await eventually(async () => (await surface.locator('.surface-stage').boundingBox())?.height).toBeLessThan(200);
  });

  test('a dialog whose trigger is no button › opens from the keyboard, and within its frame', async () => {
    const surface = await show('plain', [
      { id: 'root', component: 'Modal', trigger: 'more', content: 'inside' },
      text('more', 'More'),
      text('inside', 'There is more'),
    ]);
    await surface.getByRole('button', { name: 'More' }).focus();
    await page.keyboard.press('Enter');
    await surface.getByText('There is more').waitFor();
    await eventually(async () => {
      const stage = await surface.locator('.surface-stage').boundingBox();
      const overlay = await surface.locator('.a2ui-modal-overlay').boundingBox();
      if (!stage || !overlay) return false;
      return overlay.height <= stage.height && overlay.width <= stage.width;
    }).toBe(true);
  });

  test('openUrl › asks once somebody presses, not when it is drawn; and the address reads as it is opened', async () => {
    const surface = await show('open', [
      column('root', 'drawn', 'bank', 'late'),
      { ...text('drawn', ''), text: openUrl('https://drawn.example/') },
      ...button('bank', 'Bank', {
        functionCall: openUrl('https://good-bank.com@evil.example/\u202emoc.knab-doog//:sptth'),
      }),
      ...button('late', 'Long', { functionCall: openUrl(`https://long.example/${'x'.repeat(3_000)}`) }),
    ]);
    await surface.getByRole('button', { name: 'Bank' }).waitFor();
    expect(await surface.locator('.surface-wanted').count()).toBe(0);
    await surface.getByRole('button', { name: 'Bank' }).click();
    const link = surface.locator('.surface-wanted a');
    await eventually(() => link.textContent()).toBe('https://evil.example/%E2%80%AEmoc.knab-doog//:sptth');
    expect(await surface.locator('.surface-wanted strong').textContent()).toBe('evil.example');
    await surface.getByRole('button', { name: 'Long' }).click();
    await surface.locator('.surface-wanted strong').getByText('long.example').waitFor();
    expect((await link.textContent())?.length).toBeLessThan(400);
    expect((await link.getAttribute('href'))?.length).toBeGreaterThan(3_000);
  });

  test('an id that turns the text around › is written out, in the list, the heading and the outcome', async () => {
    const surface = await show('\u202eevil', [...button('root', 'Go', { event: { name: '\u202eog' } })]);
    await surface.getByRole('heading', { name: '\\u202eevil' }).waitFor();
    await page.getByRole('table', { name: 'Surfaces' }).getByText('\\u202eevil').waitFor();
    await surface.getByRole('button', { name: 'Go' }).click();
    await surface.getByRole('status', { name: 'Outcome' }).getByText('\\u202eog: told to whoever').waitFor();
  });

  test('a template › is filled in, again when its data change; one that is too long, or of itself, is cut', async () => {
    const long = 'x'.repeat(50_000);
    const again = expression(`formatString(value: ${expression('/again')})`);
    const surface = await show(
      'templates',
      [
        column('root', 'plain', 'much', 'many', 'self'),
        {
          ...text('plain', ''),
          text: call('formatString', { value: `Room ${expression('/room')}, ${expression('/kind')}` }),
        },
        { ...text('much', ''), text: call('formatString', { value: `much: ${expression('/long')}` }) },
        { ...text('many', ''), text: call('formatString', { value: `many: ${expression('/room')}`.repeat(200) }) },
        { ...text('self', ''), text: call('formatString', { value: { path: '/again' } }) },
      ],
      { room: 7, kind: 'quiet', long, again: `self ${again}${again}` },
    );
    await surface.getByText('Room 7, quiet').waitFor();
    await agent.request('a2ui.apply', { envelope: data('templates', '/room', 8) });
    await surface.getByText('Room 8, quiet').waitFor();
    expect((await surface.getByText('much: xxx').textContent())?.length).toBeLessThan(10_010);
    expect(await surface.getByText(/^many: /).textContent()).toContain(expression('/room'));
    await surface.getByText(/^self self/).waitFor();
    for (const n of [1, 2, 3, 4, 5]) {
      await agent.request('a2ui.apply', { envelope: data('templates', '/again', `self-${n} ${again}${again}`) });
      await surface.getByText(new RegExp(`^self-${n} self-${n}`)).waitFor();
    }
  });

  test.each<[string, object, unknown, RegExp]>([
    ['text', { ...text('part', ''), text: { path: '/long' } }, { long: 'word '.repeat(40_000) }, /characters/],
    [
      'a template',
      { ...text('part', ''), text: call('formatString', { value: `${expression('/a')} `.repeat(30_000) }) },
      { a: 1 },
      /characters/,
    ],
    [
      'options',
      {
        id: 'part',
        component: 'ChoicePicker',
        value: ['1'],
        options: Array.from({ length: 950 }, (_, n) => ({ label: `${n}`, value: `${n}` })),
      },
      {},
      /elements/,
    ],
  ])('far too much of %s › is not drawn, the page says why, and goes on', async (what, part, model, why) => {
    const surface = await show(`much-${what}`, [column('root', ...Array<string>(950).fill('part')), part], model);
    await surface.getByRole('alert').filter({ hasText: why }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Agents' }).waitFor();
  });
});
