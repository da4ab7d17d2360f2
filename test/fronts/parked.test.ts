import { describe, expect, test, vi } from 'vitest';
import type { Turn } from '../../client/node.ts';
import { ParkedTurns } from '../../fronts/core/parked.ts';
import type { FrontTurn } from '../../fronts/core/turn.ts';
import type { Message } from '../support/linked.ts';
import { cancelled, deferred, startFronts } from './front-scene.ts';

/** What is looked at of a parked turn. */
function turnOf(owner: string, agentId = 'echo', sessionId = 's') {
  const cancel = vi.fn();
  return { owner, agentId, sessionId, cancel, over: Promise.resolve() } as unknown as FrontTurn & {
    cancel: typeof cancel;
  };
}

const tools = [{ type: 'function', function: { name: 'clock', parameters: { type: 'object' } } }];

async function startParked(options: object = {}, limits: object = {}) {
  const scene = await startFronts({ ...options, broker: { limits } });
  const said = deferred<unknown>();
  const { turns } = await scene.agent('echo', async (turn) => {
    if (turn.prompt !== 'time') return turn.prompt;
    await turn.tools.call('clock', {}).then(said.resolve, said.resolve);
    return 'done';
  });
  const post = async (messages: object[], more: object = {}, key = scene.token) => {
    const answer = await fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'echo', messages, tools, ...more }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    });
    return {
      status: answer.status,
      session: answer.headers.get('x-switchboard-session'),
      body: (await answer.json()) as Message,
    };
  };
  return { ...scene, turns, said, post };
}

const time = { role: 'user', content: 'time' };

describe('a parked turn', () => {
  test('that nobody goes on with › is cancelled', async () => {
    const { turns, post } = await startParked({ parkTimeoutMs: 1 });
    expect((await post([time])).body.choices[0].finish_reason).toBe('tool_calls');
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
  });

  test('counts as live › until it is over', async () => {
    const { post, turns } = await startParked({}, { maxTurnsPerConnection: 1 });
    const first = await post([time]);
    const second = await post([{ role: 'user', content: 'other' }]);
    expect(second).toMatchObject({ status: 429, body: { error: { code: 'limit_exceeded' } } });
    const [call] = first.body.choices[0].message.tool_calls;
    const results = [time, first.body.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '1' }];
    expect((await post(results)).status).toBe(200);
    await expect.poll(async () => (await post([{ role: 'user', content: 'other' }])).status).toBe(200);
    expect(turns).toHaveLength(2);
  });

  test('is its principal’s own › another key does not find it', async () => {
    const { post, key, said } = await startParked();
    const [ada, bob] = [await key('ada'), await key('bob')];
    const first = await post([time], {}, ada);
    const [call] = first.body.choices[0].message.tool_calls;
    const results = [time, first.body.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '"noon"' }];
    const stranger = await post(results, {}, bob);
    // To him it is a conversation that nobody has had: a new turn.
    expect(stranger.body.choices[0].finish_reason).toBe('tool_calls');
    expect(stranger.session).not.toBe(first.session);
    expect((await post(results, {}, ada)).body.choices[0].message.content).toBe('done');
    expect(await said.promise).toBe('noon');
  });

  test('whose client writes something else › is cancelled, and its session goes on', async () => {
    const { post, turns } = await startParked();
    const first = await post([time]);
    const next = await post([time, first.body.choices[0].message, { role: 'user', content: 'never mind' }]);
    expect(next).toMatchObject({ status: 200, session: first.session });
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
  });

  test.each<[string, (turn: Turn, text: string) => void]>([
    ['text', (turn, text) => turn.token(text)],
    ['thoughts', (turn, delta) => turn.event({ kind: 'reasoning', delta })],
    [
      'pictures',
      (turn, data) => turn.event({ kind: 'content', content: { type: 'image', mimeType: 'image/png', data } }),
    ],
  ])('of which too much comes meanwhile, %s › is cancelled', async (_name, say) => {
    const scene = await startFronts();
    const isParked = deferred();
    const { turns } = await scene.agent('echo', async (turn) => {
      void turn.tools.call('clock', {}).catch(() => {});
      await isParked.promise;
      for (let at = 0; at < 80; at += 1) say(turn, 'x'.repeat(64 * 1024));
      await cancelled(turn);
    });
    const answer = await fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'echo', messages: [time], tools }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.token}` },
    });
    expect(await answer.text()).toContain('tool_calls');
    isParked.resolve();
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
  });

  test('is nothing to an identity of the same principal that may do less', async () => {
    const mayUse = (agentId: string) => agentId !== 'echo';
    const scene = await startFronts({
      broker: {
        auth: ({ token }) => ({
          tenant: 'default',
          sub: 'ada',
          ...(token === 'narrow' ? { mayUse } : {}),
          ...(token === 'looking' ? { scopes: ['observe'] as const } : {}),
        }),
      },
    });
    const { turns } = await scene.agent('echo', async (turn) => `${await turn.tools.call('clock', {})}`);
    const ask = (path: string, key: string, body: object, method = 'POST') =>
      fetch(`${scene.url}${path}`, {
        method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
      });
    const chat = (key: string, messages: object[]) =>
      ask('/v1/chat/completions', key, { model: 'echo', messages, tools });
    const { choices } = (await (await chat('wide', [time])).json()) as Message;
    const [call] = choices[0].message.tool_calls;
    const results = [time, choices[0].message, { role: 'tool', tool_call_id: call.id, content: '"noon"' }];
    const page = { id: 'c', messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text: 'time' }] }] };
    await (await ask('/ai/echo', 'wide', { ...page, tools: [{ name: 'clock' }] })).text();
    for (const [key, status] of [
      ['narrow', 404],
      ['looking', 403],
    ] as const) {
      expect((await chat(key, results)).status).toBe(status);
      expect((await ask('/ai/echo/c/stop', key, {})).status).toBe(status);
      expect((await ask('/ai/echo/c/stream', key, {}, 'GET')).status).toBe(status);
    }
    expect(await (await chat('wide', results)).text()).toContain('"content":"noon"');
    expect(turns.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });
});

describe('where too many are parked', () => {
  test('of one principal › the one that waits longest makes room', () => {
    const parked = new ParkedTurns(60_000);
    const turns = Array.from({ length: 101 }, () => turnOf('ada'));
    const other = turnOf('bob');
    parked.park(other);
    for (const turn of turns) parked.park(turn);
    expect(turns.filter(({ cancel }) => cancel.mock.calls.length > 0)).toEqual([turns[0]]);
    expect(other.cancel).not.toHaveBeenCalled();
    expect(parked.take('ada', 'echo', () => true)).toBe(turns[1]);
    expect(parked.take('ada', 'other', () => true)).toBeUndefined();
  });

  test('of all › it is one’s own that makes room', () => {
    const parked = new ParkedTurns(60_000);
    const others = Array.from({ length: 1_000 }, (_, at) => turnOf(`p${at}`));
    for (const turn of others) parked.park(turn);
    const last = turnOf('new');
    parked.park(last);
    expect(last.cancel).toHaveBeenCalled();
    expect(others.some(({ cancel }) => cancel.mock.calls.length > 0)).toBe(false);
    expect(parked.size).toBe(1_000);
  });
});
