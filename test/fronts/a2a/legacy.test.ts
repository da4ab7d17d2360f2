import type { Message, MessageSendParams, Part, Task, TaskArtifactUpdateEvent } from 'a2a-sdk-0-3';
import {
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
} from 'a2a-sdk-0-3/client';
import { describe, expect, test } from 'vitest';
import { cancelled, deferred, repeat, type Scene, startFronts } from '../front-scene.ts';
import { fetchWith } from './client.ts';

/** The client of A2A 0.3, as it was. */
async function oldClientOf({ url, token }: Scene, { agent = 'echo', key = token } = {}) {
  const transport = new JsonRpcTransportFactory({ fetchImpl: fetchWith(key) });
  const cardResolver = new DefaultAgentCardResolver();
  const factory = new ClientFactory({ ...ClientFactoryOptions.default, transports: [transport], cardResolver });
  return factory.createFromUrl(`${url}/a2a/${agent}/`, '.well-known/agent-card.json');
}

const said = (text: string, more: Partial<Message> = {}): MessageSendParams => ({
  message: {
    kind: 'message',
    messageId: crypto.randomUUID(),
    role: 'user',
    parts: [{ kind: 'text', text }],
    ...more,
  },
  configuration: { blocking: true },
});
const textIn = (parts: readonly Part[] = []) => parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
const answerOf = (task: Task) => textIn(task.artifacts?.[0]?.parts);
const taskIn = (answer: Task | Message): Task => {
  if (answer.kind !== 'task') throw new Error('a bare message');
  return answer;
};

describe('a client of A2A 0.3', () => {
  test('finds its way by the card, sends, and has the task', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const client = await oldClientOf(scene);
    const task = taskIn(await client.sendMessage(said('good day')));
    expect([task.status.state, answerOf(task)]).toEqual(['completed', 'good day']);
    expect(await client.getTask({ id: task.id })).toEqual(task);
  });

  test('streams, is asked, answers, and reads on', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      turn.token('may I? ');
      turn.event({ kind: 'content', content: { type: 'data', data: [1] } });
      turn.event({ kind: 'content', content: { type: 'image', mimeType: 'image/png', data: 'AAEC' } });
      const { approved } = await turn.requestApproval({ tool: 'rm', params: {} });
      turn.token(String(approved));
    });
    const client = await oldClientOf(scene);
    const states: string[] = [];
    let taskId = '';
    let text = '';
    const read = async (params: MessageSendParams) => {
      for await (const event of client.sendMessageStream(params)) {
        if (event.kind === 'task') {
          taskId = event.id;
          states.push(event.status.state);
        } else if (event.kind === 'status-update') states.push(event.status.state);
        else if (event.kind === 'artifact-update') text += textIn((event as TaskArtifactUpdateEvent).artifact.parts);
      }
    };
    await read(said('go'));
    expect(states).toEqual(['submitted', 'working', 'input-required']);
    await read(said('', { taskId, parts: [{ kind: 'data', data: { approved: true } }] }));
    expect(states.at(-1)).toBe('completed');
    expect(text).toBe('may I? true');
    const kinds = (await client.getTask({ id: taskId })).artifacts?.[0]?.parts.map(({ kind }) => kind);
    expect(kinds).toEqual(['text', 'data', 'file']);
  });

  test('cancels half way, and comes back to what it has lost', async () => {
    const scene = await startFronts();
    const go = deferred();
    await scene.agent('echo', async (turn) => {
      turn.token('one');
      if (turn.prompt === 'lost') await go.promise;
      else await cancelled(turn);
    });
    const client = await oldClientOf(scene);
    const { id } = taskIn(await client.sendMessage({ ...said('go'), configuration: { blocking: false } }));
    expect((await client.cancelTask({ id })).status.state).toBe('canceled');
    const lost = taskIn(await client.sendMessage({ ...said('lost'), configuration: { blocking: false } }));
    const states: string[] = [];
    for await (const event of client.resubscribeTask({ id: lost.id })) {
      if (event.kind === 'task' || event.kind === 'status-update') states.push(event.status.state);
      go.resolve();
    }
    expect(states.at(-1)).toBe('completed');
  });

  test('asks for what there is not › and hears so', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    const client = await oldClientOf(scene);
    await expect(client.getTask({ id: 'nothing' })).rejects.toThrow(/not found|no such task/i);
    const push = { taskId: 'x', pushNotificationConfig: { url: 'http://127.0.0.1:1/' } };
    const answer = await fetch(`${scene.url}/a2a/echo`, {
      method: 'POST',
      headers: { authorization: `Bearer ${scene.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tasks/pushNotificationConfig/set', params: push }),
    });
    expect(await answer.json()).toMatchObject({ id: 1, error: { code: -32003 } });
  });
});
