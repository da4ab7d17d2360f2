import { setImmediate as breathe } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { SharedAnswer } from '../../transport/shared-answer.ts';
import { http, SocketClient, startListening } from './socket-client.ts';

test('/metrics › when it is asked for again within a second › then it is the same text; later, a new one', async () => {
  const { broker, address, port } = await startListening({ limits: { metricsMaxAgeMs: 1_000 } });
  const first = (await http(port, '/metrics')).body;
  await SocketClient.host(broker, address);
  expect((await http(port, '/metrics')).body).toBe(first);
  await vi.waitFor(async () =>
    expect((await http(port, '/metrics')).body).toContain('switchboard_connections{role="client"} 1\n'),
  );
});

test('a shared answer › when many ask while it is made › then it is made once for all of them', async () => {
  let made = 0;
  let finish = (_text: string) => {};
  const shared = new SharedAnswer(() => {
    made += 1;
    return new Promise<string>((resolve) => {
      finish = resolve;
    });
  }, 60_000);
  const asked = Promise.all(Array.from({ length: 100 }, () => shared.get()));
  finish('text');
  expect(new Set(await asked)).toEqual(new Set(['text']));
  expect([await shared.get(), made]).toEqual(['text', 1]);
});

test('a shared answer › when it fails › then all who asked hear of it, and it is made anew for the next', async () => {
  let made = 0;
  const shared = new SharedAnswer(async () => {
    made += 1;
    await breathe();
    if (made === 1) throw new Error('no handle left');
    return made;
  }, 60_000);
  const asked = await Promise.allSettled([shared.get(), shared.get()]);
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await shared.get()).toBe(2);
});
