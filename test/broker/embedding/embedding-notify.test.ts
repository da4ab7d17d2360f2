import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createBroker } from '../../../broker.ts';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { MAX_DEPTH } from '../../../protocol/json.ts';
import { methods } from '../../../protocol/methods.ts';
import { type LinkedClient, settle, startLinked } from '../../support/linked.ts';

/** A broker that says to each connection which one it is. */
function start(options: Parameters<typeof startLinked>[0] = {}) {
  const linked = startLinked(options);
  linked.broker.method('me', { schema: z.object({}), handler: (_params, { clientId }) => clientId });
  return linked;
}
const idOf = (client: LinkedClient): Promise<string> => client.ok('me');

describe('broker.notify › when the connection is there', () => {
  test('then it alone is sent the notification', async () => {
    const linked = start();
    const [host, other] = [await linked.host(), await linked.host()];
    const id = await idOf(host);
    for (const client of [host, other]) client.frames.length = 0;
    expect(linked.broker.notify(id, 'news.flash', { a: [1, null] })).toBe(true);
    expect(linked.broker.notify(id, 'list', [1])).toBe(true);
    expect(linked.broker.notify(id, 'bare')).toBe(true);
    await settle();
    expect(host.frames).toEqual([
      { jsonrpc: '2.0', method: 'news.flash', params: { a: [1, null] } },
      { jsonrpc: '2.0', method: 'list', params: [1] },
      { jsonrpc: '2.0', method: 'bare', params: {} },
    ]);
    expect(other.frames).toEqual([]);
  });

  test('then what becomes of the parameters afterwards changes nothing', async () => {
    const linked = start();
    const host = await linked.host();
    const params = { at: new Date(0), a: 1 };
    linked.broker.notify(await idOf(host), 'news', params);
    params.a = 2;
    await settle();
    expect(host.received('news')[0].params).toEqual({ at: '1970-01-01T00:00:00.000Z', a: 1 });
  });

  test('from inside a handler › then it comes before the answer', async () => {
    const linked = start();
    linked.broker.method('ask', {
      schema: z.object({}),
      handler: (_params, { clientId }) => linked.broker.notify(clientId, 'working', {}),
    });
    const host = await linked.host();
    expect(await host.ok('ask')).toBe(true);
    expect(host.frames.slice(-2).map(({ method }) => method)).toEqual(['working', undefined]);
  });

  test('and it reads nothing › then it is closed with 4413 as for anything else', async () => {
    await using broker = createBroker({ limits: { cutBytes: 1024 * 1024 } });
    let id = '';
    broker.method('me', { schema: z.object({}), handler: (_params, { clientId }) => (id = clientId) });
    const { url = '' } = await broker.listen({ port: 0 });
    const socket = new WebSocket(url);
    onTestFinished(() => socket.terminate());
    const next = () => new Promise((resolve) => socket.once('message', resolve));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.auth', params: { token: broker.tokens.daemon } }),
    );
    await next();
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'me' }));
    await next();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.pause();
    let sent = 0;
    while (broker.notify(id, 'flood', { text: 'x'.repeat(256 * 1024) })) {
      sent += 1;
      if (sent > 10_000) expect.unreachable('it was never cut');
      await settle();
    }
    socket.resume();
    expect(await closed).toBe(CloseCode.SlowConsumer);
  });
});

describe('broker.notify › when the connection is not there', () => {
  test('then false: unknown, not authenticated, closing, gone, or the broker stopped', async () => {
    const linked = start();
    const { broker } = linked;
    const host = await linked.host();
    const id = await idOf(host);
    expect(broker.notify('client-nobody', 'news', {})).toBe(false);
    expect(broker.notify('__proto__', 'news', {})).toBe(false);
    host.close();
    await settle();
    expect(broker.notify(id, 'news', {})).toBe(false);
    const last = await linked.host();
    const lastId = await idOf(last);
    await broker.close();
    expect(broker.notify(lastId, 'news', {})).toBe(false);
    expect(host.received('news')).toEqual([]);
    expect(last.received('news')).toEqual([]);
  });

  test('because it has not authenticated › then false, and nothing is sent', async () => {
    const linked = start({ log: { ...silent, debug: (words) => seen.push(words as { client?: string }) } });
    const seen: { client?: string }[] = [];
    const stranger = linked.connect();
    await settle();
    const id = seen.find(({ client }) => client)?.client ?? '';
    expect(id).toMatch(/^client-/);
    expect(linked.broker.notify(id, 'news', {})).toBe(false);
    await settle();
    expect(stranger.frames).toEqual([]);
  });

  test('where authentication is off › then a connection that said nothing is there', async () => {
    const linked = start({ auth: false });
    const client = linked.connect();
    expect(linked.broker.notify(await idOf(client), 'news', {})).toBe(true);
  });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe('broker.notify › when it is no notification', () => {
  const names = Object.entries(methods).map(([key, spec]) => ('name' in spec ? spec.name : key));
  test.each([...new Set(names), 'rpc.anything', '', 7, undefined])('named %s › then it throws', async (name) => {
    const linked = start();
    const host = await linked.host();
    const id = await idOf(host);
    expect(() => linked.broker.notify(id, name as string, {})).toThrow(TypeError);
  });

  const loop: Record<string, unknown> = {};
  loop.self = loop;
  test.each<[what: string, params: unknown]>([
    ['text', 'hello'],
    ['a number', 7],
    ['null', null],
    ['what refers to itself', loop],
    ['what nests too deeply', JSON.parse('['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1))],
    ['a number out of range', { n: Number.POSITIVE_INFINITY }],
    ['an object that writes itself as text', new Date(0)],
  ])('with %s for parameters › then it throws a TypeError', async (_what, params) => {
    const linked = start();
    const id = await idOf(await linked.host());
    expect(() => linked.broker.notify(id, 'news', params as object)).toThrow(TypeError);
  });

  test('larger than a message may be › then a RangeError, to the byte', async () => {
    const linked = start({ limits: { maxMessageBytes: 10_000 } });
    const host = await linked.host();
    const id = await idOf(host);
    const around = JSON.stringify({ jsonrpc: '2.0', method: 'news', params: { text: '' } }).length;
    const text = (bytes: number) => 'ä'.repeat((bytes - around) / 2);
    expect(around % 2).toBe(0);
    expect(linked.broker.notify(id, 'news', { text: text(10_000) })).toBe(true);
    expect(() => linked.broker.notify(id, 'news', { text: `${text(10_000)}x` })).toThrow(RangeError);
    await settle();
    expect(host.received('news')).toHaveLength(1);
  });
});
