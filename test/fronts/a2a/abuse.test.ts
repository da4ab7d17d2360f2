import { TaskState } from '@a2a-js/sdk';
import { describe, expect, test } from 'vitest';
import { MAX_ID } from '../../../fronts/a2a/message.ts';
import { eventually } from '../../browser/support/eventually.ts';
import { deferred, repeat, type Scene, startFronts } from '../front-scene.ts';
import { AT_ONCE, answerOf, byId, cancelOf, clientOf, data, read, said, stateOf, taskOf } from './client.ts';

async function post({ url, token }: Scene, body: unknown, { path = 'echo', key = token, version = '1.0' } = {}) {
  const response = await fetch(`${url}/a2a/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'a2a-version': version },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const user = { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'hi' }] };
const old = { kind: 'message', messageId: 'm', role: 'user', parts: [{ kind: 'text', text: 'hi' }] };
const call = (method: string, params: unknown) => ({ jsonrpc: '2.0', id: 7, method, params });
const send = (message: unknown, more: object = {}) => call('SendMessage', { message, ...more });

describe('a request to the A2A front › when it is malformed', () => {
  test.each<[string, unknown, number]>([
    ['no JSON', '{', -32700],
    ['a list', [send(user)], -32600],
  ])('as %s › then it is 400', async (_, body, code) => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    expect(await post(scene, body)).toMatchObject({ status: 400, body: { jsonrpc: '2.0', id: null, error: { code } } });
    expect(turns).toEqual([]);
  });

  test.each<[string, object, number, string?]>([
    ['no JSON-RPC', { id: 7, method: 'SendMessage' }, -32600],
    ['no method', { jsonrpc: '2.0', id: 7, params: {} }, -32600],
    ['a method that is none', { jsonrpc: '2.0', id: 7, method: 5 }, -32600],
    ['an unknown method', call('Boom', {}), -32601],
    ['an unknown method, and no parameters', call('Boom', undefined), -32601],
    ['parameters that are a list', call('SendMessage', [1]), -32602],
    ['an unknown method of 0.3', call('boom', {}), -32601, '0.3'],
    ['no parameters', call('SendMessage', undefined), -32602],
    ['no message', send(undefined), -32602],
    ['a message that is none', send(5), -32602],
    ['a message without an id', send({ ...user, messageId: '' }), -32602],
    ['an id without an end', send({ ...user, messageId: 'x'.repeat(MAX_ID + 1) }), -32602],
    ['a context without an end', send({ ...user, contextId: 'x'.repeat(MAX_ID + 1) }), -32602],
    ['an agent’s message', send({ ...user, role: 'ROLE_AGENT' }), -32602],
    ['nothing said', send({ ...user, parts: [] }), -32602],
    ['parts that are none', send({ ...user, parts: [null] }), -32602],
    ['a file', send({ ...user, parts: [{ raw: 'AA==', mediaType: 'text/x' }] }), -32005],
    ['a picture without data', send({ ...user, parts: [{ raw: '', mediaType: 'image/png' }] }), -32602],
    ['data', send({ ...user, parts: [{ data: { a: 1 } }] }), -32005],
    [
      'a picture of this machine',
      send({ ...user, parts: [{ url: 'file:///etc/passwd', mediaType: 'image/png' }] }),
      -32005,
    ],
    ['a number of messages below zero', call('GetTask', { id: 'x', historyLength: -1 }), -32602],
    ['a task without an id', call('GetTask', {}), -32602],
    ['a task that there is not', call('GetTask', { id: 'nothing' }), -32001],
    ['a page without an end', call('ListTasks', { pageSize: 1e9 }), -32602],
    ['a page that none has named', call('ListTasks', { pageToken: 'x' }), -32602],
    ['a time that is none', call('ListTasks', { statusTimestampAfter: 'noon' }), -32602],
    ['a version that there is not', send(user), -32009, '2.0'],
    [
      'whom to call back',
      send(user, { configuration: { taskPushNotificationConfig: { url: 'http://x.example' } } }),
      -32003,
    ],
    [
      'whom to call back, later',
      call('CreateTaskPushNotificationConfig', { taskId: 'x', url: 'http://x.example' }),
      -32003,
    ],
    ['an extended card', call('GetExtendedAgentCard', {}), -32004],
    ['a message of 0.3 that is none', call('message/send', { message: null }), -32602, '0.3'],
    [
      'a message of 0.3 whose file is none',
      call('message/stream', { message: { ...old, parts: [{ kind: 'file' }] } }),
      -32602,
      '0.3',
    ],
  ])('with %s › then it hears so, and nothing runs', async (_, body, code, version = '1.0') => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const answer = await post(scene, body, { version });
    expect(answer).toMatchObject({ status: 200, body: { jsonrpc: '2.0', id: 7, error: { code } } });
    expect(JSON.stringify(answer.body)).not.toMatch(/undefined|TypeError|node_modules/);
    expect(turns).toEqual([]);
  });

  test.each([[{}], [true], [[]], [1.5]])('with the id %j › then it has none in the answer', async (id) => {
    const scene = await startFronts();
    const answer = await post(scene, { ...send(user), id });
    expect(answer).toMatchObject({ status: 200, body: { id: null, error: { code: -32600 } } });
  });

  test('by its path, its method or its key › then it is refused as such', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const statusOf = async (path: string, init: RequestInit = {}, token = scene.token) => {
      const response = await fetch(`${scene.url}/a2a${path}`, {
        headers: { authorization: `Bearer ${token}` },
        ...init,
      });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await statusOf('')).toBe(404);
    expect(await statusOf('/echo/other')).toBe(404);
    expect(await statusOf('/echo')).toBe(405);
    expect(await statusOf('/echo', { method: 'POST' }, 'wrong')).toBe(401);
    expect(await statusOf('/echo', { method: 'POST', body: '{}' })).toBe(415);
    expect(await statusOf('/echo', { method: 'OPTIONS' })).toBe(204);
    expect(await statusOf('/echo/.well-known/agent-card.json', { method: 'POST' })).toBe(405);
    expect(await statusOf('/echo/.well-known/agent-card.json', { method: 'POST', headers: {} })).toBe(401);
    const key = await scene.key('ada', { agents: ['other'] });
    for (const [path, by] of [
      ['nobody', scene.token],
      ['%00', scene.token],
      ['echo', key],
    ])
      expect(await post(scene, send(user), { path, key: by })).toMatchObject({
        status: 404,
        body: { error: { code: -32000 } },
      });
  });
});

describe('a key', () => {
  test('never sees, answers, cancels or reads another’s tasks', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      await turn.requestApproval({ tool: 'rm', params: {} });
    });
    await scene.agent('other', repeat);
    const [ada, eve] = [await scene.key('ada'), await scene.key('eve')];
    const own = await clientOf(scene, { key: ada });
    const task = await taskOf(own.sendMessage(said('go', { contextId: 'c' })));
    const { id: taskId } = task;
    const none = /no such task/;
    const foreign = [await clientOf(scene, { key: eve }), await clientOf(scene, { key: ada, agent: 'other' })];
    for (const client of foreign) {
      await expect(client.getTask(byId(taskId))).rejects.toThrow(none);
      await expect(client.cancelTask(cancelOf(taskId))).rejects.toThrow(none);
      await expect(client.sendMessage(said('yes', { taskId }))).rejects.toThrow(none);
      await expect(read(client.resubscribeTask(byId(taskId)))).rejects.toThrow(none);
      expect((await client.listTasks(listing())).tasks).toEqual([]);
    }
    // What both call the same are two conversations.
    await taskOf((foreign[0] as typeof own).sendMessage(said('go', { contextId: 'c' })));
    expect(turns).toHaveLength(2);
    expect((await own.listTasks(listing())).tasks.map(({ id }) => id)).toEqual([taskId]);
    expect(stateOf(await own.getTask(byId(taskId)))).toBe('INPUT_REQUIRED');
  });
});

const listing = (more: object = {}) => ({
  tenant: '',
  contextId: '',
  status: TaskState.TASK_STATE_UNSPECIFIED,
  pageToken: '',
  statusTimestampAfter: undefined,
  ...more,
});

describe('tasks › when they are listed', () => {
  test('then page by page, those of a context or a state alone, and answers where they are asked for', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const client = await clientOf(scene);
    for (const word of ['one', 'two', 'three']) await client.sendMessage(said(word, { contextId: word }));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await client.listTasks(listing({ pageSize: 2, pageToken, includeArtifacts: true }));
      expect(page.totalSize).toBe(3);
      seen.push(...page.tasks.map(answerOf));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen.sort()).toEqual(['one', 'three', 'two']);
    const { tasks } = await client.listTasks(listing({ contextId: 'two', historyLength: 0 }));
    expect(tasks).toMatchObject([{ contextId: 'two', artifacts: [], history: [] }]);
    expect((await client.listTasks(listing({ status: TaskState.TASK_STATE_FAILED }))).tasks).toEqual([]);
    const later = new Date(Date.now() + 60_000).toISOString();
    expect((await client.listTasks(listing({ statusTimestampAfter: later }))).tasks).toEqual([]);
  });
});

describe('a task › when it is sent what it has not asked for', () => {
  test('then that is refused, and it goes on', async () => {
    const scene = await startFronts();
    const go = deferred();
    await scene.agent('echo', async (turn) => {
      await go.promise;
      await turn.requestApproval({ tool: 'rm', params: {} });
    });
    const client = await clientOf(scene);
    const { id: taskId } = await taskOf(client.sendMessage(said('go', { contextId: 'c' }, AT_ONCE)));
    await expect(client.sendMessage(said('yes', { taskId }))).rejects.toThrow('asks nothing');
    await expect(client.sendMessage(said('yes', { taskId, contextId: 'd' }))).rejects.toThrow('another context');
    go.resolve();
    await eventually(async () => stateOf(await client.getTask(byId(taskId)))).toBe('INPUT_REQUIRED');
    const wrong = data({ approved: true, approval_id: 'another' });
    await expect(client.sendMessage(said(wrong, { taskId }))).rejects.toThrow('asks nothing');
    await expect(client.sendMessage(said(data({ approved: 'yes' }), { taskId }))).rejects.toThrow('an answer is');
    const twice = await Promise.allSettled([1, 2].map(() => client.sendMessage(said('yes', { taskId }))));
    expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await eventually(async () => stateOf(await client.getTask(byId(taskId)))).toBe('COMPLETED');
    await expect(client.sendMessage(said('yes', { taskId }))).rejects.toThrow('has ended');
  });
});
