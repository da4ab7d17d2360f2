import { describe, expect, test } from 'vitest';
import { cancelled, deferred, repeat, type Scene, startFronts } from '../front-scene.ts';
import { Page } from './page.ts';

const post = ({ url, token }: Scene, body: unknown, { path = '/echo', key = token, type = 'application/json' } = {}) =>
  fetch(`${url}/ag-ui${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': type, accept: 'application/vnd.ag-ui.event+proto' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const input = {
  threadId: 't',
  runId: 'r',
  state: null,
  messages: [{ id: 'm', role: 'user', content: 'hi' }],
  tools: [],
  context: [],
  forwardedProps: null,
};

/** The events of a response. */
const eventsOf = async (response: Response) =>
  (await response.text())
    .split('\n\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)));

describe('a request to the AG-UI front › when it is malformed', () => {
  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['a list', []],
    ['no threadId', { ...input, threadId: undefined }],
    ['an empty runId', { ...input, runId: '' }],
    ['a threadId without an end', { ...input, threadId: 'x'.repeat(5_000) }],
    ['messages that are none', { ...input, messages: {} }],
    ['a message that is none', { ...input, messages: ['hi'] }],
    ['a message without an id', { ...input, messages: [{ role: 'user', content: 'hi' }] }],
    ['tools that are none', { ...input, tools: 'clock' }],
    ['a tool without a name', { ...input, tools: [{ description: '' }] }],
    ['a context that is none', { ...input, context: 'here' }],
    ['a resume that is none', { ...input, resume: 'yes' }],
    ['a resume of nothing', { ...input, resume: [{ status: 'resolved' }] }],
  ])('with %s › then it is 400, and nothing runs', async (_, body) => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const response = await post(scene, body);
    expect([response.status, await response.json()]).toEqual([400, { error: expect.stringMatching(/./) }]);
    expect(turns).toEqual([]);
  });

  test('by its path, its method, its type or its key › then it is refused as such', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const key = await scene.key('ada', { agents: ['other'] });
    expect((await post(scene, input, { path: '' })).status).toBe(404);
    expect((await post(scene, input, { path: '/echo/more' })).status).toBe(404);
    expect((await post(scene, input, { path: '/nobody' })).status).toBe(404);
    expect((await post(scene, input, { path: '/a%20b' })).status).toBe(404);
    expect((await post(scene, input, { key })).status).toBe(404);
    expect((await post(scene, input, { key: 'wrong' })).status).toBe(401);
    expect((await post(scene, input, { type: 'text/plain' })).status).toBe(415);
    const headers = { authorization: `Bearer ${scene.token}` };
    for (const [method, status] of [
      ['GET', 405],
      ['HEAD', 405],
      ['OPTIONS', 204],
    ] as const)
      expect((await fetch(`${scene.url}/ag-ui/echo`, { method, headers })).status).toBe(status);
  });

  test('in what only a run can say › then its run fails, and has begun', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const codeOf = async (more: object) => {
      const [first, last, ...others] = await eventsOf(await post(scene, { ...input, ...more }));
      expect(first).toEqual({ type: 'RUN_STARTED', threadId: 't', runId: 'r' });
      expect(others).toEqual([]);
      expect(last).toMatchObject({ type: 'RUN_ERROR', message: expect.stringMatching(/./) });
      return last.code;
    };
    expect(await codeOf({ messages: [] })).toBeUndefined();
    const audio = { type: 'audio', source: { type: 'data', value: 'AA==', mimeType: 'audio/wav' } };
    expect(await codeOf({ messages: [{ id: 'm', role: 'user', content: [audio] }] })).toBe('unsupported_value');
    const file = { type: 'image', source: { type: 'url', value: 'file:///etc/passwd' } };
    expect(await codeOf({ messages: [{ id: 'm', role: 'user', content: [file] }] })).toBe('unsupported_value');
    expect(await codeOf({ messages: [{ id: 'm', role: 'tool', toolCallId: 'cb-1', content: '5' }] })).toBe(
      'tool_call_unknown',
    );
    expect(await codeOf({ resume: [{ interruptId: 'x', status: 'resolved' }] })).toBe('interrupt_unknown');
  });
});

describe('two keys at the AG-UI front › when their threads have one name', () => {
  test('then neither answers, goes on with or ends what is the other’s', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      const { approved } = await turn.requestApproval({ action: turn.prompt });
      turn.token(`${turn.prompt} ${approved}`);
    });
    const [ada, eve] = [await scene.key('ada'), await scene.key('eve')];
    const hers = new Page({ scene, key: ada });
    await hers.say('hers');
    const resume = hers.interrupts.map(({ id }) => ({
      interruptId: id,
      status: 'resolved' as const,
      payload: { approved: true },
    }));
    const other = new Page({ scene, key: eve });
    other.agent.setMessages(hers.agent.messages);
    await other.run({ resume }).catch(() => {});
    expect(other.last).toMatchObject({ code: 'interrupt_unknown' });
    await other.say('mine');
    expect(turns[0]?.sessionId).not.toBe(turns[1]?.sessionId);
    await hers.run({ resume });
    expect(hers.text).toBe('hers true');
  });
});

describe('a thread of the AG-UI front › when two runs of it are wanted at once', () => {
  test('then the second fails, and the first goes on', async () => {
    const scene = await startFronts();
    const { promise, resolve } = deferred();
    await scene.agent('echo', async (turn) => {
      turn.token('one');
      await promise;
    });
    const [first, second] = [new Page({ scene }), new Page({ scene })];
    const began = deferred();
    first.agent.subscribe({ onTextMessageContentEvent: () => began.resolve() });
    const run = first.say('go');
    await began.promise;
    await second.say('go, too').catch(() => {});
    expect(second.last).toMatchObject({ type: 'RUN_ERROR', code: 'session_busy' });
    await second.run({ resume: [{ interruptId: 'x', status: 'cancelled' }] }).catch(() => {});
    expect(second.last).toMatchObject({ code: 'session_busy' });
    resolve();
    await run;
    expect(first.last).toMatchObject({ outcome: { type: 'success' } });
  });

  test('and one of them answers an interrupt that the other has answered › then it is unknown', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      await turn.requestApproval({ approvalId: 'a', action: 'wipe' });
      turn.token('on');
      await cancelled(turn);
    });
    const page = new Page({ scene });
    await page.say('go');
    const resume = [{ interruptId: 'a', status: 'resolved' as const, payload: { approved: true } }];
    page.agent.subscribe({ onTextMessageContentEvent: () => page.agent.abortRun() });
    await page.run({ resume }).catch(() => {});
    await cancelled(turns[0] as never);
    const again = new Page({ scene });
    again.agent.setMessages(page.agent.messages);
    await expect
      .poll(async () => {
        await again.run({ resume }).catch(() => {});
        return again.last?.code;
      })
      .toBe('interrupt_unknown');
  });
});
