import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Internals, StubbornLink, startInternals } from '../../support/internals.ts';
import { type LinkedClient, type Message, settle } from '../../support/linked.ts';
import { components, create, data, loadSurfaceSchemas, remove, text } from '../../support/surfaces.ts';

/* What subscribers and the event log hear of surfaces while they have no room for all of it (`wire.md` section 11). */

beforeAll(loadSurfaceSchemas);

/** More than the soft limit. */
const FULL = 2 * 1024 * 1024;

let internals: Internals;
let host: LinkedClient;
let link: StubbornLink;
beforeEach(async () => {
  internals = startInternals();
  host = await internals.host();
});

/** A subscriber whose connection takes nothing more for now. */
async function subscribeFull(): Promise<void> {
  link = new StubbornLink();
  internals.open(link);
  link.deliver({ id: 1, method: 'session.auth', params: { token: internals.tokens.daemon } });
  link.deliver({ id: 2, method: 'a2ui/subscribe', params: {} });
  await settle();
  link.waitingBytes = FULL;
}

/** Everything that it was sent of surfaces, in short. */
const heard = (): string[] =>
  link.sent
    .map((frame) => JSON.parse(frame))
    .filter(({ method }) => method === 'a2ui.event')
    .map(({ params: { kind, result } }: Message) => {
      if (kind === 'a2ui.action') return `action ${result.event.name}`;
      return kind === 'a2ui.surface_deleted'
        ? `${result.surfaceId} gone`
        : `${result.surfaceId} ${JSON.stringify(result.surface.dataModel)}`;
    });

async function makeRoom(): Promise<void> {
  link.waitingBytes = 0;
  await internals.advance(100);
}

const act = (name: string) => host.ok('a2ui.action', { name, surfaceId: 's', sourceComponentId: 'b' });

describe('a subscriber that has no room', () => {
  beforeEach(async () => {
    await host.ok('a2ui.apply', create('s'));
    await host.ok('a2ui.apply', create('t'));
    await subscribeFull();
  });

  test('when surfaces change › then it is told each one’s newest state once it has, in order with what else happened', async () => {
    for (let n = 0; n < 50; n += 1) await host.ok('a2ui.apply', data('s', '/n', n));
    await act('go');
    await host.ok('a2ui.apply', data('t', '/n', 1));
    await host.ok('a2ui.apply', data('s', '/n', 50));
    await host.ok('a2ui.apply', remove('t'));
    expect(heard()).toEqual([]);
    await makeRoom();
    expect(heard()).toEqual(['s {"n":50}', 'action go', 't gone']);
  });

  test('when a surface is deleted and made again › then it is told both', async () => {
    await host.ok('a2ui.apply', remove('s'));
    await host.ok('a2ui.apply', create('s'));
    await host.ok('a2ui.apply', data('s', '/again', true));
    await makeRoom();
    expect(heard()).toEqual(['s gone', 's {"again":true}']);
  });

  test('when a surface is deleted, made again and deleted again › then it is told once that it is gone', async () => {
    for (const envelope of [remove('s'), create('s'), remove('s')]) await host.ok('a2ui.apply', envelope);
    await makeRoom();
    expect(heard()).toEqual(['s gone']);
  });

  test('when surfaces come and go without end › then no more waits than there are, and nothing is told of them', async () => {
    for (let n = 0; n < 2_000; n += 1) {
      host.notify('a2ui.apply', create(`n-${n}`));
      host.notify('a2ui.apply', remove(`n-${n}`));
    }
    await settle();
    await host.ok('a2ui.apply', data('t', '/n', 1));
    await makeRoom();
    expect(heard()).toEqual(['t {"n":1}']);
  });

  test('when people act very often › then the newest are kept, and the others counted', async () => {
    for (let n = 0; n < 70; n += 1) await act(`act-${n}`);
    await makeRoom();
    expect(heard()).toEqual(Array.from({ length: 64 }, (_, n) => `action act-${n + 6}`));
    expect(internals.state.counters.drops.get('surface_action')).toBe(6);
  });

  test('when it goes › then nothing waits for it any more', async () => {
    const before = internals.state.deadlines.size;
    for (let n = 0; n < 3; n += 1) await host.ok('a2ui.apply', data('s', '/n', n));
    expect(internals.state.deadlines.size).toBe(before + 1);
    link.handlers?.closed(1006);
    await settle();
    expect(internals.state.deadlines.size).toBe(before);
  });

  test('when it subscribes again › then what waits is still told, and what it was listed now is told to be gone', async () => {
    await host.ok('a2ui.apply', data('s', '/n', 1));
    await host.ok('a2ui.apply', create('u'));
    link.deliver({ id: 3, method: 'a2ui/subscribe', params: {} });
    await host.ok('a2ui.apply', remove('u'));
    await makeRoom();
    expect(heard()).toEqual(['s {"n":1}', 'u gone']);
  });
});

test('a subscriber that reads everything at once › is sent no more than the soft limit’s worth every now and then', async () => {
  await host.ok('a2ui.apply', create('s'));
  await host.ok('a2ui.apply', components('s', text('root', 'x'.repeat(200_000))));
  await subscribeFull();
  link.waitingBytes = 0;
  for (let n = 1; n <= 100; n += 1) await host.ok('a2ui.apply', data('s', '/n', n));
  const before = heard().length;
  expect(before).toBeLessThan(10);
  await internals.advance(100);
  expect(heard().slice(before)).toEqual(['s {"n":100}']);
});

test('a large surface › takes more of its changers’ and readers’ rate than a small one, and they are told how long to wait', async () => {
  internals = startInternals({ limits: { requestsPerSecond: 1_000, requestBurst: 200 } });
  host = await internals.host();
  await host.ok('a2ui.apply', create('small'));
  await host.ok('a2ui.apply', create('large'));
  await host.ok('a2ui.apply', data('large', '/large', 'x'.repeat(180_000)));
  await internals.advance(1_000);
  for (const again of ['a2ui.apply', 'a2ui.get', 'a2ui/replay', 'a2ui.ingest'] as const) {
    const params = { 'a2ui.apply': data('large', '/n', 1), 'a2ui.ingest': { payload: data('large', '/n', 2) } };
    const call = () => host.call(again, again in params ? params[again as 'a2ui.apply'] : { surfaceId: 'large' });
    let reply = await call();
    for (let n = 0; n < 20 && !reply.error; n += 1) reply = await call();
    expect(reply.error, again).toMatchObject({ code: -32020, data: { limit: { name: 'requests_per_second' } } });
    await internals.advance(5);
    await host.ok('a2ui.apply', data('small', '/n', 1));
    await internals.advance(reply.error.data.retry_after_ms + 10);
    expect((await call()).error).toBeUndefined();
    await internals.advance(1_000);
  }
});

test('host.event › when surfaces change very often › then it tells of a hundred in a second, and of each one’s newest', async () => {
  await host.ok('server.handshake', { protocol_version: 3 });
  await host.ok('host.subscribe');
  await host.ok('a2ui.apply', create('s'));
  for (let n = 0; n < 500; n += 1) host.notify('a2ui.apply', data('s', '/n', n));
  await settle();
  const rows = () => host.received('host.event').map(({ params }) => params.payload.surface);
  expect(rows()).toHaveLength(100);
  await internals.advance(1_100);
  expect(rows()).toHaveLength(101);
  const surfaces = await host.ok('a2ui.surfaces');
  expect(rows().at(-1).revision).toBe(surfaces[0].revision);
});
