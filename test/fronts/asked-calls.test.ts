import { expect, test, vi } from 'vitest';
import type { ToolCall } from '../../client/node.ts';

const call = { requestId: 'cb-1', timeoutMs: 1_000, signal: new AbortController().signal, progress() {} };

/** What a process that has just been started calls the first call that it asks a client for. */
async function firstId(): Promise<string | undefined> {
  vi.resetModules();
  const { AskedCalls } = await import('../../fronts/core/asked-calls.ts');
  const calls = new AskedCalls();
  void calls.add(call as unknown as ToolCall, 'clock', {});
  return calls.show()[0]?.id;
}

test('a call that a client is asked to run › has an id that no daemon has given before', async () => {
  const [one, other] = [await firstId(), await firstId()];
  expect(one).toMatch(/^cb-1-[\w-]+$/);
  expect(other).toMatch(/^cb-1-[\w-]+$/);
  // Its conversation may be answered long after: by that id somebody else's call would be.
  expect(one).not.toBe(other);
});
