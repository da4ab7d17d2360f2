import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_SESSIONS } from '../../../fronts/acp/agent.ts';
import {
  HTTP_AWAY_MS,
  HttpConnections,
  MAX_HTTP_CONNECTIONS,
  MAX_HTTP_CONNECTIONS_EACH,
} from '../../../fronts/acp/http-connections.ts';
import { MAX_OPEN_CALLS, ToolCalls } from '../../../fronts/acp/tool-calls.ts';
import { cancelled, repeat } from '../front-scene.ts';
import { acpClient, startAcp } from './acp-client.ts';

test('beyond so many sessions the oldest idle one is forgotten', async () => {
  const { agent, streamTo } = await startAcp();
  await agent('echo', async function* (turn) {
    if (turn.prompt === 'wait') await cancelled(turn);
    else yield* repeat(turn) as AsyncIterable<string>;
  });
  const client = acpClient(streamTo('WebSocket'));
  const first = await client.begin();
  const second = await client.open();
  const answer = client.prompt(first, 'wait');
  for (let made = 2; made <= MAX_SESSIONS; made += 1) await client.open();
  await expect(client.prompt(second, 'x')).rejects.toMatchObject({ code: -32002 });
  await client.cancel(first);
  expect(await answer).toEqual({ stopReason: 'cancelled' });
});

test('beyond so many open calls the oldest is told as failed', () => {
  const calls = new ToolCalls('t');
  for (let at = 0; at < MAX_OPEN_CALLS; at += 1)
    expect(calls.updates({ kind: 'tool_call', call_id: `${at}`, tool: 'x' })).toHaveLength(1);
  const [failed, begun] = calls.updates({ kind: 'tool_call', call_id: 'more', tool: 'x' });
  expect(failed).toMatchObject({ toolCallId: 't:0', status: 'failed' });
  expect(begun).toMatchObject({ toolCallId: 't:more', status: 'in_progress' });
  expect(calls.close()).toHaveLength(MAX_OPEN_CALLS);
});

describe('connections by HTTP', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('are so many of one principal, and so many of all', () => {
    const connections = new HttpConnections(() => {});
    for (let at = 0; at < MAX_HTTP_CONNECTIONS; at += 1) {
      const owner = `owner ${Math.floor(at / MAX_HTTP_CONNECTIONS_EACH)}`;
      const giveBack = connections.reserve(owner);
      connections.add(`${at}`, owner, 'echo');
      giveBack();
      if ((at + 1) % MAX_HTTP_CONNECTIONS_EACH === 0) expect(() => connections.reserve(owner)).toThrow('too many');
    }
    expect(() => connections.reserve('another')).toThrow('too many');
    connections.delete('0');
    connections.reserve('another');
    expect(() => connections.reserve('another')).toThrow('too many');
  });

  test('count while they are made', () => {
    const connections = new HttpConnections(() => {});
    const made = Array.from({ length: MAX_HTTP_CONNECTIONS_EACH }, () => connections.reserve('me'));
    expect(() => connections.reserve('me')).toThrow('too many');
    connections.reserve('you');
    made[0]?.();
    connections.reserve('me');
    expect(() => connections.reserve('me')).toThrow('too many');
  });

  test('end when their client has asked for nothing for so long', () => {
    const ended: string[] = [];
    const connections = new HttpConnections((id) => ended.push(id));
    connections.add('a', 'me', 'echo');
    connections.add('b', 'me', 'echo');
    const over = connections.begin('a');
    vi.advanceTimersByTime(HTTP_AWAY_MS);
    expect(ended).toEqual(['b']);
    over();
    vi.advanceTimersByTime(HTTP_AWAY_MS - 1);
    connections.begin('a')();
    vi.advanceTimersByTime(HTTP_AWAY_MS - 1);
    expect(ended).toEqual(['b']);
    vi.advanceTimersByTime(1);
    expect(ended).toEqual(['b', 'a']);
  });
});
