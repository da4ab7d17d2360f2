import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SURFACES } from '../../../actors/surfaces/surfaces.ts';
import { type A2aAnswer, A2aError } from '../../../broker.ts';
import { ACT, a2a, act, E1, E2, forgetSent, ingest, last, payloadOf, SECRET, sent } from '../../support/a2a.ts';
import { startInternals } from '../../support/internals.ts';
import { type Linked, type LinkedClient, settle, startLinked } from '../../support/linked.ts';
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
} from '../../support/surfaces.ts';

/* Actions on surfaces of A2A agents (`wire.md` section 11). */

beforeAll(loadSurfaceSchemas);

let linked: Linked;
let host: LinkedClient;
beforeEach(async () => {
  forgetSent();
  linked = startLinked({ a2a });
  host = await linked.host();
});

const refuse = () => {
  throw new Error('not to be looked at');
};
const routeOf = (id: number) => host.replyTo(id)?.result?.route;

describe('a2ui.action › on a surface of an A2A agent', () => {
  test('then it is sent with the task’s ids, and the answer says what came of it, to whoever acted alone', async () => {
    const watcher = await linked.host();
    await watcher.ok('a2ui/subscribe');
    await ingest(host);
    const id = await act(host);
    expect(last().message).toMatchObject({
      endpoint: E1,
      headers: { authorization: `Bearer ${SECRET}` },
      taskId: 't-1',
      contextId: 'c-1',
      action: ACT,
    });
    expect(host.replyTo(id)).toBeUndefined();
    last().answer({ taskId: 't-1', contextId: 'c-1', state: 'TASK_STATE_COMPLETED', text: 'thanks' });
    await settle();
    expect(host.replyTo(id).result).toEqual({
      event: ACT,
      route: {
        status: 'sent',
        protocol: '1.0',
        taskId: 't-1',
        contextId: 'c-1',
        state: 'TASK_STATE_COMPLETED',
        text: 'thanks',
        applied: [],
      },
    });
    expect(JSON.stringify(watcher.frames)).not.toContain('thanks');
    expect(await readMetric(linked.broker, 'surface_actions_total')).toEqual({ sent: 1 });
  });

  test('and the answer has envelopes › then they are applied before it is told, all or none', async () => {
    await ingest(host);
    await host.ok('a2ui/subscribe');
    const first = await act(host);
    last().answer({ payload: { parts: [{ data: [data('s', '/sum', 3), create('more')] }] } });
    await settle();
    expect(routeOf(first)).toMatchObject({ status: 'sent', applied: ['s', 'more'] });
    expect(await modelOf(host, 's')).toEqual({ sum: 3 });
    expect(surfaceEvents(host).map(({ kind }) => kind)).toEqual([
      'a2ui.action',
      'a2ui.surface_updated',
      'a2ui.surface_updated',
    ]);
    // What the agent has made is the agent's too.
    await act(host, { surfaceId: 'more' });
    expect(last().message).toMatchObject({ endpoint: E1, headers: { authorization: `Bearer ${SECRET}` } });
    last().answer({ payload: { parts: [{ data: [data('s', '/sum', 4), components('s', { id: 'x' })] }] } });
    await settle();
    expect(host.frames.find(({ result }) => result?.route?.reason === 'envelopes')).toBeDefined();
    expect(await modelOf(host, 's')).toEqual({ sum: 3 });
  });

  test('and the answer would change somebody else’s surface › then it changes nothing', async () => {
    await ingest(host);
    await ingest(host, 'other', { endpoint: E2 });
    await host.ok('a2ui.apply', create('local'));
    await (await linked.agent('ada')).ok('a2ui.apply', create('of-ada'));
    for (const other of ['other', 'local', 'of-ada']) {
      const id = await act(host);
      last().answer({ payload: { parts: [{ data: [data('s', '/a', 1), remove(other)] }] } });
      await settle();
      expect(routeOf(id)).toMatchObject({ status: 'sent', applied: [], reason: 'envelopes' });
    }
    expect(await idsOf(host)).toEqual(['s', 'other', 'local', 'of-ada']);
    expect(await modelOf(host, 's')).toEqual({});
  });

  test('and the answer deletes its last surface › then that is said, and no actor is left', async () => {
    const internals = startInternals({ a2a });
    const client = await internals.host();
    await client.ok('a2ui/subscribe');
    await ingest(client);
    const id = await act(client);
    last().answer({ payload: { parts: [{ data: remove('s') }] } });
    await settle();
    expect(client.replyTo(id).result.route).toMatchObject({ status: 'sent', applied: ['s'] });
    expect(surfaceEvents(client).at(-1)).toMatchObject({ kind: 'a2ui.surface_deleted' });
    expect(internals.state.get(SURFACES).ownerCount).toBe(0);
  });

  test.each([
    [
      'says why',
      new A2aError('http', `HTTP 503 for ${SECRET}`),
      { reason: 'http', message: 'HTTP 503 for [redacted]' },
    ],
    ['does not', new Error(`oops ${SECRET}`), { reason: 'internal', message: 'internal error' }],
  ])(
    'and the client fails, and %s › then the route says that it failed, without the secret',
    async (_what, error, route) => {
      await ingest(host);
      const id = await act(host);
      last().fail(error);
      await settle();
      expect(routeOf(id)).toEqual({ status: 'failed', ...route });
      expect(await idsOf(host)).toEqual(['s']);
    },
  );

  test('and the agent writes its credentials back › then nobody is shown them', async () => {
    await ingest(host);
    await host.ok('a2ui/subscribe');
    const id = await act(host);
    last().answer({
      text: `your token is ${SECRET}`,
      payload: { parts: [{ data: data('s', `/${SECRET}`, [`=${SECRET}=`]) }] },
    });
    await settle();
    expect(routeOf(id)).toMatchObject({ text: 'your token is [redacted]', applied: ['s'] });
    expect(JSON.stringify([host.frames, await host.ok('a2ui.get', { surfaceId: 's' })])).not.toContain(SECRET);
  });

  test.each([
    ['nothing', undefined],
    ['another generation', { protocol: '2.0' }],
    ['no text', { text: 5 }],
  ])('and the client gives %s for an answer › then that fails, and harms no surface', async (_what, answer) => {
    await ingest(host);
    const id = await act(host);
    if (answer) last().answer(answer as never);
    else last().fail(undefined);
    await settle();
    expect(routeOf(id)).toEqual({ status: 'failed', reason: 'internal', message: 'internal error' });
    expect(await idsOf(host)).toEqual(['s']);
  });

  test.each<[string, () => object]>([
    [
      'itself',
      () => {
        const payload: Record<string, unknown> = payloadOf(data('s', '/x', 1));
        payload.status = payload;
        return payload;
      },
    ],
    ['more than may be read', () => payloadOf(data('s', '/x', 1), { text: 'x'.repeat(1_048_576) })],
    ['what fails when it is written', () => payloadOf(data('s', '/x', 1), { toJSON: refuse })],
    ['what fails when it is looked at', () => new Proxy({}, { ownKeys: refuse, get: refuse })],
  ])('and the client hands over %s › then it is not looked into, and harms no surface', async (_what, payload) => {
    await ingest(host);
    await ingest(host, 'other');
    const id = await act(host);
    last().answer({ payload: payload() });
    await settle();
    expect(routeOf(id)).toMatchObject({ status: 'sent', applied: [], reason: 'envelopes' });
    expect(await idsOf(host)).toEqual(['s', 'other']);
    expect(await modelOf(host, 's')).toEqual({});
  });

  test.each<[string, () => object]>([
    ['an answer', () => Object.defineProperty({ protocol: '1.0' }, 'payload', { enumerable: true, get: refuse })],
    ['an error', () => new Proxy(new A2aError('http', 'no'), { getPrototypeOf: refuse, get: refuse })],
    ['an A2aError', () => Object.defineProperty(new A2aError('http', 'no'), 'message', { get: refuse })],
  ])(
    'and the client hands over %s that cannot be looked at › then that is internal, and harms no surface',
    async (what, make) => {
      await ingest(host);
      const id = await act(host);
      if (what === 'an answer') last().take(make() as A2aAnswer);
      else last().fail(make());
      await settle();
      expect(routeOf(id)).toEqual({ status: 'failed', reason: 'internal', message: 'internal error' });
      expect(await idsOf(host)).toEqual(['s']);
    },
  );

  test('and the client changes what it was given › then who acted, and who watches, still read what they did', async () => {
    await ingest(host);
    await host.ok('a2ui/subscribe');
    const id = await act(host);
    const { action } = last().message;
    Object.assign(action, { name: 'changed' });
    Object.assign(action.context, { a: 'changed' });
    last().answer({});
    await settle();
    expect(host.replyTo(id).result.event).toEqual(ACT);
    expect(surfaceEvents(host)).toEqual([{ kind: 'a2ui.action', result: { event: ACT } }]);
  });

  test('and several answers delete the same surface › then only the first of them has changed anything', async () => {
    await ingest(host);
    await ingest(host, 't');
    const ids = [await act(host), await act(host)];
    for (const { answer } of sent) answer({ payload: payloadOf(remove('t')) });
    await settle();
    expect(ids.map((id) => routeOf(id).applied)).toEqual([['t'], []]);
  });

  test('and the client fails for a reason that is none › then that is internal, in the route and the metric', async () => {
    await ingest(host);
    const id = await act(host);
    last().fail(new A2aError(`odd ${SECRET}` as 'http', 'no'));
    await settle();
    expect(routeOf(id)).toEqual({ status: 'failed', reason: 'internal', message: 'no' });
    expect(await readMetric(linked.broker, 'surface_actions_total')).toEqual({ internal: 1 });
  });

  test('and another agent acts › then -32015, and nothing is sent; its own agent and every client may', async () => {
    const [ada, bob] = [await linked.agent('ada'), await linked.agent('bob')];
    await ingest(host, 'of-host');
    await ingest(ada, 'of-ada');
    for (const surfaceId of ['of-host', 'of-ada']) {
      expect((await bob.call('a2ui.action', { ...ACT, surfaceId })).error.code).toBe(-32015);
    }
    expect((await ada.call('a2ui.action', { ...ACT, surfaceId: 'of-host' })).error.code).toBe(-32015);
    expect(sent).toEqual([]);
    await act(ada, { surfaceId: 'of-ada' });
    await act(host, { surfaceId: 'of-ada' });
    await act(await linked.manager(), { surfaceId: 'of-host' });
    expect(sent).toHaveLength(3);
  });

  test('and the agent that it belongs to is removed › then its surfaces go, who acted is told, and the next of its name has none', async () => {
    const ada = await linked.agent('ada');
    await ingest(ada, 'of-ada');
    await ada.ok('a2ui.apply', create('plain'));
    await ingest(host);
    await host.ok('a2ui/subscribe');
    const id = await act(host, { surfaceId: 'of-ada' });
    await (await linked.manager()).ok('agents.remove', { id: 'ada' });
    await settle();
    expect(routeOf(id)).toMatchObject({ status: 'failed', reason: 'removed' });
    expect(last().message.signal.aborted).toBe(true);
    expect(await idsOf(host)).toEqual(['s']);
    const gone = surfaceEvents(host).filter(({ kind }) => kind === 'a2ui.surface_deleted');
    expect(gone.map(({ result }) => result.surfaceId).sort()).toEqual(['of-ada', 'plain']);
    const newer = await linked.agent('ada');
    await newer.ok('a2ui.apply', create('of-ada'));
    expect((await newer.ok('a2ui.action', { ...ACT, surfaceId: 'of-ada' })).route).toEqual({ status: 'none' });
    expect(sent).toHaveLength(1);
  });

  test('and the answer is nested far too deep › then it is not looked into', async () => {
    await ingest(host);
    const id = await act(host);
    last().answer({ payload: JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) });
    await settle();
    expect(routeOf(id)).toMatchObject({ status: 'sent', applied: [], reason: 'envelopes' });
    expect(await idsOf(host)).toEqual(['s']);
  });

  test('and it says a lot › then it is cut', async () => {
    await ingest(host);
    const id = await act(host);
    last().answer({ text: 'x'.repeat(100_000) });
    await settle();
    expect(routeOf(id).text).toHaveLength(2_049);
  });

  test('and nobody answers for ten seconds › then that is said, whoever sends is told, and a late answer is nothing', async () => {
    await ingest(host);
    const id = await act(host);
    await linked.advance(9_900);
    expect(host.replyTo(id)).toBeUndefined();
    await linked.advance(200);
    expect(routeOf(id)).toMatchObject({ status: 'failed', reason: 'timeout' });
    expect(last().message.signal.aborted).toBe(true);
    last().answer({ payload: { parts: [{ data: data('s', '/late', 1) }] } });
    await settle();
    expect(await modelOf(host, 's')).toEqual({});
    expect(host.frames.filter((frame) => frame.id === id)).toHaveLength(1);
  });

  test('and too many are on their way › then -32020, for that connection alone', async () => {
    await ingest(host);
    const ids: number[] = [];
    for (let n = 0; n < 16; n += 1) ids.push(await act(host));
    expect((await host.call('a2ui.action', ACT)).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_pending_actions' } },
    });
    await act(await linked.host());
    expect(sent).toHaveLength(17);
    sent[3]?.answer({});
    await settle();
    await act(host);
    expect(sent).toHaveLength(18);
  });

  test('and whoever acted is gone, or the surface › then the answer harms nobody', async () => {
    await ingest(host);
    const other = await linked.host();
    await act(other);
    other.close();
    const id = await act(host);
    await host.ok('a2ui.apply', remove('s'));
    for (const { answer } of sent) answer({ payload: { parts: [{ data: data('s', '/a', 1) }] } });
    await settle();
    expect(routeOf(id)).toMatchObject({ status: 'sent', applied: [], reason: 'envelopes' });
    expect(await idsOf(host)).toEqual([]);
  });

  test('and the broker stops › then it is told so', async () => {
    await ingest(host);
    const id = await act(host);
    const closing = linked.broker.close();
    await settle();
    expect(routeOf(id)).toMatchObject({ status: 'failed', reason: 'draining' });
    expect(last().message.signal.aborted).toBe(true);
    await linked.advance(60_000);
    await closing;
  });
});
