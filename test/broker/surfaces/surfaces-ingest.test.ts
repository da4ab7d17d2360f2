import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { a2a, act, bearer, E1, E2, forgetSent, ingest, last, payloadOf, SECRET } from '../../support/a2a.ts';
import { type Linked, type LinkedClient, type Message, startLinked } from '../../support/linked.ts';
import { create, data, idsOf, loadSurfaceSchemas, remove, surfaceEvents } from '../../support/surfaces.ts';

/* `a2ui.ingest` (`wire.md` section 11): what is found, all or none, and which endpoints may be named. */

beforeAll(loadSurfaceSchemas);

let linked: Linked;
let host: LinkedClient;
beforeEach(async () => {
  forgetSent();
  linked = startLinked({ a2a });
  host = await linked.host();
});

describe('a2ui.ingest › when there are envelopes', () => {
  const parts = (...envelopes: object[]) => envelopes.map((data) => ({ data }));
  test.each<[string, unknown]>([
    [
      'an answer of A2A 0.3',
      {
        jsonrpc: '2.0',
        id: 1,
        result: { kind: 'task', artifacts: [{ parts: [{ kind: 'data', data: create('s') }] }] },
      },
    ],
    ['an answer of A2A 1.0', { result: { task: { status: { message: { parts: parts(create('s')) } } } } }],
    ['a message', { messageId: 'm', parts: parts(create('s')) }],
    ['an artifact update', { artifactUpdate: { artifact: { parts: parts(create('s')) } } }],
    ['a status update', { kind: 'status-update', status: { message: { parts: parts(create('s')) } } }],
    ['a data part', { kind: 'data', data: create('s'), metadata: { mimeType: 'application/json+a2ui' } }],
    ['a part of the SDK’s', { content: { $case: 'data', value: create('s') } }],
    ['a part with a list', { data: [create('s'), data('s', '/', 1)] }],
    ['a list of envelopes', [create('s')]],
    ['an envelope', create('s')],
  ])('in %s › then they are found', async (_what, payload) => {
    const { applied } = await host.ok('a2ui.ingest', { payload });
    expect(applied).toMatchObject([{ surfaceId: 's', deleted: false, surface: { surfaceId: 's' } }]);
  });

  test('in the history, or none at all › then nothing is applied', async () => {
    const payload = {
      history: [{ parts: parts(create('s')) }],
      artifacts: [{ parts: [{ text: 'hi' }, { data: { a: 1 } }] }],
    };
    expect(await host.ok('a2ui.ingest', { payload })).toEqual({ applied: [] });
  });

  test('and one does not fit › then none of them changes anything, and the error says which', async () => {
    await host.ok('a2ui.apply', create('old'));
    await host.ok('a2ui/subscribe');
    const bad = { ...create('x'), version: '1' };
    const { error } = await host.call('a2ui.ingest', { payload: payloadOf(create('new'), remove('old'), bad) });
    expect(error).toMatchObject({
      code: -32602,
      data: { issues: [{ path: 'payload.artifacts.0.parts.2.data.version' }] },
    });
    expect(await idsOf(host)).toEqual(['old']);
    expect(surfaceEvents(host)).toEqual([]);
  });

  test('for one surface several times › then one event tells what became of it', async () => {
    await host.ok('a2ui/subscribe');
    const { applied } = await host.ok('a2ui.ingest', {
      payload: payloadOf(create('s'), data('s', '/a', 1), data('s', '/b', 2), create('t')),
    });
    expect(applied.map(({ surfaceId }: Message) => surfaceId)).toEqual(['s', 't']);
    expect(surfaceEvents(host).map(({ result }) => result)).toEqual(applied);
    expect(applied[0].surface.dataModel).toEqual({ a: 1, b: 2 });
  });

  test.each([
    ['too many', payloadOf(...Array.from({ length: 257 }, () => create('s'))), 'max_envelopes'],
    ['too much', { parts: [{ text: 'x'.repeat(1_048_576) }] }, 'max_ingest_bytes'],
  ])('%s of them › then -32020', async (_what, payload, name) => {
    expect((await host.call('a2ui.ingest', { payload })).error).toMatchObject({
      code: -32020,
      data: { limit: { name } },
    });
  });
});

describe('a2ui.ingest › when it names an endpoint', () => {
  const call = (more: object) => host.call('a2ui.ingest', { payload: create('s'), ...more });

  test.each([
    'http://example.org/a2a',
    'https://10.0.0.1/',
    'http://localhost.example.org/',
    'http://127.0.0.1.example.org/',
    'http://0.0.0.0/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost./',
  ])('off loopback, %s › then it has to be allowed', async (endpoint) => {
    const { error } = await call({ endpoint });
    expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'allowUntrustedEndpoint' }] } });
    expect((await call({ endpoint, allowUntrustedEndpoint: true })).result.applied).toHaveLength(1);
  });

  test.each(['http://localhost:1/a', 'http://127.9.9.9/', 'http://2130706433/', 'https://[::1]:8/'])(
    'on loopback, %s › then it need not',
    async (endpoint) => {
      expect((await call({ owner: { kind: 'a2a', endpoint } })).result.applied).toHaveLength(1);
    },
  );

  test.each<[string, object, string]>([
    ['is no URL', { endpoint: 'nowhere' }, 'endpoint'],
    ['is a file', { endpoint: 'file:///etc/passwd' }, 'endpoint'],
    ['has a password', { endpoint: 'http://u:p@127.0.0.1/' }, 'endpoint'],
    ['is said twice', { endpoint: E1, owner: { endpoint: E2 } }, 'endpoint'],
    ['is missing', { routeAuth: bearer }, 'routeAuth'],
    [
      'has a token with a line in it',
      { endpoint: E1, routeAuth: { type: 'bearer', token: `${SECRET}\r\nx: y` } },
      'routeAuth.token',
    ],
    [
      'has a header with a line in it',
      { endpoint: E1, routeAuth: { type: 'header', name: 'x', value: `${SECRET}\n` } },
      'routeAuth.value',
    ],
    [
      'has a name that is not sent',
      { endpoint: E1, routeAuth: { type: 'header', name: '__proto__', value: SECRET } },
      'routeAuth.name',
    ],
    ['sets Range', { endpoint: E1, routeAuth: { type: 'header', name: 'Range', value: SECRET } }, 'routeAuth.name'],
    [
      'sets User-Agent',
      { endpoint: E1, routeAuth: { type: 'header', name: 'user-agent', value: SECRET } },
      'routeAuth.name',
    ],
    ['sets Host', { endpoint: E1, routeAuth: { type: 'header', name: 'Host', value: SECRET } }, 'routeAuth.name'],
    [
      'sets Content-Length',
      { endpoint: E1, routeAuth: { type: 'header', name: 'content-length', value: SECRET } },
      'routeAuth.name',
    ],
    [
      'sets Connection',
      { endpoint: E1, routeAuth: { type: 'header', name: 'Connection', value: SECRET } },
      'routeAuth.name',
    ],
    ['has odd credentials', { endpoint: E1, routeAuth: { type: 'basic', password: SECRET } }, 'routeAuth.type'],
  ])('that %s › then -32602 says so, without the secret', async (_what, more, path) => {
    const reply = await call(more);
    expect(reply.error.code).toBe(-32602);
    expect(reply.error.data.issues[0].path).toBe(path);
    expect(JSON.stringify(reply)).not.toContain(SECRET);
    expect(await idsOf(host)).toEqual([]);
  });

  test('with a query › then the listing is without it, and the request with it', async () => {
    await ingest(host, 's', { endpoint: `${E1}?key=${SECRET}` });
    const surfaces = await host.ok('a2ui.surfaces');
    expect(surfaces[0].owner).toEqual({ kind: 'a2a', taskId: 't-1', contextId: 'c-1', endpoint: E1 });
    await act(host);
    expect(last().message.endpoint).toBe(`${E1}?key=${SECRET}`);
  });
});
