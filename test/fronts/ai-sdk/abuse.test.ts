import { isToolUIPart, type UIMessage } from 'ai';
import { describe, expect, test } from 'vitest';
import { MAX_STORY } from '../../../fronts/ai-sdk/story.ts';
import { MAX_OPEN_CALLS, OwnCalls } from '../../../fronts/core/own-calls.ts';
import { eventually } from '../../browser/support/eventually.ts';
import { cancelled, deferred, repeat, type Scene, startFronts } from '../front-scene.ts';
import { chunksOf, look, said, send, stateOf, stop, textIn, windowOf } from './window.ts';

const post = ({ url, token }: Scene, body: unknown, { path = 'echo', key = token } = {}) =>
  fetch(`${url}/ai/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const user = { id: 'm', role: 'user', parts: [{ type: 'text', text: 'hi' }] };

describe('a request to the AI SDK front › when it is malformed', () => {
  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['a list', []],
    ['no id', { messages: [user] }],
    ['an id that is no text', { id: {}, messages: [user] }],
    ['an id without an end', { id: 'x'.repeat(5_000), messages: [user] }],
    ['a message whose id has no end', { id: 'c', messages: [{ ...user, id: 'x'.repeat(5_000) }] }],
    ['no messages', { id: 'c' }],
    ['none in them', { id: 'c', messages: [] }],
    ['a message that is none', { id: 'c', messages: [null] }],
    ['a message without parts', { id: 'c', messages: [{ id: 'm', role: 'user', content: 'hi' }] }],
    ['a role that there is not', { id: 'c', messages: [{ ...user, role: 'tool' }] }],
    ['a system message at the end', { id: 'c', messages: [{ ...user, role: 'system' }] }],
    [
      'a file that is no picture',
      { id: 'c', messages: [{ ...user, parts: [{ type: 'file', mediaType: 'text/x', url: 'data:,' }] }] },
    ],
    [
      'a picture of this machine',
      {
        id: 'c',
        messages: [{ ...user, parts: [{ type: 'file', mediaType: 'image/png', url: 'file:///etc/passwd' }] }],
      },
    ],
    ['tools that are none', { id: 'c', messages: [user], tools: { clock: {} } }],
    ['a tool without a name', { id: 'c', messages: [user], tools: [{}] }],
    ['a tool whose parameters are none', { id: 'c', messages: [user], tools: [{ name: 'x', parameters: 5 }] }],
  ])('with %s › then it is 400, and nothing runs', async (_, body) => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const response = await post(scene, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/./) });
    expect(turns).toEqual([]);
  });

  test('by its path, its method or its key › then it is refused as such', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const key = await scene.key('ada', { agents: ['other'] });
    const statusOf = async (path: string, init: RequestInit = {}, token = scene.token) => {
      const response = await fetch(`${scene.url}/ai${path}`, {
        headers: { authorization: `Bearer ${token}` },
        ...init,
      });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await statusOf('')).toBe(404);
    expect(await statusOf('/echo/chat/other')).toBe(404);
    expect(await statusOf('/echo/%E0%A4%A/stream')).toBe(404);
    expect(await statusOf('/echo')).toBe(405);
    expect(await statusOf('/echo/chat/stop')).toBe(405);
    expect(await statusOf('/echo/chat/stream', {}, 'wrong')).toBe(401);
    expect(await statusOf('/echo/a%2Fb/stream')).toBe(204);
    expect(await statusOf('/echo/chat/stream', { method: 'HEAD' })).toBe(204);
    expect(await statusOf('/echo/chat/stream', { method: 'OPTIONS' })).toBe(204);
    for (const agent of ['nobody', 'a%20b', '%00'])
      expect((await post(scene, { id: 'c', messages: [user] }, { path: agent })).status).toBe(404);
    expect((await post(scene, { id: 'c', messages: [user] }, { key })).status).toBe(404);
  });
});

describe('a request to the AI SDK front › when it answers what it was not asked', () => {
  test('then it is 404, whoever was asked, and whose that is goes on', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      const { approved } = await turn.requestApproval({ action: 'wipe' });
      turn.token(String(approved));
    });
    const [ada, eve] = [await scene.key('ada'), await scene.key('eve')];
    const window = windowOf({ scene, key: ada });
    await window.sendMessage({ text: 'go' });
    const { messages } = window;
    const id = messages[1]?.parts.find(isToolUIPart)?.approval?.id ?? '';
    const answered: UIMessage[] = [
      said('go'),
      {
        id: 'a',
        role: 'assistant',
        parts: [
          {
            type: 'dynamic-tool',
            toolName: 'wipe',
            toolCallId: `approval:${id}`,
            state: 'approval-responded',
            input: {},
            approval: { id, approved: true },
          },
        ],
      },
    ];
    await expect(send({ scene, key: eve }, answered)).rejects.toThrow('nothing waits');
    await expect(send({ scene, key: ada, id: 'another' }, answered)).rejects.toThrow('nothing waits');
    await expect(send({ scene, key: ada }, [said('go'), { id: 'a', role: 'assistant', parts: [] }])).rejects.toThrow(
      'nothing waits',
    );
    await window.addToolApprovalResponse({ id, approved: false });
    await eventually(() => textIn(window.lastMessage)).toBe('false');
    await expect(send({ scene, key: ada }, answered)).rejects.toThrow('nothing waits');
  });
});

describe('a chat of the AI SDK front › when two ask in it at once', () => {
  test('then the second is 409, and the first is read to its end', async () => {
    const scene = await startFronts();
    const { promise, resolve } = deferred();
    await scene.agent('echo', async (turn) => {
      turn.token('one');
      await promise;
    });
    const first = await send({ scene }, [said('hi')]);
    const second = await post(scene, { id: 'chat-1', messages: [user] });
    expect([second.status, await second.json()]).toEqual([409, { error: expect.any(String) }]);
    // What was refused has not taken the place of what is there.
    expect((await look({ scene }, 'HEAD')).status).toBe(200);
    resolve();
    expect((await chunksOf(first)).at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' });
  });
});

describe('a key of the AI SDK front › when it leaves one turn after the other', () => {
  test('then those count that may go on without it', async () => {
    const scene = await startFronts({ broker: { limits: { maxTurnsPerConnection: 2 } } });
    const { turns } = await scene.agent('echo', async (turn) => {
      turn.token('one');
      await cancelled(turn);
    });
    for (const id of ['a', 'b']) {
      const window = windowOf({ scene, id });
      void window.sendMessage({ text: 'hi' });
      await eventually(() => textIn(window.lastMessage)).toBe('one');
      await window.stop();
    }
    await eventually(async () => (await stateOf(scene)).turns).toEqual(['detached', 'detached']);
    expect((await post(scene, { id: 'c', messages: [user] })).status).toBe(429);
    expect(turns).toHaveLength(2);
  });
});

describe('a turn of the AI SDK front › when there is more of it than is kept', () => {
  test.each([
    ['of a turn', {}, MAX_STORY, 0],
    ['of all its principal’s', { maxHeldBytes: 50_000 }, 20_000, 50_000],
  ])('%s › then it goes on, and cannot be told again', async (_name, limits, size, most) => {
    const scene = await startFronts({ broker: { limits } });
    const { promise, resolve } = deferred();
    await scene.agent('echo', async (turn) => {
      for (let sum = 0; sum <= most; sum += size) await turn.tools.call('draw', { much: 'x'.repeat(size) });
      turn.token('drawn');
      await promise;
    });
    const window = windowOf(
      { scene, body: { tools: [{ name: 'draw' }] } },
      {
        onToolCall({ toolCall: { toolCallId } }) {
          void window.addToolOutput({ tool: 'draw', toolCallId, output: 'done' } as never);
        },
      },
    );
    void window.sendMessage({ text: 'draw' });
    await eventually(() => textIn(window.lastMessage)).toBe('drawn');
    expect((await look({ scene })).status).toBe(204);
    resolve();
    await eventually(() => window.status).toBe('ready');
    expect(window.error).toBeUndefined();
    await stop({ scene });
  });

  test('in calls of its own that never end › then no more are shown than there is room for', () => {
    const calls = new OwnCalls('t');
    const call = (n: number) => ({ kind: 'tool_call' as const, call_id: `c${n}`, tool: 'x' }) as never;
    const shown = Array.from({ length: MAX_OPEN_CALLS + 5 }, (_, n) => calls.begin(call(n))).filter(Boolean);
    expect(shown).toHaveLength(MAX_OPEN_CALLS);
    expect(calls.endAll()).toHaveLength(MAX_OPEN_CALLS);
  });
});
