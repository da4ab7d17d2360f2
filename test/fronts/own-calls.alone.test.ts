import { expect, test } from 'vitest';
import { OwnCalls } from '../../fronts/core/own-calls.ts';
import { collectGarbage } from '../support/gc.ts';

test('a call of an agent’s own tool › while it is open › then nothing is kept of what was sent with it', async () => {
  const calls = new OwnCalls('turn');
  const begin = () => {
    const params = { text: 'long' };
    const call = calls.begin({ kind: 'tool_call', tool: 'grep', call_id: 'c', params } as never);
    expect(call).toMatchObject({ id: 'turn:c', params });
    return new WeakRef(params);
  };
  const params = begin();
  await collectGarbage();
  expect(params.deref()).toBeUndefined();
  const ended = calls.end({ kind: 'tool_result', tool: 'grep', call_id: 'c', ok: true } as never);
  expect(ended).toMatchObject({ id: 'turn:c', begun: undefined });
});
