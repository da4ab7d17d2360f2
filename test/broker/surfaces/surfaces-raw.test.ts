import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LinkedClient, startLinked } from '../../support/linked.ts';
import { create, data, idsOf, loadSurfaceSchemas, modelOf } from '../../support/surfaces.ts';

/* `a2ui.ingest` (`wire.md` section 11), as clients of CAR's write it. */

beforeAll(loadSurfaceSchemas);

let host: LinkedClient;
beforeEach(async () => {
  host = await startLinked().host();
});

const part = (envelope: object) => ({ kind: 'data', data: { a2ui: envelope } });
const task = (...envelopes: object[]) => ({
  kind: 'task',
  id: 'task-1',
  contextId: null,
  status: { state: 'working', message: null },
  artifacts: [{ artifactId: 'a', name: null, parts: envelopes.map(part) }],
});

describe('a2ui.ingest › when an envelope is wrapped in {a2ui}', () => {
  test.each<[what: string, payload: object]>([
    ['in the parts of a task', task(create('s'), data('s', '/a', 1))],
    ['at the top', { a2ui: [create('s'), data('s', '/a', 1)] }],
    ['in parts alone', { parts: [part(create('s')), { data: { a2ui: [data('s', '/a', 1)] } }] }],
  ])('%s › then it applies', async (_what, payload) => {
    const { applied } = await host.ok('a2ui.ingest', { payload, owner: null, endpoint: null, routeAuth: null });
    expect(applied).toMatchObject([{ surfaceId: 's', deleted: false }]);
    expect(await modelOf(host, 's')).toEqual({ a: 1 });
  });
});

describe('a2ui.ingest › when its parameters are the payload', () => {
  test.each<[what: string, params: unknown]>([
    ['an envelope', create('s')],
    ['a task', task(create('s'))],
    ['a wrapper', { a2ui: create('s') }],
    ['an array of parts', [part(create('s'))]],
    ['with a payload that is null beside it', { payload: null, parts: [part(create('s'))] }],
  ])('%s › then it applies', async (_what, params) => {
    expect((await host.ok('a2ui.ingest', params)).applied).toMatchObject([{ surfaceId: 's' }]);
    expect(await idsOf(host)).toEqual(['s']);
  });

  test('with options beside it › then they are options, and the credentials are in no surface and no answer', async () => {
    const endpoint = 'http://127.0.0.1:7777/';
    const routeAuth = { type: 'bearer', token: 'a-secret-token' };
    await host.ok('a2ui.ingest', { ...task(create('s')), endpoint, routeAuth, allowUntrustedEndpoint: null });
    const surface = await host.ok('a2ui.get', { surfaceId: 's' });
    expect(surface.owner).toMatchObject({ kind: 'a2a', endpoint });
    expect(JSON.stringify(host.frames.filter(({ method }) => method === undefined))).not.toContain('a-secret-token');
  });

  test.each([[{}], [[]], [{ payload: null }], [{ endpoint: 'http://127.0.0.1:1/' }]])(
    'but there is none in %j › then -32602 names it',
    async (params) => {
      const { error } = await host.call('a2ui.ingest', params);
      expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'payload' }] } });
    },
  );
});

describe('a2ui.apply › when the envelope has null for what it has not', () => {
  test('then that reads as left out; in a data model null means null', async () => {
    const none = { createSurface: null, updateComponents: null, updateDataModel: null, deleteSurface: null };
    const { createSurface } = create('s') as { createSurface: object };
    await host.ok('a2ui.apply', {
      ...create('s'),
      ...none,
      createSurface: { ...createSurface, theme: null, sendDataModel: null },
    });
    await host.ok('a2ui.apply', {
      envelope: { ...data('s', '/', {}), ...none, updateDataModel: { surfaceId: 's', path: null, value: { a: null } } },
    });
    const surface = await host.ok('a2ui.get', { surfaceId: 's', surface_id: null });
    expect(surface).toMatchObject({ sendDataModel: false, dataModel: { a: null } });
    expect(Object.keys(surface)).not.toContain('theme');
    expect((await host.call('a2ui.apply', { version: 'v0.9', ...none })).error.code).toBe(-32602);
  });
});
