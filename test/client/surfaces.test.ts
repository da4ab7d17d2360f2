import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Host, SurfaceEvent } from '../../client/node.ts';
import { create, data, loadSurfaceSchemas, remove } from '../support/surfaces.ts';
import { RealBroker, rejection } from './real-broker.ts';

beforeAll(loadSurfaceSchemas);

let real: RealBroker;
let host: Host;
beforeEach(async () => {
  real = await RealBroker.start();
  host = await real.host();
});

describe('host.surfaces', () => {
  test('applies, lists, gets, replays and reaps', async () => {
    const { surfaces } = host;
    expect(await surfaces.apply(create('s'))).toMatchObject({ surfaceId: 's', deleted: false });
    expect(await surfaces.ingest({ parts: [{ data: data('s', '/a', 1) }] })).toMatchObject([{ surfaceId: 's' }]);
    expect(await surfaces.list()).toMatchObject([{ surfaceId: 's' }]);
    expect(await surfaces.get('s')).toMatchObject({ dataModel: { a: 1 } });
    expect((await surfaces.replay('s'))?.envelopes).toHaveLength(2);
    expect(await surfaces.capabilities()).toMatchObject({ version: 'v0.9' });
    expect(await surfaces.reap()).toEqual([]);
    const act = { name: 'go', surfaceId: 's', sourceComponentId: 'b' };
    expect(await surfaces.act(act)).toMatchObject({ event: act, route: { status: 'none' } });
    expect(await surfaces.get('nowhere')).toBeNull();
    expect(await surfaces.replay('nowhere')).toBeNull();
  });

  test('subscribe › gives the surfaces that there are, and then what becomes of them', async () => {
    await host.surfaces.apply(create('old'));
    const subscription = await host.surfaces.subscribe();
    expect(subscription.surfaces).toMatchObject([{ surfaceId: 'old' }]);
    await (await real.host()).surfaces.apply(create('new'));
    await host.surfaces.apply(remove('old'));
    const seen: SurfaceEvent[] = [];
    for await (const event of subscription) if (seen.push(event) === 2) break;
    expect(seen).toMatchObject([
      { kind: 'a2ui.surface_updated', result: { surfaceId: 'new' } },
      { kind: 'a2ui.surface_deleted', result: { surfaceId: 'old' } },
    ]);
    // Leaving the loop was the last one's end.
    expect(await host.request('a2ui/unsubscribe', {})).toEqual({ subscribed: false });
  });

  test('subscribe twice › each hears, and the first to go does not end the other', async () => {
    const first = await host.surfaces.subscribe();
    const second = host.surfaces.subscribe();
    first.close();
    first.close();
    const events = (await second)[Symbol.asyncIterator]();
    await host.surfaces.apply(create('s'));
    expect((await events.next()).value).toMatchObject({ result: { surfaceId: 's' } });
  });

  test('subscribe, and the host is closed › the loop ends', async () => {
    const events = (await host.surfaces.subscribe())[Symbol.asyncIterator]();
    await host.close();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('subscribe, and nobody reads › it ends in a BufferOverflowError', async () => {
    const subscription = await host.surfaces.subscribe({ bufferLimit: 10 });
    await host.surfaces.apply(create('s'));
    const events = subscription[Symbol.asyncIterator]();
    expect(await rejection(events.next())).toMatchObject({ name: 'BufferOverflowError' });
    onTestFinished(() => subscription.close());
  });
});
