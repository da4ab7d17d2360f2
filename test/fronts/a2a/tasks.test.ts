import { describe, expect, test } from 'vitest';
import { RejectChat } from '../../../client/node.ts';
import { eventually } from '../../browser/support/eventually.ts';
import { cancelled, deferred, repeat, startFronts } from '../front-scene.ts';
import {
  AT_ONCE,
  answerOf,
  byId,
  cancelOf,
  clientOf,
  part,
  read,
  said,
  stateOf,
  Told,
  taskOf,
  text,
  wordsOf,
} from './client.ts';

describe('an A2A client', () => {
  test('sends a message › and has a task with the whole answer, in one part', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const client = await clientOf(scene);
    const task = await taskOf(client.sendMessage(said('good day to you', { contextId: 'tea' })));
    expect(stateOf(task)).toBe('COMPLETED');
    expect(answerOf(task)).toBe('good day to you');
    expect(task.artifacts[0]?.parts).toHaveLength(1);
    expect(task).toMatchObject({ contextId: 'tea', history: [{ parts: [text('good day to you')], taskId: task.id }] });
    expect(turns[0]).toMatchObject({ sessionId: 'a2a-tea', context: { front: 'a2a' } });
    expect(await client.getTask(byId(task.id))).toEqual(task);
  });

  test('streams › then it is submitted, at work, answered bit by bit, and completed', async () => {
    const scene = await startFronts();
    const go = deferred();
    await scene.agent('echo', async function* () {
      yield 'one ';
      await go.promise;
      yield 'two';
    });
    const client = await clientOf(scene);
    const told = new Told();
    for await (const event of client.sendMessageStream(said('go'))) {
      told.hear(event);
      if (told.text === 'one ') go.resolve();
    }
    expect(told.states).toEqual(['SUBMITTED', 'WORKING', 'COMPLETED']);
    expect(told.text).toBe('one two');
    expect(told.updates).toEqual([4, 3]);
  });

  test('streams a long answer › which comes in batches, and is one part in the end', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      for (let count = 0; count < 1_000; count += 1) turn.token('ten chars ');
    });
    const client = await clientOf(scene);
    const told = await read(client.sendMessageStream(said('go')));
    expect(told.text).toBe('ten chars '.repeat(1_000));
    expect(told.updates.length).toBeLessThanOrEqual(10);
    const task = await client.getTask(byId(told.task?.id ?? ''));
    expect(task.artifacts).toHaveLength(1);
    expect(task.artifacts[0]?.parts).toHaveLength(1);
  });

  test('goes on in a context › then it is the same session; without one it is a new one', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const client = await clientOf(scene);
    const { contextId } = await taskOf(client.sendMessage(said('one')));
    await client.sendMessage(said('two', { contextId }));
    await client.sendMessage(said('three'));
    const [one, two, three] = turns.map(({ sessionId }) => sessionId);
    expect(two).toBe(one);
    expect(three).not.toBe(one);
  });

  test('sends pictures › and the agent has them; what it gives beside text are files and data', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      turn.token('see: ');
      turn.event({ kind: 'reasoning', delta: 'hm' });
      turn.event({ kind: 'content', content: { type: 'image', mimeType: 'image/png', data: 'AAEC' } });
      turn.event({ kind: 'content', content: { type: 'data', data: { deep: [1] } } });
      turn.event({ kind: 'content', content: { type: 'resource_link', uri: 'https://x.example/f', name: 'f' } });
      turn.token('there');
    });
    const client = await clientOf(scene);
    const picture = part({ $case: 'raw', value: Buffer.from([1, 2]) }, 'image/png');
    const told = await read(client.sendMessageStream(said([text('look'), picture])));
    expect(stateOf(await taskOf(client.sendMessage(said(picture))))).toBe('COMPLETED');
    expect([turns[1]?.prompt, turns[1]?.params.attachments]).toEqual(['', turns[0]?.params.attachments]);
    expect(turns[0]?.params.attachments).toEqual([{ type: 'image_base64', data: 'AQI=', media_type: 'image/png' }]);
    expect(told.text).toBe('see: there');
    const task = await client.getTask(byId(told.task?.id ?? ''));
    expect(task.artifacts[0]?.parts.map(({ content }) => content)).toEqual([
      { $case: 'text', value: 'see: there' },
      { $case: 'raw', value: Buffer.from([0, 1, 2]) },
      { $case: 'data', value: { deep: [1] } },
      { $case: 'url', value: 'https://x.example/f' },
    ]);
  });

  test.each([
    ['fails', { kind: 'error', error: 'it broke' }, 'FAILED', 'it broke'],
    ['says that it was cancelled', { kind: 'error', error: 'as you wish', code: 'cancelled' }, 'CANCELED', ''],
    ['wants a login', { kind: 'auth_required', reason: 'agent', message: 'log in' }, 'AUTH_REQUIRED', 'log in'],
    ['gives up', { kind: 'done', finish_reason: 'cancelled' }, 'CANCELED', ''],
    ['says all at its end', { kind: 'done', finish_reason: 'length', text: 'all' }, 'COMPLETED', ''],
  ])('has an agent that %s › and hears so', async (_, event, state, words) => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => void turn.event(event));
    const client = await clientOf(scene);
    const task = await taskOf(client.sendMessage(said('go')));
    expect([stateOf(task), wordsOf(task)]).toEqual([state, words]);
    expect(answerOf(task)).toBe('text' in event ? event.text : '');
  });

  test('asks while its context is busy, or an agent that would not › then it is rejected', async () => {
    const scene = await startFronts();
    const go = deferred();
    const { turn } = await scene.agent('echo', () => go.promise);
    await scene.agent('shy', repeat, {
      accept: () => {
        throw new RejectChat('not today');
      },
    });
    const shy = await taskOf((await clientOf(scene, { agent: 'shy' })).sendMessage(said('go')));
    expect([stateOf(shy), wordsOf(shy)]).toEqual(['REJECTED', expect.stringContaining('not today')]);
    const client = await clientOf(scene);
    const first = await taskOf(client.sendMessage(said('go', { contextId: 'c' }, AT_ONCE)));
    await turn();
    const second = await taskOf(client.sendMessage(said('and', { contextId: 'c' })));
    expect(stateOf(second)).toBe('REJECTED');
    expect(wordsOf(second)).toMatch(/./);
    go.resolve();
    await eventually(async () => stateOf(await client.getTask(byId(first.id)))).toBe('COMPLETED');
  });

  test('does not wait › and looks again later', async () => {
    const scene = await startFronts();
    const go = deferred<string>();
    await scene.agent('echo', () => go.promise);
    const client = await clientOf(scene);
    const task = await taskOf(client.sendMessage(said('go', {}, AT_ONCE)));
    expect(stateOf(task)).toBe('WORKING');
    go.resolve('late');
    await eventually(async () => answerOf(await client.getTask(byId(task.id)))).toBe('late');
  });

  test('has an agent that takes its time to take it › then it is submitted meanwhile', async () => {
    const scene = await startFronts();
    const taken = deferred();
    await scene.agent('echo', repeat, { accept: () => taken.promise });
    const client = await clientOf(scene);
    const told = new Told();
    for await (const event of client.sendMessageStream(said('go'))) {
      told.hear(event);
      taken.resolve();
    }
    expect(told.states).toEqual(['SUBMITTED', 'WORKING', 'COMPLETED']);
  });
});

describe('a task › whose stream is lost', () => {
  test('goes on; who subscribes has what there is and what comes', async () => {
    const scene = await startFronts();
    const go = deferred();
    const { turn } = await scene.agent('echo', async function* () {
      yield 'one ';
      await go.promise;
      yield 'two';
    });
    const client = await clientOf(scene);
    const lost = new AbortController();
    const told = new Told();
    const reading = (async () => {
      for await (const event of client.sendMessageStream(said('go'), { signal: lost.signal })) {
        told.hear(event);
        if (told.text === 'one ') lost.abort();
      }
    })();
    await expect(reading).rejects.toThrow();
    const again = new Told();
    for await (const event of client.resubscribeTask(byId(told.task?.id ?? ''))) {
      again.hear(event);
      if (again.text === 'one ') go.resolve();
    }
    expect(again.states).toEqual(['WORKING', 'COMPLETED']);
    expect(again.text).toBe('one two');
    expect((await turn()).signal.aborted).toBe(false);
    await expect(read(client.resubscribeTask(byId(told.task?.id ?? '')))).rejects.toThrow('ended');
  });

  test('several read it at once › and each has the whole', async () => {
    const scene = await startFronts();
    const go = deferred();
    await scene.agent('echo', async function* () {
      yield 'one ';
      await go.promise;
      yield 'two';
    });
    const client = await clientOf(scene);
    const { id } = await taskOf(client.sendMessage(said('go', {}, AT_ONCE)));
    const begun = deferred();
    const readers = [0, 1, 2].map(async (at) => {
      const told = new Told();
      for await (const event of client.resubscribeTask(byId(id))) {
        told.hear(event);
        if (at === 2) begun.resolve();
      }
      return told.text;
    });
    await begun.promise;
    go.resolve();
    expect(await Promise.all(readers)).toEqual(Array(3).fill('one two'));
  });
});

describe('a task › that is cancelled', () => {
  test('half way › ends there, and so does its stream and its turn', async () => {
    const scene = await startFronts();
    const { turn } = await scene.agent('echo', async function* (turn) {
      yield 'one';
      await cancelled(turn);
    });
    const client = await clientOf(scene);
    const told = new Told();
    for await (const event of client.sendMessageStream(said('go', { contextId: 'c' }))) {
      told.hear(event);
      if (told.text === 'one') expect(stateOf(await client.cancelTask(cancelOf(told.task?.id ?? '')))).toBe('CANCELED');
    }
    expect(told.states.at(-1)).toBe('CANCELED');
    expect(await cancelled(await turn())).toBe('host_cancelled');
    // Its session is free, and cancelling it again changes nothing.
    expect(stateOf(await client.cancelTask(cancelOf(told.task?.id ?? '')))).toBe('CANCELED');
  });

  test('before its agent has taken it › never runs', async () => {
    const scene = await startFronts();
    const taken = deferred();
    const { turns } = await scene.agent('echo', repeat, { accept: () => taken.promise });
    const client = await clientOf(scene);
    const task = await taskOf(client.sendMessage(said('go', {}, AT_ONCE)));
    expect(stateOf(task)).toBe('SUBMITTED');
    const cancelling = client.cancelTask(cancelOf(task.id));
    await eventually(async () => stateOf(await client.getTask(byId(task.id)))).toBe('CANCELED');
    taken.resolve();
    expect(stateOf(await cancelling)).toBe('CANCELED');
    expect(turns.every(({ signal }) => signal.aborted)).toBe(true);
  });

  test('and whose agent takes no notice › ends all the same', async () => {
    const scene = await startFronts();
    const { turn } = await scene.agent('echo', () => new Promise<undefined>(() => {}));
    const client = await clientOf(scene);
    const { id } = await taskOf(client.sendMessage(said('go', {}, AT_ONCE)));
    await turn();
    expect(stateOf(await client.cancelTask(cancelOf(id)))).toBe('CANCELED');
  });

  test('in other states › too, but for those that have ended', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      if (turn.prompt === 'ask') await turn.requestApproval({ tool: 'rm', params: {} });
      else if (turn.prompt === 'auth') turn.event({ kind: 'auth_required', reason: 'agent', message: 'log in' });
      else if (turn.prompt === 'fail') turn.event({ kind: 'error', error: 'it broke' });
      return undefined;
    });
    const client = await clientOf(scene);
    const cancelAfter = async (prompt: string) => {
      const { id, contextId } = await taskOf(client.sendMessage(said(prompt)));
      return { task: await client.cancelTask(cancelOf(id)), contextId };
    };
    const { task, contextId } = await cancelAfter('ask');
    expect(stateOf(task)).toBe('CANCELED');
    expect(stateOf(await taskOf(client.sendMessage(said('hi', { contextId }))))).toBe('COMPLETED');
    expect(stateOf((await cancelAfter('auth')).task)).toBe('CANCELED');
    await expect(cancelAfter('hi')).rejects.toThrow('ended');
    await expect(cancelAfter('fail')).rejects.toThrow('ended');
  });
});
