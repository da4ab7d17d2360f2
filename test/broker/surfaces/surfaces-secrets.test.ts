import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { actionsOf } from '../../../actors/surfaces/client-actions.ts';
import { SURFACES } from '../../../actors/surfaces/surfaces.ts';
import { ACT, a2a, act, bearer, E1, E2, forgetSent, ingest, last, payloadOf, SECRET } from '../../support/a2a.ts';
import { poison, startInternals } from '../../support/internals.ts';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { create, data, idsOf, loadSurfaceSchemas, modelOf, remove, surfaceEvents } from '../../support/surfaces.ts';

/* What surfaces of A2A agents keep to themselves, and the laws of the design as they hold for their owners. */

beforeAll(loadSurfaceSchemas);

let linked: Linked;
let host: LinkedClient;
beforeEach(async () => {
  forgetSent();
  linked = startLinked({ a2a });
  host = await linked.host();
});

describe('credentials › when the surface', () => {
  test.each<[string, object, string | undefined]>([
    ['gets another endpoint', { endpoint: E2 }, undefined],
    [
      'gets another endpoint with its own',
      { endpoint: E2, routeAuth: { type: 'header', name: 'X-Key', value: 'other-key' } },
      undefined,
    ],
    ['gets none', { endpoint: E1, routeAuth: { type: 'none' } }, undefined],
    ['gets another task', { owner: { kind: 'a2a', taskId: 't-2' } }, `Bearer ${SECRET}`],
    ['gets the same endpoint again', { endpoint: E1 }, `Bearer ${SECRET}`],
    ['is changed', {}, `Bearer ${SECRET}`],
  ])('%s › then they go where they belong alone', async (_what, more, authorization) => {
    await ingest(host);
    await host.ok('a2ui.ingest', { payload: data('s', '/', 1), ...more });
    await act(host);
    expect(last().message.headers.authorization).toBe(authorization);
  });

  test('is deleted and made again › then they are gone', async () => {
    await ingest(host);
    await host.ok('a2ui.apply', remove('s'));
    await ingest(host, 's', { endpoint: E1 });
    await act(host);
    expect(last().message.headers).toEqual({});
  });

  test('is deleted and made again in one ingest › then they are gone as well', async () => {
    await ingest(host);
    const other = await linked.host();
    await other.ok('a2ui.ingest', { payload: payloadOf(remove('s'), create('s')) });
    expect((await other.ok('a2ui.surfaces'))[0].owner).toBeUndefined();
    expect((await other.ok('a2ui.action', ACT)).route).toEqual({ status: 'none' });
    await ingest(host);
    await other.ok('a2ui.ingest', { payload: payloadOf(remove('s'), create('s')), endpoint: E1 });
    await act(other);
    expect(last().message.headers).toEqual({});
  });

  test.each<[string, object | undefined]>([
    ['is deleted', undefined],
    ['is deleted and made again without them', { endpoint: E1 }],
    ['gets another endpoint', { endpoint: E2 }],
  ])('%s while an action waits › then what the answer makes has none of them', async (_what, again) => {
    await ingest(host);
    await ingest(host, 'kept', { endpoint: E1 });
    await act(host);
    const answer = last();
    if (again && 'endpoint' in again && again.endpoint === E2) await ingest(host, 's', again);
    else {
      await host.ok('a2ui.apply', remove('s'));
      if (again) await ingest(host, 's', again);
    }
    answer.answer({ payload: payloadOf(create('made')) });
    await settle();
    await act(host, { surfaceId: 'made' });
    expect(last().message.endpoint).toBe(E1);
    expect(last().message.headers).toEqual({});
  });

  test.each<[string, object, unknown]>([
    ['a part of a header', { type: 'header', name: 'Authorization', value: `Bearer ${SECRET}` }, SECRET],
    ['a part of a cookie', { type: 'header', name: 'Cookie', value: `sid="${SECRET}"; lang=en` }, SECRET],
    ['a short one', { type: 'bearer', token: 'abc1234' }, 'abc1234'],
    ['a number', { type: 'bearer', token: '1234567890' }, 1234567890],
    ['a part of a number', { type: 'bearer', token: '1234567890' }, -12345678901],
  ])('is written back by its agent as %s › then nobody is shown it', async (_what, routeAuth, echo) => {
    await ingest(host, 's', { endpoint: E1, routeAuth });
    const id = await act(host);
    const key = `k-${echo}`;
    last().answer({ text: `you sent ${echo}`, payload: payloadOf(data('s', '/', { said: echo, [key]: [echo] })) });
    await settle();
    expect(host.replyTo(id).result.route).toMatchObject({ status: 'sent', applied: ['s'] });
    expect(host.replyTo(id).result.route.text).toMatch(/^you sent -?\[redacted\]\d?$/);
    const { dataModel } = await host.ok('a2ui.get', { surfaceId: 's' });
    expect(dataModel.said).toBe('[redacted]');
    expect(JSON.stringify(host.frames)).not.toContain(String(echo));
  });

  test('is written back as a number that is no longer exact › then nobody is shown what is left of it', async () => {
    await ingest(host, 's', { endpoint: E1, routeAuth: { type: 'bearer', token: '12345678901234567890' } });
    await act(host);
    last().answer({ payload: payloadOf(data('s', '/', { said: 12345678901234567000, other: 5 })) });
    await settle();
    expect(await modelOf(host, 's')).toEqual({ said: '[redacted]', other: 5 });
  });

  test('is a short word › then other words that have it in them stay as they are', async () => {
    await ingest(host, 's', { endpoint: E1, routeAuth: { type: 'bearer', token: 'order' } });
    const id = await act(host);
    last().answer({ text: 'border, order, orders' });
    await settle();
    expect(host.replyTo(id).result.route.text).toBe('border, [redacted], orders');
  });

  test('is parked at the gate › then the preview is without them', async () => {
    linked = startLinked({ a2a, approvals: { methods: ['a2ui.ingest'] } });
    host = await linked.host();
    host.post('a2ui.ingest', {
      payload: create('s'),
      endpoint: E1,
      routeAuth: { type: 'header', name: 'x-k', value: SECRET },
    });
    await settle();
    const { approvals } = await host.ok('host.approvals');
    expect(approvals).toHaveLength(1);
    expect(JSON.stringify(approvals)).not.toContain(SECRET);
    await (await linked.manager()).ok('host.resolve_approval', { approval_id: approvals[0].id, resolution: 'approve' });
    await act(host);
    expect(last().message.headers).toEqual({ 'x-k': SECRET });
  });

  test.each([
    ['an endpoint', { endpoint: `${E1}?k=${SECRET}` }],
    ['an owner’s endpoint', { owner: { kind: 'a2a', endpoint: `${E1}?k=${SECRET}` } }],
    ['no endpoint at all', { endpoint: `http://[?k=${SECRET}` }],
  ])('stands in the query of %s, parked at the gate › then the preview is without it', async (_what, more) => {
    linked = startLinked({ a2a, approvals: { methods: ['a2ui.ingest'] } });
    host = await linked.host();
    await host.ok('server.handshake', { protocol_version: 3 });
    await host.ok('host.subscribe', {});
    host.post('a2ui.ingest', { payload: create('s'), ...more });
    await settle();
    const { approvals } = await host.ok('host.approvals');
    expect(approvals[0].details.params_preview).toContain('http://');
    expect(JSON.stringify(host.frames)).not.toContain(SECRET);
  });

  test('is inspected › then no event, no snapshot and no log has them', async () => {
    const lines: unknown[] = [];
    const write = (...args: unknown[]) => void lines.push(args);
    const log = { trace: write, debug: write, info: write, warn: write, error: write, fatal: write };
    const internals = startInternals({ log, a2a });
    const feed: string[] = [];
    const seen = new Set<string>();
    const stop = internals.inspect((event) => {
      if (event.type !== '@xstate.event') return;
      seen.add(event.event.type);
      feed.push(JSON.stringify(event.event, (key, value) => (['from', 'link'].includes(key) ? undefined : value)));
      const { owner } = (event.actorRef.getSnapshot() as Message)?.context ?? {};
      if (owner)
        feed.push(JSON.stringify(owner, (key, value) => (['ref', 'client'].includes(key) ? undefined : value)));
    });
    const client = await internals.host();
    await ingest(client);
    client.notify('a2ui.ingest', { payload: create('t'), endpoint: E1, routeAuth: bearer });
    await act(client);
    last().fail(new Error(SECRET));
    await settle();
    stop();
    expect([...seen]).toEqual(expect.arrayContaining(['owner.changed', 'owner.send', 'owner.settled']));
    expect(feed.join('\n')).toContain('"routeAuth":{}');
    expect(feed.join('\n')).not.toContain(SECRET);
    expect(JSON.stringify(lines)).toContain('A2A failed');
    expect(JSON.stringify(lines, (_key, value) => (value instanceof Error ? value.message : value))).not.toContain(
      SECRET,
    );
    expect(await idsOf(client)).toEqual(['s', 't']);
  });
});

describe('the laws', () => {
  test('3 › when surfaces have come and gone in every way › then nothing is left of them', async () => {
    const internals = startInternals({ a2a });
    const client = await internals.host();
    const { state } = internals;
    const rest = () => ({
      owners: state.get(SURFACES).ownerCount,
      surfaces: state.get(SURFACES).size,
      deadlines: state.deadlines.size,
      actions: [...state.clients.values()].map((one) => actionsOf(one).pending),
      children: [...internals.state.children].length,
    });
    const before = rest();
    for (let n = 0; n < 200; n += 1) {
      await ingest(client, `s-${n}`, { endpoint: `http://127.0.0.1:${7000 + n}/` });
      await act(client, { surfaceId: `s-${n}` });
      if (n % 3 === 0) await internals.advance(10_100);
      else if (n % 3 === 1) last().answer({});
      else last().fail(new Error('no'));
      await settle();
      if (n % 2 === 0) await client.ok('a2ui.apply', remove(`s-${n}`));
    }
    await internals.advance(3_700_000);
    expect(rest()).toEqual(before);
  });

  test('10 › when an owner breaks › then its surfaces go, who waits is told, and no other notices', async () => {
    const internals = startInternals({ a2a });
    const client = await internals.host();
    await client.ok('a2ui/subscribe');
    await ingest(client);
    await ingest(client, 'other', { endpoint: E2 });
    const id = await act(client);
    const owner = internals.state.get(SURFACES).ownerOf('s');
    poison(owner as NonNullable<typeof owner>, 'of');
    last().answer({ payload: { parts: [{ data: data('s', '/a', 1) }] } });
    await settle();
    expect(client.replyTo(id).result.route).toMatchObject({ status: 'failed', reason: 'internal' });
    expect(surfaceEvents(client).at(-1)).toMatchObject({ kind: 'a2ui.surface_deleted', result: { surfaceId: 's' } });
    expect(await idsOf(client)).toEqual(['other']);
    expect(internals.state.get(SURFACES).ownerCount).toBe(1);
    await ingest(client);
    expect(await idsOf(client)).toEqual(['other', 's']);
    expect(internals.root.getSnapshot().value).toBe('accepting');
  });
});
