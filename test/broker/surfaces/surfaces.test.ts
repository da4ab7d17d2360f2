import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { toEnvelopes } from '../../../protocol/surface-envelopes.ts';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import {
  components,
  create,
  data,
  idsOf,
  loadSurfaceSchemas,
  modelOf,
  remove,
  surfaceEvents,
  text,
} from '../../support/surfaces.ts';

/* Surfaces (`wire.md` section 11): what envelopes make of them, who may do what, and who hears of it. */

beforeAll(loadSurfaceSchemas);

let linked: Linked;
let host: LinkedClient;
beforeEach(async () => {
  linked = startLinked();
  host = await linked.host();
});
const apply = (envelope: object) => host.call('a2ui.apply', envelope);

describe('a2ui.apply › when an envelope fits', () => {
  test('and creates a surface › then it is there, and everybody sees it', async () => {
    const result = await host.ok('a2ui.apply', create('s', { theme: { primary: 'red' }, sendDataModel: true }));
    expect(result).toMatchObject({ surfaceId: 's', deleted: false });
    expect(result.surface).toMatchObject({ components: [], dataModel: {}, sendDataModel: true, agentId: null });
    const ada = await linked.agent('ada');
    expect(await ada.ok('a2ui.get', { surface_id: 's' })).toEqual(result.surface);
    expect(await ada.ok('a2ui.surfaces')).toMatchObject([{ ...result.surface, componentCount: 0 }]);
  });

  test('and stands in {envelope} › then it is the same', async () => {
    expect(await host.ok('a2ui.apply', { envelope: create('s') })).toMatchObject({ surfaceId: 's', deleted: false });
  });

  test('and updates components › then each replaces the one of its id, and a subscriber hears of it whole', async () => {
    await host.ok('a2ui.apply', create('s'));
    const watcher = await linked.host();
    expect(await watcher.ok('a2ui/subscribe')).toEqual({ subscribed: true });
    await host.ok('a2ui.apply', components('s', text('root', 'one'), text('b', 'two')));
    const { surface } = await host.ok('a2ui.apply', components('s', text('root', 'three')));
    expect(surface.components).toEqual([text('root', 'three'), text('b', 'two')]);
    expect(surfaceEvents(watcher).at(-1)).toEqual({
      kind: 'a2ui.surface_updated',
      result: { surfaceId: 's', deleted: false, surface },
    });
    expect(surfaceEvents(host)).toEqual([]);
  });

  test('and deletes › then it is gone, and said so; what is not there is no error', async () => {
    await host.ok('a2ui.apply', create('s'));
    await host.ok('a2ui/subscribe');
    expect(await host.ok('a2ui.apply', remove('s'))).toEqual({ surfaceId: 's', deleted: true });
    expect(await host.ok('a2ui.apply', remove('s'))).toEqual({ surfaceId: 's', deleted: false });
    expect(surfaceEvents(host)).toEqual([{ kind: 'a2ui.surface_deleted', result: { surfaceId: 's', deleted: true } }]);
    expect(await idsOf(host)).toEqual([]);
    expect(await host.ok('a2ui.get', { surfaceId: 's' })).toBeNull();
    expect(await host.ok('a2ui/replay', { surfaceId: 's' })).toBeNull();
  });

  test('and a surface is created again › then it is a new one, with a larger revision', async () => {
    await host.ok('a2ui.apply', create('s'));
    const before = await host.ok('a2ui.apply', components('s', text('root', 'one')));
    const after = await host.ok('a2ui.apply', create('s'));
    expect(after.surface.components).toEqual([]);
    expect(after.surface.revision).toBeGreaterThan(before.surface.revision);
  });

  test('then host.event tells of it, without what is on it', async () => {
    await host.ok('server.handshake', { protocol_version: 3 });
    await host.ok('host.subscribe');
    await host.ok('a2ui.apply', create('s'));
    await host.ok('a2ui.apply', data('s', '/a', 'private'));
    await host.ok('a2ui.apply', remove('s'));
    const events = host.received('host.event').map(({ params }) => params);
    expect(events.map(({ kind }: Message) => kind)).toEqual([
      'a2ui.surface_updated',
      'a2ui.surface_updated',
      'a2ui.surface_deleted',
    ]);
    expect(events[0].payload).toMatchObject({ surfaceId: 's', deleted: false, surface: { components: 0 } });
    expect(JSON.stringify(events)).not.toContain('private');
    expect((await host.call('host.notify', { kind: 'a2ui.action' })).error.code).toBe(-32602);
  });
});

describe('updateDataModel', () => {
  beforeEach(async () => {
    await host.ok('a2ui.apply', create('s'));
  });

  test.each<[string, [string | undefined, unknown?][], unknown]>([
    ['the whole', [[undefined, { a: 1 }]], { a: 1 }],
    ['the whole by a slash', [['/', { a: 1 }]], { a: 1 }],
    ['nothing, and so removes it all', [['/', { a: 1 }], ['/']], {}],
    ['what is missing on the way', [['/a/b', 1]], { a: { b: 1 } }],
    [
      'an array where a number follows',
      [
        ['/a/0/x', 1],
        ['/a/1', 2],
      ],
      { a: [{ x: 1 }, 2] },
    ],
    ['an item a little beyond the end', [['/a/2', 1]], { a: [null, null, 1] }],
    ['escaped names', [['/a~1b/~0c', 1]], { 'a/b': { '~c': 1 } }],
    ['no value, and so removes a key', [['/a', { b: 1, c: 2 }], ['/a/b']], { a: { c: 2 } }],
    ['no value in an array', [['/a', [1, 2]], ['/a/0']], { a: [null, 2] }],
  ])('sets %s', async (_what, steps, model) => {
    for (const [path, value] of steps) await host.ok('a2ui.apply', data('s', path, value));
    expect(await modelOf(host, 's')).toEqual(model);
  });

  test.each([
    ['through a string', '/text/a'],
    ['by a name into an array', '/list/a'],
    ['far beyond an array', '/list/4000000000'],
    ['by __proto__', '/__proto__/polluted'],
    ['by constructor', '/a/constructor/prototype/polluted'],
    ['too deep', '/a'.repeat(65)],
  ])('that leads %s is refused and changes nothing', async (_what, path) => {
    await host.ok('a2ui.apply', data('s', '/', { text: 'x', list: [1] }));
    const { error } = await apply(data('s', path, 1));
    expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'updateDataModel.path' }] } });
    expect(await modelOf(host, 's')).toEqual({ text: 'x', list: [1] });
    expect(({} as Message).polluted).toBeUndefined();
  });

  test('with a value that has the key __proto__ › then it is a key like any other', async () => {
    await host.ok('a2ui.apply', JSON.parse(JSON.stringify(data('s', '/a', 0)).replace('0}', '{"__proto__":{"p":1}}}')));
    await host.ok('a2ui.apply', data('s', '/a/b', 2));
    host.frames.length = 0;
    const model = JSON.stringify(await modelOf(host, 's'));
    expect(model).toBe('{"a":{"__proto__":{"p":1},"b":2}}');
    expect(({} as Message).p).toBeUndefined();
  });
});

describe('a2ui.apply › when an envelope does not fit', () => {
  const button = { id: 'b', component: 'Button', child: 't', action: { event: { name: 'go' } } };
  test.each<[string, object, string]>([
    ['no kind', { version: 'v0.9' }, ''],
    ['two kinds', { ...create('x'), ...remove('x') }, ''],
    ['no version', { createSurface: { surfaceId: 'x', catalogId: 'c' } }, 'version'],
    ['another version', { ...create('x'), version: 'v0.8' }, 'version'],
    ['a field too many', { ...create('x'), more: 1 }, ''],
    ['no id', create(''), 'createSurface.surfaceId'],
    ['a long id', create('x'.repeat(257)), 'createSurface.surfaceId'],
    ['a long catalog', create('x', { catalogId: 'x'.repeat(2_049) }), 'createSurface.catalogId'],
    ['no components', components('s'), 'updateComponents.components'],
    [
      'a component without an id',
      components('s', { component: 'Text', text: 'a' }),
      'updateComponents.components.0.id',
    ],
    ['an unknown one', components('s', { id: 'a', component: 'Blink' }), 'updateComponents.components.0.component'],
    ['a wrong property', components('s', button, { ...text('a', ''), text: 5 }), 'updateComponents.components.1.text'],
    ['an odd wrapper', { envelope: 5 }, 'envelope'],
  ])('for it has %s › then -32602 names it, nothing changes, and nobody hears of it', async (_what, envelope, path) => {
    const { surface } = await host.ok('a2ui.apply', create('s'));
    await host.ok('a2ui/subscribe');
    const { error } = await apply(envelope);
    expect(error.code).toBe(-32602);
    expect(error.data.issues[0].path).toBe(path);
    expect(await host.ok('a2ui.get', { surfaceId: 's' })).toEqual(surface);
    expect(await idsOf(host)).toEqual(['s']);
    expect(surfaceEvents(host)).toEqual([]);
  });

  test('in very many places › then the answer stays short', async () => {
    await host.ok('a2ui.apply', create('s'));
    const { error } = await apply(components('s', ...Array.from({ length: 900 }, (_, n) => text(`c${n}`, 5 as never))));
    expect(error.data.issues).toHaveLength(20);
  });

  test('for there is no such surface › then -32014', async () => {
    expect((await apply(data('nowhere', '/', 1))).error.code).toBe(-32014);
  });

  test('but its catalog is another one › then its components are its own affair', async () => {
    await host.ok('a2ui.apply', create('s', { catalogId: 'https://example.org/mine.json' }));
    const odd = { id: 'root', component: 'Blink', speed: 9 };
    expect((await host.ok('a2ui.apply', components('s', odd))).surface.components).toEqual([odd]);
  });
});

describe('a surface › when somebody else', () => {
  test('is an agent › then it may not change a client’s, nor another agent’s; anybody may look and act', async () => {
    const [ada, bob] = [await linked.agent('ada'), await linked.agent('bob')];
    await ada.ok('a2ui.apply', create('of-ada'));
    await host.ok('a2ui.apply', create('of-clients'));
    for (const [client, id] of [
      [bob, 'of-ada'],
      [host, 'of-ada'],
      [ada, 'of-clients'],
    ] as const) {
      for (const envelope of [create(id), data(id, '/', 1), remove(id)]) {
        expect((await client.call('a2ui.apply', envelope)).error.code).toBe(-32015);
      }
      const payload = { parts: [{ data: data(id, '/', 1) }] };
      expect((await client.call('a2ui.ingest', { payload })).error.code).toBe(-32015);
      expect((await client.ok('a2ui.get', { surfaceId: id })).dataModel).toEqual({});
      const act = { name: 'go', surfaceId: id, sourceComponentId: 'b' };
      expect((await client.ok('a2ui.action', act)).route).toEqual({ status: 'none' });
    }
  });

  test('is another client, or the host role, or the same agent again › then it may', async () => {
    const ada = await linked.agent('ada');
    await ada.ok('a2ui.apply', create('of-ada'));
    await host.ok('a2ui.apply', create('of-clients'));
    host.close();
    ada.close();
    await settle();
    await (await linked.host()).ok('a2ui.apply', data('of-clients', '/', 1));
    await (await linked.agent('ada')).ok('a2ui.apply', data('of-ada', '/', 1));
    const manager = await linked.manager();
    expect((await manager.ok('a2ui.apply', data('of-ada', '/', 2))).surface).toMatchObject({ agentId: 'ada' });
    expect((await manager.ok('a2ui.apply', create('of-ada'))).surface).toMatchObject({ agentId: 'ada' });
  });
});

describe('a2ui/subscribe', () => {
  test('when it is taken back, or the subscriber goes › then nothing more is sent', async () => {
    await host.ok('a2ui/subscribe');
    expect(await host.ok('a2ui/unsubscribe')).toEqual({ subscribed: false });
    expect(await host.ok('a2ui/unsubscribe')).toEqual({ subscribed: false });
    const other = await linked.host();
    await other.ok('a2ui/subscribe');
    other.close();
    await settle();
    await host.ok('a2ui.apply', create('s'));
    expect(surfaceEvents(host)).toEqual([]);
  });
});

describe('a2ui.action › when nobody out there owns the surface', () => {
  test('then subscribers hear of it, and whoever acted is told that it went no further', async () => {
    const ada = await linked.agent('ada');
    await ada.ok('a2ui.apply', create('s'));
    await ada.ok('a2ui/subscribe');
    const act = { surfaceId: 's', sourceComponentId: 'b', timestamp: '2026-01-01T00:00:00Z', context: { name: 'Ann' } };
    const { event, route } = await host.ok('a2ui.action', { action: 'go', ...act });
    expect(event).toEqual({ name: 'go', ...act });
    expect(route).toEqual({ status: 'none' });
    expect(surfaceEvents(ada)).toEqual([{ kind: 'a2ui.action', result: { event } }]);
    const events = (await host.ok('host.events', {})).events;
    expect(events.at(-1)).toMatchObject({ kind: 'a2ui.action', agent_id: 'ada', payload: { event } });
  });

  test.each([
    ['it has no name', { surfaceId: 's', sourceComponentId: 'b' }, -32602],
    ['its time is none', { name: 'a', surfaceId: 's', sourceComponentId: 'b', timestamp: 'now' }, -32602],
    ['there is no such surface', { name: 'a', surfaceId: 'x', sourceComponentId: 'b' }, -32014],
    ['it is large', { name: 'a', surfaceId: 's', sourceComponentId: 'b', context: { a: 'x'.repeat(65_536) } }, -32020],
  ])('but %s › then it is refused, and nobody hears of it', async (_what, params, code) => {
    await host.ok('a2ui.apply', create('s'));
    await host.ok('a2ui/subscribe');
    expect((await host.call('a2ui.action', params)).error.code).toBe(code);
    expect(surfaceEvents(host)).toEqual([]);
  });
});

describe('a2ui/replay › when a surface is made from its envelopes', () => {
  test.each([true, false])('(with components: %s) › then it is the same', async (full) => {
    await host.ok('a2ui.apply', create('s', { theme: { a: 1 } }));
    if (full) await host.ok('a2ui.apply', components('s', text('root', 'one')));
    const { surface } = await host.ok('a2ui.apply', data('s', '/a/b', [1, { c: null }]));
    const replayed = await host.ok('a2ui/replay', { surfaceId: 's' });
    expect(replayed).toEqual(surface);
    const envelopes = toEnvelopes(replayed);
    const other = startLinked();
    const copy = await other.host();
    for (const envelope of envelopes) await copy.ok('a2ui.apply', envelope);
    const { theme, components: parts, dataModel } = await copy.ok('a2ui.get', { surfaceId: 's' });
    expect({ theme, parts, dataModel }).toEqual({
      theme: surface.theme,
      parts: surface.components,
      dataModel: surface.dataModel,
    });
  });
});

test('a2ui.capabilities › tells the version, the catalog with its components, and the limits', async () => {
  expect(await host.ok('a2ui.capabilities')).toMatchObject({
    version: 'v0.9',
    mimeType: 'application/json+a2ui',
    catalogs: ['https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json'],
    components: expect.arrayContaining(['Text', 'Button']),
    limits: { surfaces: 256, components: 1_000, bytes: 262_144 },
  });
});

describe('limits', () => {
  const limitOf = (reply: Message) => reply.error?.data?.limit;

  test('of surfaces › one more is refused, one that is there can be made again', async () => {
    linked = startLinked({ limits: { maxSurfaces: 2 } });
    host = await linked.host();
    for (const id of ['a', 'b', 'a']) await host.ok('a2ui.apply', create(id));
    expect(limitOf(await apply(create('c')))).toEqual({ name: 'max_surfaces', value: 2 });
    const payload = [{ data: remove('a') }, { data: create('c') }];
    await host.ok('a2ui.ingest', { payload });
    expect(await idsOf(host)).toEqual(['b', 'c']);
    expect(await readMetric(linked.broker, 'surfaces')).toEqual({ '': 2 });
  });

  test('of components and bytes › what goes beyond changes nothing', async () => {
    await host.ok('a2ui.apply', create('s'));
    const many = Array.from({ length: 1_000 }, (_, n) => text(`c${n}`, ''));
    await host.ok('a2ui.apply', components('s', ...many));
    expect(limitOf(await apply(components('s', text('more', ''))))).toMatchObject({ name: 'max_surface_components' });
    expect(limitOf(await apply(data('s', '/', 'x'.repeat(262_144))))).toMatchObject({ name: 'max_surface_bytes' });
    await host.ok('a2ui.apply', data('s', '/a', 'x'.repeat(150_000)));
    expect(limitOf(await apply(data('s', '/b', 'x'.repeat(100_000))))).toMatchObject({ name: 'max_surface_bytes' });
    expect(Object.keys((await modelOf(host, 's')) as object)).toEqual(['a']);
  });

  test('of time › a surface that nobody touches for an hour is reaped, and said to be', async () => {
    await host.ok('a2ui.apply', create('old'));
    await host.ok('a2ui.apply', create('acted-on'));
    await host.ok('a2ui/subscribe');
    await linked.advance(3_500_000);
    await host.ok('a2ui.action', { name: 'go', surfaceId: 'acted-on', sourceComponentId: 'b' });
    await host.ok('a2ui.get', { surfaceId: 'old' });
    expect(await host.ok('a2ui.reap')).toEqual({ removed: [] });
    await linked.advance(110_000);
    expect(await idsOf(host)).toEqual(['acted-on']);
    expect(surfaceEvents(host).at(-1)).toEqual({
      kind: 'a2ui.surface_deleted',
      result: { surfaceId: 'old', deleted: true },
    });
  });

  test('of time › a2ui.reap need not wait for the sweep', async () => {
    linked = startLinked({ limits: { surfaceIdleMs: 1_000 } });
    host = await linked.host();
    await host.ok('a2ui.apply', create('s'));
    await linked.advance(1_001);
    expect(await host.ok('a2ui.reap')).toEqual({ removed: ['s'] });
    expect(await host.ok('a2ui.reap')).toEqual({ removed: [] });
  });
});
