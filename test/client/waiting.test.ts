import { createServer } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished, test } from 'vitest';
import { createBroker } from '../../broker.ts';
import { eventMisfits } from '../../client/agent-events.ts';
import { Backoff } from '../../client/backoff.ts';
import * as browser from '../../client/browser.ts';
import { connectHost } from '../../client/node.ts';
import { BROKER_KINDS, chatEventKinds } from '../../protocol/events.ts';
import { rejection } from './real-broker.ts';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it('connectHost with waitForBroker › waits for a broker that is not there yet', async () => {
  const port = await freePort();
  const broker = createBroker({ limits: { drainTimeoutMs: 1 } });
  onTestFinished(() => broker.close());
  let begin = () => {};
  const waiting = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const connecting = connectHost({
    url: `ws://127.0.0.1:${port}`,
    token: broker.tokens.daemon,
    waitForBroker: true,
    onStatus: ({ status }) => status === 'waiting' && begin(),
  });
  await waiting;
  await broker.listen({ port });
  const host = await connecting;
  onTestFinished(() => host.close());
  expect(await host.agents.list()).toEqual([]);
});

it('a browser’s connectHost without a URL › says what is missing', async () => {
  for (const options of [undefined, {}, { url: '' }]) {
    expect(await rejection(browser.connectHost(options as never))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('url is missing'),
    });
  }
});

test('the wait for a broker on this machine › is a second at most, however often it was in vain', () => {
  const backoff = new Backoff({}, () => 0.999_999);
  const near = Array.from({ length: 20 }, () => backoff.next(true));
  expect(Math.max(...near)).toBeLessThanOrEqual(1_000);
  expect(backoff.next(false)).toBeGreaterThan(4_000);
});

const value = fc.oneof(fc.constant('approve'), fc.string(), fc.integer(), fc.boolean(), fc.constant({}));
const NAMES = [...new Set(Object.values(chatEventKinds).flatMap((schema) => Object.keys(schema.shape)))].filter(
  (name) => !['kind', 'session_id', 'turn_id', 'deadline'].includes(name),
);

test('an agent’s event › is refused by the SDK exactly where its schema refuses it', () => {
  const fields = fc.dictionary(fc.constantFrom(...NAMES), value);
  const kinds = (Object.keys(chatEventKinds) as (keyof typeof chatEventKinds)[]).filter(
    (kind) => !BROKER_KINDS.has(kind),
  );
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fields, (kind, given) => {
      const event = { session_id: 's', ...given, kind };
      expect(eventMisfits(event).length === 0).toBe(chatEventKinds[kind].safeParse(event).success);
    }),
    { numRuns: 2_000 },
  );
});
