import { describe, expect, it } from 'vitest';
import { type Host, RpcError } from '../../client/browser.ts';
import { Feed } from '../../console/charts/feed.ts';
import type { InspectSnapshot } from '../../protocol/inspect.ts';
import { actor, heard, recorder, snapshot, turn } from './charts-support.ts';

/** A connection whose answers a test gives by hand. */
function connection() {
  const asked: string[] = [];
  const waiting: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  const request = (method: string) => {
    asked.push(method);
    if (method === 'inspect.unsubscribe') return Promise.resolve({ unsubscribed: true });
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  return { host: { request } as unknown as Host, asked, waiting };
}

function watch() {
  const listeners = new Set<(params: unknown) => void>();
  let now = 0;
  const feed = new Feed({
    hear: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    nextFrame: (run) => run(),
    now: () => now,
  });
  const tell = (records: unknown) => {
    for (const listener of listeners) listener({ records });
  };
  return { feed, tell, listeners, later: (ms: number) => (now += ms) };
}

/** Promises that were settled have been heard. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const first: InspectSnapshot = snapshot([actor('root'), actor('c1')], 10);

describe('Feed', () => {
  it('misses nothing that arrives before the snapshot does', async () => {
    const { feed, tell } = watch();
    const { host, waiting } = connection();
    feed.open(host);
    tell(recorder(9)(heard('c1', 'held already'), heard('c1', 'new')));
    expect(feed.state.value).toEqual({ kind: 'connecting' });
    waiting[0]?.resolve(first);
    await settled();
    expect(feed.state.value).toEqual({ kind: 'live' });
    expect(feed.model.find('c1')?.events.map(({ event }) => event)).toEqual(['new']);
    feed.close();
  });

  it('knows a daemon that runs without inspection', async () => {
    const { feed } = watch();
    const { host, waiting } = connection();
    feed.open(host);
    waiting[0]?.reject(new RpcError('inspect.subscribe', { code: -32601, message: 'method not found' }));
    await settled();
    expect(feed.state.value).toEqual({ kind: 'unavailable' });
    feed.close();
  });

  it('says why it was refused, and asks again when it is told to', async () => {
    const { feed } = watch();
    const { host, waiting, asked } = connection();
    feed.open(host);
    waiting[0]?.reject(new RpcError('inspect.subscribe', { code: -32020, message: 'limit exceeded' }));
    await settled();
    expect(feed.state.value).toMatchObject({ kind: 'failed', problem: expect.stringContaining('limit exceeded') });
    feed.retry();
    waiting[1]?.resolve(first);
    await settled();
    expect(asked).toEqual(['inspect.subscribe', 'inspect.subscribe']);
    expect(feed.state.value).toEqual({ kind: 'live' });
    feed.close();
  });

  it('unsubscribes when it is closed, also while it is still subscribing', async () => {
    const { feed, listeners } = watch();
    const one = connection();
    feed.open(one.host);
    one.waiting[0]?.resolve(first);
    await settled();
    feed.close();
    expect(one.asked).toEqual(['inspect.subscribe', 'inspect.unsubscribe']);
    feed.open(one.host);
    feed.close();
    one.waiting[1]?.resolve(first);
    await settled();
    expect(one.asked.slice(2)).toEqual(['inspect.subscribe', 'inspect.unsubscribe']);
    expect(listeners.size).toBe(0);
  });

  it('names each turn that starts', async () => {
    const { feed, tell } = watch();
    const { host, waiting } = connection();
    feed.open(host);
    waiting[0]?.resolve(first);
    await settled();
    expect(feed.newestTurn.value).toBeUndefined();
    tell(recorder(10)({ type: 'started', actor: turn('t1') }));
    expect(feed.newestTurn.value).toBe('t1');
    feed.close();
  });

  it('draws once a picture, however many records come', async () => {
    const { host, waiting } = connection();
    const frames: (() => void)[] = [];
    let say: (params: unknown) => void = () => {};
    const hear = (listener: (params: unknown) => void) => {
      say = listener;
      return () => {};
    };
    const feed = new Feed({ hear, nextFrame: (run) => void frames.push(run), now: () => 0 });
    feed.open(host);
    waiting[0]?.resolve(first);
    await settled();
    const record = recorder(10);
    for (let n = 0; n < 50; n += 1) say({ records: record(heard('c1', 'x')) });
    expect(frames).toHaveLength(1);
    feed.close();
  });
});
