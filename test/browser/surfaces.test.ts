import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type Agent, connectHost, type Host } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { startA2aAgent } from '../support/a2a-server.ts';
import { components, create, data, remove, text } from '../support/surfaces.ts';
import { attach } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';
import { eventually } from './support/eventually.ts';

const button = (id: string, label: string, action: object) => ({ id, component: 'Button', child: label, action });
const order = button('buy', 'label', { event: { name: 'order', context: { room: { path: '/room' } } } });
const column = (...children: string[]) => ({ id: 'root', component: 'Column', children });

/** An agent puts envelopes up, one after the other. */
async function apply(agent: Agent, ...envelopes: object[]): Promise<void> {
  for (const envelope of envelopes) await agent.request('a2ui.apply', { envelope });
}

const list = (page: Page) => page.getByRole('table', { name: 'Surfaces' });
const shown = (page: Page, surfaceId: string) => page.getByRole('region', { name: `Surface ${surfaceId}` });

describeBrowser('the surfaces', () => {
  let daemon: Daemon;
  let agent: Agent;
  let host: Host;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  async function start(id: string): Promise<void> {
    agent = await attach(daemon, id, async () => {});
    host = await connectHost({ url: daemon.url, token: daemon.tokens.daemon });
    own(() => host.close());
  }

  test('there are none › the page says how one comes to be', async () => {
    const { page } = await openConsole({ daemon, place: 'surfaces' });
    await page.getByText('None yet. A surface is there as soon as').waitFor();
  });

  test('an agent puts one up, changes and deletes it › the page shows each, and a button’s action arrives', async () => {
    await start('hotel');
    const { page } = await openConsole({ daemon, place: 'surfaces' });
    const events = (await host.surfaces.subscribe())[Symbol.asyncIterator]();
    await apply(
      agent,
      create('booking'),
      data('booking', '/room', 12),
      components('booking', column('title', 'buy'), text('title', 'A room for tonight'), order, text('label', 'Book')),
    );
    const row = list(page).getByRole('row').filter({ hasText: 'booking' });
    await row.getByText('hotel').waitFor();
    await row.getByRole('cell', { name: '4', exact: true }).waitFor();
    await row.getByRole('link').click();
    const surface = shown(page, 'booking');
    await surface.getByText('A room for tonight').waitFor();
    await surface.getByRole('button', { name: 'Book' }).click();
    for (;;) {
      const { value } = await events.next();
      if (value?.kind !== 'a2ui.action') continue;
      expect(value.result).toMatchObject({
        event: { name: 'order', surfaceId: 'booking', sourceComponentId: 'buy', context: { room: 12 } },
      });
      break;
    }
    await surface
      .getByRole('status', { name: 'Outcome' })
      .filter({ hasText: 'order: told to whoever subscribes; this surface has no A2A agent.' })
      .waitFor();
    await apply(agent, components('booking', text('title', 'A room for tomorrow')));
    await surface.getByText('A room for tomorrow').waitFor();
    await apply(agent, remove('booking'));
    await surface.getByText('This surface is gone.').waitFor();
    await eventually(() => surface.getByText('A room for tomorrow').count()).toBe(0);
    await eventually(() => row.count()).toBe(0);
  });

  test('a surface of an A2A agent, and a button is pressed › the page says what the agent answered, and shows it', async () => {
    await start('nobody');
    const think = () => ({ text: 'One is left', data: [data('a2a', '/left', 'only one')] });
    const a2aAgent = await startA2aAgent({ think });
    own(() => a2aAgent.close());
    const parts = [
      create('a2a'),
      components(
        'a2a',
        column('left', 'buy'),
        { ...text('left', ''), text: { path: '/left' } },
        order,
        text('label', 'Order'),
      ),
    ];
    const payload = { parts: parts.map((part) => ({ data: part })) };
    await host.surfaces.ingest(payload, { owner: { endpoint: a2aAgent.url } });
    const { page } = await openConsole({ daemon, place: 'surfaces/a2a' });
    await list(page)
      .getByText(`A2A ${new URL(a2aAgent.url).host}`)
      .waitFor();
    const surface = shown(page, 'a2a');
    await surface.getByRole('button', { name: 'Order' }).click();
    await surface
      .getByRole('status', { name: 'Outcome' })
      .filter({ hasText: /order: sent to its A2A agent.*Changed: a2a\. It says: One is left$/ })
      .waitFor();
    await surface.getByText('only one').waitFor();
    // Whose process is gone.
    await a2aAgent.close();
    await surface.getByRole('button', { name: 'Order' }).click();
    await surface.getByText('its A2A agent did not take it (unreachable)').waitFor();
  });

  test('what a person types goes with the action, and stays when the agent changes something else', async () => {
    await start('form');
    const field = { id: 'name', component: 'TextField', label: 'Name', value: { path: '/name' } };
    const send = button('send', 'label', { event: { name: 'send', context: { name: { path: '/name' } } } });
    await apply(
      agent,
      create('form'),
      data('form', '/', { name: '', hint: 'first' }),
      components('form', column('name', 'hint', 'send'), field, send, text('label', 'Send'), {
        ...text('hint', ''),
        text: { path: '/hint' },
      }),
    );
    const events = (await host.surfaces.subscribe())[Symbol.asyncIterator]();
    const { page } = await openConsole({ daemon, place: 'surfaces/form' });
    const surface = shown(page, 'form');
    await surface.getByRole('textbox').fill('Ada');
    await apply(agent, data('form', '/hint', 'second'));
    await surface.getByText('second').waitFor();
    expect(await surface.getByRole('textbox').inputValue()).toBe('Ada');
    await events.next();
    await surface.getByRole('button', { name: 'Send' }).click();
    expect((await events.next()).value).toMatchObject({ result: { event: { context: { name: 'Ada' } } } });
  });

  test('text with HTML and Markdown in it › is text; pictures of elsewhere are named, not loaded', async () => {
    await start('hostile');
    const html = '<img src=x onerror="window.broken = true"><script>window.broken = true</script> [a](javascript:1)';
    const image = { id: 'image', component: 'Image', url: 'https://example.invalid/x.png', description: 'A cat' };
    const open = (id: string, url: string) =>
      button(id, `${id}-label`, { functionCall: { call: 'openUrl', args: { url }, returnType: 'void' } });
    await apply(
      agent,
      create('hostile'),
      components(
        'hostile',
        column('html', 'heading', 'image', 'site', 'script'),
        text('html', html),
        { ...text('heading', html), variant: 'h2' },
        image,
        open('site', 'https://example.invalid/page'),
        open('script', 'javascript:window.broken=true'),
        text('site-label', 'Site'),
        text('script-label', 'Script'),
      ),
    );
    const { page } = await openConsole({ daemon, place: 'surfaces/hostile' });
    const surface = shown(page, 'hostile');
    await eventually(() => surface.getByText(html, { exact: true }).count()).toBe(2);
    await surface.getByText('Image: A cat').waitFor();
    await surface.getByRole('button', { name: 'Script' }).click();
    await surface.getByRole('button', { name: 'Site' }).click();
    // The person opens it, or does not.
    const link = surface.getByRole('link', { name: 'https://example.invalid/page' });
    await link.waitFor();
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
    expect(page.context().pages()).toHaveLength(1);
    expect(await surface.locator('img, script').count()).toBe(0);
    expect(await page.evaluate('window.broken')).toBeUndefined();
  });

  test('a surface that contains itself › is not drawn, the page says why, and the others still are', async () => {
    await start('loop');
    await apply(agent, create('loop'), components('loop', column('again'), { ...column('root'), id: 'again' }));
    await apply(agent, create('sane'), components('sane', text('root', 'All is well')));
    const { page } = await openConsole({ daemon, place: 'surfaces/loop' });
    await shown(page, 'loop')
      .getByRole('alert')
      .filter({ hasText: 'cannot be shown: its components contain themselves' })
      .waitFor();
    await list(page).getByRole('link', { name: 'sane' }).click();
    await shown(page, 'sane').getByText('All is well').waitFor();
  });

  test('on a phone › one thing at a time, and nothing is wider than it', async () => {
    await start('narrow');
    await apply(agent, create('narrow'), components('narrow', text('root', 'word'.repeat(200))));
    const { page } = await openConsole({
      daemon,
      place: 'surfaces',
      context: { viewport: { width: 360, height: 740 } },
    });
    const width = async () => Number(await page.evaluate('document.documentElement.scrollWidth'));
    await list(page).getByRole('link', { name: 'narrow' }).waitFor();
    expect(await width()).toBeLessThanOrEqual(360);
    await list(page).getByRole('link', { name: 'narrow' }).click();
    await shown(page, 'narrow').getByText('wordword').waitFor();
    expect(await list(page).isVisible()).toBe(false);
    expect(await width()).toBeLessThanOrEqual(360);
    await page.getByRole('link', { name: 'All surfaces' }).click();
    await list(page).getByRole('link', { name: 'narrow' }).waitFor();
  });
});
