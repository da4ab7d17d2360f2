import { once } from 'node:events';
import type { AnyMessage, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { guarded } from '../../../fronts/acp/guarded.ts';
import { MAX_CWD } from '../../../fronts/acp/params.ts';
import { promptOf } from '../../../fronts/acp/prompt-blocks.ts';
import { repeat } from '../front-scene.ts';
import { acpClient, startAcp } from './acp-client.ts';

interface Answer {
  id?: unknown;
  result?: unknown;
  error?: { code: number; message: string };
}

/** A WebSocket that sends what a test likes, and all that it is answered. Nothing of it is printed. */
async function rawClient() {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => expect(printed.mock.calls).toEqual([]));
  const { agent, token, url } = await startAcp();
  await agent('echo', repeat);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/acp/echo`, {
    headers: { authorization: `Bearer ${token}` },
  });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  const answers: Answer[] = [];
  const sizes: number[] = [];
  socket.on('message', (data) => {
    sizes.push(String(data).length);
    answers.push(JSON.parse(String(data)));
  });
  const send = (message: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  let id = 0;
  return {
    answers,
    sizes,
    send,
    /** Resolves to the answer of that request. */
    async ask(method: string, params: unknown): Promise<Answer> {
      id += 1;
      const own = id;
      send({ id: own, method, params });
      await expect.poll(() => answers.some((answer) => answer.id === own)).toBe(true);
      return answers.find((answer) => answer.id === own) as Answer;
    },
  };
}

test.each([
  ['null', null],
  ['a number', 5],
  ['an empty object', {}],
  ['no outcome', { outcome: 5 }],
  ['no option', { outcome: { outcome: 'selected' } }],
  ['an option that is no text', { outcome: { outcome: 'selected', optionId: {} } }],
])('a permission that is answered with %s is denied', async (_, said) => {
  const { agent, streamTo } = await startAcp();
  await agent('echo', async (turn) => {
    turn.token(String((await turn.requestApproval({ action: 'rm' })).decision));
  });
  const client = acpClient(streamTo('WebSocket'), { permission: () => said as RequestPermissionResponse });
  expect(await client.prompt(await client.begin(), 'x')).toEqual({ stopReason: 'end_turn' });
  expect(client.text).toBe('false');
});

test('a prompt of very many blocks is read in the time that its length takes', () => {
  const blocks = Array.from({ length: 30_000 }, () => ({ type: 'text', text: 'x'.repeat(500) }));
  expect(promptOf(blocks).text).toHaveLength(30_000 * 502 - 2);
});

test('what is wrong with a request is said once, however often it is wrong', async () => {
  const { ask, sizes } = await rawClient();
  const many = { protocolVersion: 1, clientCapabilities: { fs: Array(30_000).fill({}) } };
  expect(await ask('initialize', many)).toHaveProperty('result');
  const { result } = await ask('session/new', { cwd: '/', mcpServers: Array(30_000).fill({ args: 5 }) });
  const { sessionId } = result as { sessionId: string };
  for (const block of [0, {}, { type: 'resource' }, { type: { toString: 5 } }, { type: 'image', data: 1 }]) {
    const { error } = await ask('session/prompt', { sessionId, prompt: Array(30_000).fill(block) });
    expect(error).toMatchObject({ code: -32602 });
  }
  expect(await ask('session/prompt', { sessionId, prompt: 'x' })).toMatchObject({ error: { code: -32602 } });
  expect(await ask('session/prompt', [])).toMatchObject({ error: { code: -32602 } });
  expect(Math.max(...sizes)).toBeLessThan(1_000);
});

test('a message of too many members is refused unread, and the next one is read', async () => {
  const { ask, answers, send } = await rawClient();
  send({ id: 'many', method: 'initialize', params: { protocolVersion: 1, _meta: Array(200_000).fill([]) } });
  await expect.poll(() => answers).toHaveLength(1);
  expect(answers[0]).toMatchObject({ id: null, error: { code: -32600, message: expect.stringMatching('100000') } });
  expect(await ask('initialize', { protocolVersion: 1 })).toHaveProperty('result');
});

test('a session works in a path of a bounded length', async () => {
  const { ask } = await rawClient();
  await ask('initialize', { protocolVersion: 1 });
  const begin = (cwd: unknown) => ask('session/new', { cwd, mcpServers: [] });
  expect(await begin('x'.repeat(MAX_CWD))).toHaveProperty('result');
  expect(await begin('x'.repeat(MAX_CWD + 1))).toMatchObject({ error: { code: -32602 } });
  expect(await begin(5)).toMatchObject({ error: { code: -32602 } });
});

test('what nobody asked for is neither printed nor said back', async () => {
  const { ask, answers, send, sizes } = await rawClient();
  const long = 'x'.repeat(10_000);
  send({ id: long, result: {} });
  send({ id: long, error: 5 });
  send({ error: long });
  send({ method: 'session/cancel', params: long });
  send({ method: long, params: {} });
  send({ id: { long }, method: 'initialize' });
  send({ id: 1, method: 5, long });
  send({ jsonrpc: '1.0', id: 1, method: 'initialize', long });
  await ask('initialize', { protocolVersion: 1 });
  expect(answers.slice(0, -1)).toEqual(
    Array(3).fill({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Invalid request' } }),
  );
  expect(Math.max(...sizes)).toBeLessThan(1_000);
});

test('of many messages that come at once each has a turn of the event loop for itself', async () => {
  const { readable } = guarded({
    readable: new ReadableStream<AnyMessage>({
      start(controller) {
        for (let id = 0; id < 5; id += 1) controller.enqueue({ jsonrpc: '2.0', id, method: 'x' });
      },
    }),
    writable: new WritableStream<AnyMessage>(),
  });
  let turn = 0;
  let ticking = setImmediate(function tick() {
    turn += 1;
    ticking = setImmediate(tick);
  });
  const reader = readable.getReader();
  const turns: number[] = [];
  for (let read = 0; read < 5; read += 1) {
    await reader.read();
    turns.push(turn);
  }
  clearImmediate(ticking);
  expect(new Set(turns).size).toBe(5);
});

test('a request that was taken back is answered to the SDK at once, and its late answer dropped', async () => {
  const said: unknown[] = [];
  let say!: ReadableStreamDefaultController<AnyMessage>;
  const { readable, writable } = guarded({
    readable: new ReadableStream<AnyMessage>({
      start(controller) {
        say = controller;
      },
    }),
    writable: new WritableStream<AnyMessage>({ write: (message) => void said.push(message) }),
  });
  const writer = writable.getWriter();
  const reader = readable.getReader();
  await writer.write({ jsonrpc: '2.0', id: 7, method: 'session/request_permission' });
  await writer.write({ jsonrpc: '2.0', id: 8, method: 'session/request_permission' });
  await writer.write({ jsonrpc: '2.0', method: '$/cancel_request', params: { requestId: 7 } });
  expect(await reader.read()).toMatchObject({ value: { id: 7, error: { code: -32800 } } });
  for (const id of [7, 8, 8]) say.enqueue({ jsonrpc: '2.0', id, result: {} });
  expect(await reader.read()).toMatchObject({ value: { id: 8, result: {} } });
  say.close();
  expect(await reader.read()).toEqual({ done: true, value: undefined });
  expect(said).toHaveLength(3);
});
