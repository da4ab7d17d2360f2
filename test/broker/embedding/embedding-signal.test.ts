import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Caller } from '../../../broker.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { settle, startLinked } from '../../support/linked.ts';

/** A broker with a method that keeps its caller, and answers when the test says so. */
function start() {
  const linked = startLinked();
  const callers: Caller[] = [];
  const answers: ((value: unknown) => void)[] = [];
  linked.broker.method('slow', {
    schema: z.object({}),
    timeoutMs: 1_000,
    handler: (_params, caller) => {
      callers.push(caller);
      return new Promise((resolve) => answers.push(resolve));
    },
  });
  return { linked, callers, answers };
}

describe('caller.signal › when nobody waits any more', () => {
  test.each(['before', 'after'])('because the connection is gone › then it aborts, asked for %s', async (when) => {
    const { linked, callers } = start();
    const host = await linked.host();
    host.post('slow');
    host.notify('slow');
    await settle();
    if (when === 'before') for (const { signal } of callers) expect(signal.aborted).toBe(false);
    host.close();
    await settle();
    expect(callers).toHaveLength(2);
    for (const { signal } of callers) {
      expect(signal.aborted).toBe(true);
      expect(String(signal.reason)).toContain("the caller's connection is gone");
    }
  });

  test('because its time is up › then it aborts with the -32004 that the caller gets', async () => {
    const { linked, callers } = start();
    const host = await linked.host();
    const id = host.post('slow');
    await settle();
    const heard: unknown[] = [];
    const signal = callers[0]?.signal;
    signal?.addEventListener('abort', () => heard.push(signal.reason));
    await linked.advance(990);
    expect(heard).toEqual([]);
    await linked.advance(30);
    expect(heard).toMatchObject([{ code: ErrorCode.DeadlineExceeded }]);
    expect(host.replyTo(id).error.code).toBe(ErrorCode.DeadlineExceeded);
  });

  test('because the broker stops › then it aborts, and the end does not wait for the handler', async () => {
    const { linked, callers } = start();
    (await linked.host()).post('slow');
    await settle();
    const signal = callers[0]?.signal;
    await linked.broker.close();
    expect(signal?.aborted).toBe(true);
  });

  test('because an agent was taken over › then it aborts', async () => {
    const { linked, callers } = start();
    (await linked.agent('echo')).post('slow');
    await settle();
    const signal = callers[0]?.signal;
    await linked.agent('echo');
    await settle();
    expect(signal?.aborted).toBe(true);
  });
});

describe('caller.signal › when the handler has answered', () => {
  test('then it never aborts, whatever happens to the connection', async () => {
    const { linked, callers, answers } = start();
    const host = await linked.host();
    const id = host.post('slow');
    await settle();
    const signal = callers[0]?.signal;
    answers[0]?.('done');
    await settle();
    expect(host.replyTo(id).result).toBe('done');
    host.close();
    await linked.advance(2_000);
    expect(signal?.aborted).toBe(false);
  });

  test('and another call still works › then that one alone aborts', async () => {
    const { linked, callers, answers } = start();
    const host = await linked.host();
    host.post('slow');
    host.post('slow');
    await settle();
    const signals = callers.map(({ signal }) => signal);
    answers[0]?.('done');
    await settle();
    host.close();
    await settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  });
});

test('caller.signal › when it is asked for twice › then it is the same, and its other members are plain', async () => {
  const { linked, callers } = start();
  (await linked.host()).post('slow');
  await settle();
  expect(callers[0]?.signal).toBe(callers[0]?.signal);
  expect(Object.keys(callers[0] ?? {})).toEqual(['clientId', 'role', 'agentId', 'name', 'principal', 'trace']);
});
