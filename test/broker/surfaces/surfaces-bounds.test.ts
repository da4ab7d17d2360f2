import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Linked, type LinkedClient, startLinked } from '../../support/linked.ts';
import { components, create, data, loadSurfaceSchemas, modelOf, text } from '../../support/surfaces.ts';

/* Surfaces (`wire.md` section 11): what is counted of them, and what of a component no renderer could show. */

beforeAll(loadSurfaceSchemas);

let linked: Linked;
let host: LinkedClient;
beforeEach(async () => {
  linked = startLinked();
  host = await linked.host();
});

/** A limiter lets somebody send only so much at once. */
const waitForMore = () => linked.advance(60_000);

describe('a listing › when more is on the surfaces than one answer has room for', () => {
  test('then the first are whole, and of the others what is on them is left out', async () => {
    for (const id of ['a', 'b', 'c']) {
      await host.ok('a2ui.apply', create(id));
      await host.ok('a2ui.apply', data(id, '/a', 'x'.repeat(200_000)));
      await waitForMore();
    }
    const [a, b, c] = await host.ok('a2ui.surfaces');
    for (const whole of [a, b]) {
      const { componentCount, bytes, ...view } = whole;
      expect(componentCount).toBe(0);
      expect(bytes).toBeGreaterThan(200_000);
      expect(await host.ok('a2ui.get', { surfaceId: view.surfaceId })).toEqual(view);
    }
    expect(c).toMatchObject({ surfaceId: 'c', componentCount: 0, revision: expect.any(Number) });
    expect(Object.keys(c)).not.toContain('dataModel');
    expect(Object.keys(c)).not.toContain('components');
  });
});

describe('a surface’s catalog', () => {
  test('is counted among its bytes', async () => {
    await host.ok('a2ui.apply', create('short', { catalogId: 'c' }));
    await host.ok('a2ui.apply', create('long', { catalogId: 'c'.repeat(1_001) }));
    const surfaces = await host.ok('a2ui.surfaces');
    expect(surfaces[1].bytes - surfaces[0].bytes).toBe(1_000);
  });

  test('is as long as may be, on as many surfaces as may be › their listing and an event stay small', async () => {
    await host.ok('server.handshake', { protocol_version: 3 });
    for (let n = 0; n < 256; n += 1) {
      await host.ok('a2ui.apply', create(`s-${n}`, { catalogId: 'u'.repeat(2_048) }));
      if (n % 32 === 31) await waitForMore();
    }
    const watcher = await linked.host();
    await watcher.ok('server.handshake', { protocol_version: 3 });
    await watcher.ok('host.subscribe', {});
    const listing = await watcher.ok('a2ui.surfaces');
    expect(listing).toHaveLength(256);
    expect(JSON.stringify(listing).length).toBeLessThan(1_048_576);
    await host.ok('a2ui.apply', data('s-0', '/a', 1));
    await waitForMore();
    const [event] = watcher.received('host.event');
    expect(event?.params).toMatchObject({ kind: 'a2ui.surface_updated' });
    expect(JSON.stringify(event).length).toBeLessThan(4_096);
    expect(watcher.closed).toBeUndefined();
  });
});

describe('a component › when it is bound to what no renderer resolves', () => {
  const list = (path: string) => ({ id: 'root', component: 'List', children: { componentId: 'a', path } });
  test.each<[string, object, string]>([
    ['a text’s prototype', { ...text('a', ''), text: { path: '/__proto__/x' } }, 'text.path'],
    ['a text’s constructor', { ...text('a', ''), text: { path: '/constructor' } }, 'text.path'],
    ['a relative path', { ...text('a', ''), text: { path: 'x/prototype' } }, 'text.path'],
    ['an escaped path', { ...text('a', ''), text: { path: '/a~1__proto__/__proto__' } }, 'text.path'],
    ['a list', list('/__proto__'), 'children.path'],
    [
      'an argument',
      { ...text('a', ''), text: { call: 'formatString', args: { value: { path: '/constructor' } } } },
      'text.args.value.path',
    ],
    [
      'an action’s context',
      {
        id: 'b',
        component: 'Button',
        child: 'a',
        action: { event: { name: 'go', context: { x: { path: '__proto__' } } } },
      },
      'action.event.context.x.path',
    ],
  ])('%s › then -32602 names the path, and nothing changes', async (_what, component, path) => {
    await host.ok('a2ui.apply', create('s'));
    const { error } = await host.call('a2ui.apply', components('s', text('good', 'Good'), component));
    expect(error.code).toBe(-32602);
    expect(error.data.issues).toEqual([
      { path: `updateComponents.components.1.${path}`, message: 'has a segment that is not allowed' },
    ]);
    expect((await host.ok('a2ui.get', { surfaceId: 's' })).components).toEqual([]);
  });

  test('but only sounds like it › then it is taken', async () => {
    await host.ok('a2ui.apply', create('s'));
    const paths = ['/constructors/0', '/a~1__proto__', '/toString', ''];
    for (const path of paths) await host.ok('a2ui.apply', components('s', { ...text('a', ''), text: { path } }));
    expect(await modelOf(host, 's')).toEqual({});
  });

  test('in very many places › then the answer stays short', async () => {
    await host.ok('a2ui.apply', create('s'));
    const values = Array.from({ length: 900 }, () => ({ path: '/__proto__' }));
    const component = { ...text('a', ''), text: { call: 'and', args: { values } } };
    const { error } = await host.call('a2ui.apply', components('s', component));
    expect(error.data.issues.length).toBeLessThanOrEqual(100);
  });
});
