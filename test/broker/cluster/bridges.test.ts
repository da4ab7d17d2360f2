import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { acpKind } from '../../../attach/acp/kind.ts';
import { acpSettings } from '../../../attach/acp/settings.ts';
import type { AttachKind } from '../../../attach/attached.ts';
import { Join } from '../../../attach/join.ts';
import { readEntry } from '../../../attach/kinds.ts';
import { type Broker, createBroker } from '../../../broker.ts';
import { connectAgent, connectHost } from '../../../client/node.ts';
import { SharedDirectory } from '../../../cluster/shared-directory.ts';
import { listAgents } from '../../../fronts/core/agents.ts';
import { FrontTurn } from '../../../fronts/core/turn.ts';
import { mcpServer } from '../../../fronts/mcp/server.ts';
import { scripted } from '../../attach/acp-scene.ts';
import { answerOf, clientOf, said, taskOf } from '../../fronts/a2a/client.ts';
import { Page } from '../../fronts/ag-ui/page.ts';
import { repeat, startFronts } from '../../fronts/front-scene.ts';
import { MemoryNet } from '../../link/support/memory-carrier.ts';
import { startRemote } from '../../support/a2a-remote.ts';

/* Other people's clients at one broker, and other people's agents at another one. */

const TOKENS = { daemon: 'the-daemon-token', host: 'the-host-token' };

/** Two brokers, the first of them with fronts, by a real clock. */
async function two() {
  const net = new MemoryNet({ nextTick: (run: () => void) => process.nextTick(run) } as never);
  const directory = new SharedDirectory();
  const options = (id: string) => ({
    tokens: TOKENS,
    limits: { ackTimeoutMs: 60_000 },
    cluster: {
      id,
      carrier: net.carrier(id),
      directory: directory.another(),
      home: 'a',
      peers: id === 'a' ? ['b'] : ['a'],
    },
  });
  const scene = await startFronts({ broker: options('a') });
  const b = createBroker({ ...options('b'), limits: { ackTimeoutMs: 60_000, drainTimeoutMs: 1 } });
  onTestFinished(() => b.close());
  const host = await connectHost({ link: scene.broker.connect(), token: TOKENS.daemon });
  onTestFinished(() => host.close());
  const manager = await connectHost({ link: scene.broker.connect(), hostToken: TOKENS.host });
  onTestFinished(() => manager.close());
  /** Until an agent of the second broker's is known at the first. */
  const isThere = async (id: string) => {
    await expect
      .poll(async () => (await host.agents.list()).find(({ spec }) => spec.id === id)?.attached, { timeout: 60_000 })
      .toBe(true);
  };
  return { scene, b, host, isThere };
}

async function echoAt(broker: Broker) {
  const { token = '' } = broker.upsertAgent({ id: 'echo' }, { ephemeral: true });
  const agent = await connectAgent({ link: () => broker.connect(), agentId: 'echo', token, onChat: repeat });
  onTestFinished(() => agent.close());
}

async function joinAt(broker: Broker, id: string, kind: AttachKind, env = {}) {
  const { token = '' } = broker.upsertAgent({ id }, { ephemeral: true });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const connection = { link: () => broker.connect() };
  const joined = new Join({ kind, agentId: id, connection, token, log, env, onFailedStart: 'fail' });
  onTestFinished(() => joined.close());
  await joined.start();
}

test('an agent of another broker is a model, a page’s agent, a task’s and a tool’s', async () => {
  const { scene, b, isThere } = await two();
  await echoAt(b);
  await isThere('echo');
  const openai = new OpenAI({ baseURL: `${scene.url}/v1`, apiKey: scene.token, maxRetries: 0 });
  expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(['echo']);
  const messages = [{ role: 'user' as const, content: 'good day' }];
  const whole = await openai.chat.completions.create({ model: 'echo', messages });
  expect(whole.choices[0]?.message.content).toBe('good day');

  const page = new Page({ scene });
  await page.say('good day');
  expect([page.text, page.types.at(-1)]).toEqual(['good day', 'RUN_FINISHED']);

  const tasks = await clientOf(scene);
  expect(answerOf(await taskOf(tasks.sendMessage(said('good day', { contextId: 'tea' }))))).toBe('good day');

  const connect = () => connectHost({ link: scene.broker.connect(), token: scene.token });
  const server = mcpServer(
    {
      list: () => listAgents(connect()),
      openTurn: async (spec, signal) => FrontTurn.open('me', await connect(), spec, signal),
    },
    { version: '1', approvalTimeoutMs: 1_000, depth: 0 },
  );
  const [near, far] = InMemoryTransport.createLinkedPair();
  const mcp = new Client({ name: 'a test', version: '1' });
  await Promise.all([mcp.connect(near), server.connect(far)]);
  onTestFinished(() => mcp.close());
  const answer = await mcp.callTool({ name: 'ask_agent', arguments: { agent: 'echo', prompt: 'good day' } });
  expect(answer).toMatchObject({ content: [{ text: 'good day' }] });
});

test('an A2A agent that is attached to another broker answers', async () => {
  const { b, host, isThere } = await two();
  const far = await startRemote({
    play: async (says) => {
      says.task();
      says.artifact('a', 'one');
      says.artifact('a', ' two', true);
      says.status('completed');
    },
  });
  await joinAt(b, 'remote', await readEntry({ id: 'remote', a2a: far.url }, (name) => name).load());
  await isThere('remote');
  expect(await host.chat('remote', 'go', { sessionId: 's' }).text()).toBe('one two');
});

test('an ACP agent that is attached to another broker asks its host, and answers', async () => {
  const { b, host, isThere } = await two();
  const directory = mkdtempSync(joinPath(tmpdir(), 'acp-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { acp, env } = scripted({});
  const settings = acpSettings.parse({ acp, cwd: directory, spare: 0, env });
  await joinAt(b, 'coder', acpKind(settings), process.env);
  await isThere('coder');
  const options = [
    { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
    { optionId: 'no', name: 'No', kind: 'reject_once' },
  ];
  const toolCall = { toolCallId: 't', title: 'rm', kind: 'execute', rawInput: { command: 'rm' } };
  const chat = host.chat(
    'coder',
    JSON.stringify([
      ['ask', { toolCall, options }],
      ['say', 'done'],
    ]),
    { sessionId: 's' },
  );
  const kinds: string[] = [];
  for await (const event of chat) {
    kinds.push(event.kind);
    if (event.kind === 'approval_pending') await chat.approve(event.approval_id, true);
  }
  expect(kinds).toContain('approval_pending');
  expect(kinds.at(-1)).toBe('done');
});
