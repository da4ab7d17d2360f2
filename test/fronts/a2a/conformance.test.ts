import { beforeAll, describe, expect, test } from 'vitest';
import { type BrokerOptions, createBroker, mountFronts } from '../../../broker.ts';
import { connectAgent } from '../../../client/node.ts';
import { cancelled } from '../front-scene.ts';
import { type Answer, eventsOf, RawClient } from './raw-client.ts';

/*
 * What A2A's specification says a server MUST do over JSON-RPC, by the names that its own kit of tests has for it. That kit is
 * in Python, and is not run here: each of these asks for the same.
 */

type Message = Record<string, unknown>;

const sut = new RawClient();
let count = 0;

beforeAll(async () => {
  const options: BrokerOptions = { limits: { drainTimeoutMs: 1 } };
  const broker = createBroker(options);
  mountFronts(broker, { fronts: ['a2a'] });
  const { port } = await broker.listen({ port: 0 });
  const { token = '' } = broker.upsertAgent({ id: 'echo', rotate_token: true });
  const agent = await connectAgent({
    link: () => broker.connect(),
    agentId: 'echo',
    token,
    onChat: async (turn) => {
      if (turn.prompt === 'ask') await turn.requestApproval({ tool: 'rm', params: {} });
      turn.token('one ');
      if (turn.prompt === 'wait') await cancelled(turn);
      turn.token('two');
    },
  });
  Object.assign(sut, { url: `http://127.0.0.1:${port}/a2a/echo`, token: broker.tokens.daemon });
  return async () => {
    await agent.close();
    await broker.close();
  };
});

const call: RawClient['call'] = (...words) => sut.call(...words);
const post: RawClient['post'] = (...words) => sut.post(...words);
const open: RawClient['open'] = (...words) => sut.open(...words);

const message = (text: string, more: Message = {}): { message: Message } => {
  count += 1;
  return { message: { role: 'ROLE_USER', messageId: `m-${count}`, parts: [{ text }], ...more } };
};
const AT_ONCE = { configuration: { returnImmediately: true } };
const send = async (text: string, more: object = {}) =>
  (await call('SendMessage', { ...message(text), ...more })).result.task;
const codeOf = ({ error }: Answer) => error?.code;

const REQUIREMENTS: readonly [id: string, what: string, run: () => Promise<void>][] = [
  [
    'CORE-SEND-001, CORE-MULTI-001a, CORE-MULTI-003',
    'a message is answered with a task, which has an id and a context',
    async () => {
      const [one, two] = [await send('hi'), await send('hi')];
      expect(one).toMatchObject({ id: expect.any(String), contextId: expect.any(String) });
      expect(one.status).toMatchObject({ state: 'TASK_STATE_COMPLETED', timestamp: expect.any(String) });
      expect(one.artifacts[0].parts[0]).toMatchObject({ text: 'one two' });
      expect(two.id).not.toBe(one.id);
    },
  ],
  [
    'CORE-SEND-002',
    'a message to a task that has ended is -32004',
    async () => {
      const { id: taskId } = await send('hi');
      expect(codeOf(await call('SendMessage', message('on', { taskId })))).toBe(-32004);
    },
  ],
  [
    'CORE-SEND-003',
    'a part of a type that is not taken is -32005',
    async () => {
      const parts = [{ raw: 'dGNr', mediaType: 'application/x-unsupported' }];
      expect(codeOf(await call('SendMessage', message('', { parts })))).toBe(-32005);
    },
  ],
  [
    'CORE-STREAM-001, CORE-STREAM-003, JSONRPC-SSE-001',
    'a stream begins with the task, and closes where that has ended',
    async () => {
      const events = await eventsOf(await open('SendStreamingMessage', message('hi')));
      for (const event of events) {
        expect(event).toMatchObject({ jsonrpc: '2.0', id: 1, result: expect.any(Object) });
        expect(Object.keys(event.result)).toHaveLength(1);
      }
      expect(events[0]?.result).toHaveProperty('task.id');
      expect(events.at(-1)?.result).toMatchObject({ statusUpdate: { status: { state: 'TASK_STATE_COMPLETED' } } });
    },
  ],
  [
    'CORE-GET-001, CORE-HIST-005, CORE-HIST-006',
    'a task is had as it is, with what was said in its order',
    async () => {
      const { id } = await send('hi');
      const { result } = await call('GetTask', { id });
      expect(result).toMatchObject({ id, status: { state: 'TASK_STATE_COMPLETED' } });
      expect(result.history[0]).toMatchObject({ role: 'ROLE_USER', parts: [{ text: 'hi' }] });
    },
  ],
  [
    'CORE-HIST-001, CORE-HIST-002, CORE-HIST-003',
    'no more of what was said than is asked for',
    async () => {
      const { id } = await send('hi');
      expect((await call('GetTask', { id, historyLength: 0 })).result.history ?? []).toEqual([]);
      expect((await call('GetTask', { id, historyLength: 1 })).result.history).toHaveLength(1);
      expect((await send('hi', { configuration: { historyLength: 0 } })).history ?? []).toEqual([]);
    },
  ],
  [
    'CORE-GET-002, CORE-CANCEL-003, CORE-MULTI-004, STREAM-SUB-004',
    'a task that there is not is -32001',
    async () => {
      for (const method of ['GetTask', 'CancelTask', 'SubscribeToTask'])
        expect(codeOf(await call(method, { id: 'none' }))).toBe(-32001);
      expect(codeOf(await call('SendMessage', message('hi', { taskId: 'none' })))).toBe(-32001);
    },
  ],
  [
    'CORE-LIST-001, CORE-LIST-002, CORE-LIST-003, CORE-LIST-004, CORE-LIST-005',
    'tasks come page by page, those that changed last first, without answers, and the last page names no other',
    async () => {
      const contextId = 'listed';
      const ids: string[] = [];
      for (const text of ['a', 'b', 'c']) {
        ids.unshift((await call('SendMessage', message(text, { contextId }))).result.task.id);
        // Their times are told in milliseconds.
        for (const from = Date.now(); Date.now() === from; ) await new Promise(setImmediate);
      }
      const first = (await call('ListTasks', { contextId, pageSize: 2 })).result;
      const last = (await call('ListTasks', { contextId, pageSize: 2, pageToken: first.nextPageToken })).result;
      expect([...first.tasks, ...last.tasks].map(({ id }) => id)).toEqual(ids);
      expect(first).toMatchObject({ totalSize: 3, nextPageToken: expect.stringMatching(/./) });
      expect(last.nextPageToken).toBe('');
      for (const task of first.tasks) expect(task).not.toHaveProperty('artifacts');
      const whole = (await call('ListTasks', { contextId, includeArtifacts: true })).result;
      for (const task of whole.tasks) expect(task.artifacts).toHaveLength(1);
    },
  ],
  [
    'CORE-CANCEL-001',
    'a task that goes on is cancelled',
    async () => {
      for (const text of ['wait', 'ask']) {
        const { id } = await send(text, text === 'wait' ? AT_ONCE : {});
        expect((await call('CancelTask', { id })).result).toMatchObject({
          id,
          status: { state: 'TASK_STATE_CANCELED' },
        });
      }
    },
  ],
  [
    'CORE-CANCEL-002',
    'a task that has ended cannot be cancelled: -32002',
    async () => {
      const { id } = await send('hi');
      expect(codeOf(await call('CancelTask', { id }))).toBe(-32002);
    },
  ],
  [
    'CORE-EXECUTION-MODE-001',
    'who waits has a task that has ended, or asks something',
    async () => {
      expect((await send('hi')).status.state).toBe('TASK_STATE_COMPLETED');
      const asking = await send('ask');
      expect(asking.status).toMatchObject({
        state: 'TASK_STATE_INPUT_REQUIRED',
        message: { role: 'ROLE_AGENT', taskId: asking.id },
      });
      await call('CancelTask', { id: asking.id });
    },
  ],
  [
    'CORE-EXECUTION-MODE-002',
    'who does not wait has a task at once',
    async () => {
      const { id, status } = await send('wait', AT_ONCE);
      expect(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']).toContain(status.state);
      await call('CancelTask', { id });
    },
  ],
  [
    'CORE-ERR-001, JSONRPC-ERR-001, JSONRPC-ERR-003',
    'an error has a code, words, and in a list what kind it is',
    async () => {
      const { error } = await call('GetTask', { id: 'none' });
      expect(Object.keys(error ?? {}).sort()).toEqual(['code', 'data', 'message']);
      const info = { reason: 'TASK_NOT_FOUND', domain: 'a2a-protocol.org' };
      expect(error?.data).toEqual([{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', ...info }]);
    },
  ],
  [
    'CORE-ERR-002',
    'parameters that are wrong are -32602',
    async () => {
      for (const params of [{}, { message: { parts: 'invalid' } }, { '': 'x' }])
        expect(codeOf(await call('SendMessage', params))).toBe(-32602);
    },
  ],
  [
    'CORE-CAP-001, CORE-CAP-003',
    'what the card does not offer is refused as such',
    async () => {
      const config = { taskId: 't', id: 'c', url: 'https://example.com' };
      for (const what of ['Create', 'Get', 'Delete'])
        expect(codeOf(await call(`${what}TaskPushNotificationConfig`, config))).toBe(-32003);
      expect(codeOf(await call('ListTaskPushNotificationConfigs', { taskId: 't' }))).toBe(-32003);
      expect(codeOf(await call('GetExtendedAgentCard'))).toBe(-32004);
    },
  ],
  [
    'CORE-MULTI-002, CORE-MULTI-005, CORE-MULTI-006',
    'a context is kept, is known by its task, and another than that is refused',
    async () => {
      const { result } = await call('SendMessage', message('ask', { contextId: 'mine' }));
      const { id: taskId, contextId } = result.task;
      expect(contextId).toBe('mine');
      expect(codeOf(await call('SendMessage', message('yes', { taskId, contextId: 'other' })))).toBe(-32602);
      const { task } = (await call('SendMessage', message('yes', { taskId }))).result;
      expect(task).toMatchObject({ id: taskId, contextId, status: { state: 'TASK_STATE_COMPLETED' } });
    },
  ],
  [
    'STREAM-SUB-001, STREAM-SUB-002, STREAM-ORDER-002',
    'whoever subscribes has the task, then what becomes of it, as everybody has, up to its end',
    async () => {
      const { id } = await send('wait', AT_ONCE);
      const both = await Promise.all([1, 2].map(() => open('SubscribeToTask', { id })));
      await call('CancelTask', { id });
      const [one, two] = (await Promise.all(both.map(eventsOf))).map((events) => events.map(({ result }) => result));
      expect(one?.[0]).toMatchObject({ task: { id } });
      expect(two?.[0]).toMatchObject({ task: { id } });
      expect(one?.at(-1)).toMatchObject({ statusUpdate: { status: { state: 'TASK_STATE_CANCELED' } } });
      expect(two?.at(-1)).toEqual(one?.at(-1));
    },
  ],
  [
    'STREAM-SUB-003',
    'nobody subscribes to a task that has ended: -32004',
    async () => {
      const { id } = await send('hi');
      expect(codeOf(await call('SubscribeToTask', { id }))).toBe(-32004);
    },
  ],
  [
    'STREAM-ORDER-004',
    'a stream that is closed closes no other',
    async () => {
      const { id } = await send('wait', AT_ONCE);
      const leaving = new AbortController();
      const left = await open('SubscribeToTask', { id }, leaving.signal);
      const staying = await open('SubscribeToTask', { id });
      leaving.abort();
      await expect(left.text()).rejects.toThrow();
      await call('CancelTask', { id });
      expect(await staying.text()).toContain('TASK_STATE_CANCELED');
    },
  ],
  [
    'VER-SERVER-001, VER-SERVER-002, VER-SERVER-003, VER-CLIENT-002',
    'the version that is named counts, without its patch; none is 0.3; another is -32009',
    async () => {
      const by = async (version: string, method: string, query?: string) =>
        codeOf(await call(method, { id: 'none' }, { 'a2a-version': version }, query));
      expect(await by('1.0', 'GetTask')).toBe(-32001);
      expect(await by('1.0.7', 'GetTask')).toBe(-32001);
      expect(await by('0.3', 'tasks/get')).toBe(-32001);
      expect(await by('', 'tasks/get')).toBe(-32001);
      expect(await by('', 'GetTask')).toBe(-32601);
      expect(await by('99.0', 'GetTask')).toBe(-32009);
      expect(await by('', 'GetTask', '?A2A-Version=1.0')).toBe(-32001);
      expect(await by('', 'GetTask', '?A2A-Version=99.0')).toBe(-32009);
      expect(await by('1.0', 'GetTask', '?A2A-Version=0.3')).toBe(-32001);
    },
  ],
  [
    'JSON-RPC 2.0, 4 and 5.1',
    'what is no request is -32600, what is no JSON -32700, a method that there is not -32601',
    async () => {
      for (const version of ['1.0', '0.3']) {
        const by = { 'a2a-version': version };
        expect(codeOf(await post('{"jsonrpc": "2.0", "method": "GetTask"', by))).toBe(-32700);
        expect(codeOf(await post({ jsonrpc: 'aaa', method: 'SendMessage', params: {} }, by))).toBe(-32600);
        expect(codeOf(await post({ jsonrpc: '2.0', params: {} }, by))).toBe(-32600);
        expect(await post({ jsonrpc: '2.0', method: 'x', params: {}, id: { bad: 'type' } }, by)).toMatchObject({
          id: null,
          error: { code: -32600 },
        });
        expect(await post({ jsonrpc: '2.0', method: 'nonexistent', id: '3', params: {} }, by)).toMatchObject({
          id: '3',
          error: { code: -32601 },
        });
      }
    },
  ],
  [
    'CARD-DISC-001, CARD-PROTO-001, CARD-PROTO-002, CARD-STRUCT-001, CARD-CACHE-001, CARD-CACHE-002',
    'the card has all that it must have, and says for how long',
    async () => {
      const response = await fetch(`${sut.url}/.well-known/agent-card.json`, { headers: { 'a2a-version': '1.0' } });
      const card = (await response.json()) as Record<string, unknown>;
      for (const name of ['name', 'description', 'version', 'capabilities', 'skills', 'supportedInterfaces'])
        expect(card, name).toHaveProperty(name);
      expect(card.defaultInputModes).toContain('text/plain');
      expect(card.defaultOutputModes).toContain('text/plain');
      expect(card.supportedInterfaces).toEqual(
        ['1.0', '0.3'].map((protocolVersion) =>
          expect.objectContaining({ url: sut.url, protocolBinding: 'JSONRPC', protocolVersion }),
        ),
      );
      expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/);
      expect(response.headers.get('etag')).toMatch(/^".+"$/);
      expect(response.headers.get('vary')).toMatch(/Authorization/);
    },
  ],
];

describe('a server of A2A', () => {
  test.each(REQUIREMENTS)('%s › %s', async (_id, _what, run) => {
    await run();
  });
});
