import { describe, expect, test } from 'vitest';
import { connectHost } from '../../../client/node.ts';
import { eventually } from '../../browser/support/eventually.ts';
import { startFronts } from '../front-scene.ts';
import { answerOf, byId, clientOf, data, read, said, stateOf, Told, taskOf, text, textIn, wordsOf } from './client.ts';

describe('what an agent asks a person', () => {
  const asking = async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      turn.token('may I? ');
      const { approved, answer } = await turn.requestApproval({ tool: 'rm', params: { path: '/' } });
      turn.token(`${approved} ${JSON.stringify(answer ?? null)}`);
    });
    return { ...scene, turns, scene, client: await clientOf(scene) };
  };

  test.each([
    ['yes', text('Yes.'), 'true {"text":"Yes."}'],
    ['approved', text(' APPROVED '), 'true {"text":" APPROVED "}'],
    ['data', data({ approved: true, note: 1 }), 'true {"note":1}'],
    ['data that says no', data({ approved: false }), 'false null'],
    ['anything else', text('yes, but not today'), 'false {"text":"yes, but not today"}'],
  ])('is answered by %s', async (_, words, answer) => {
    const { client } = await asking();
    const told = await read(client.sendMessageStream(said('go')));
    expect(told.states).toEqual(['SUBMITTED', 'WORKING', 'INPUT_REQUIRED']);
    const { id, contextId } = told.task ?? { id: '', contextId: '' };
    const task = await client.getTask(byId(id));
    expect(wordsOf(task)).toBe('May the agent go on: rm?');
    const [, details] = task.status?.message?.parts ?? [];
    expect(details?.content).toMatchObject({ $case: 'data', value: { tool: 'rm', params: { path: '/' } } });
    const after = await read(client.sendMessageStream(said(words, { taskId: id, contextId })));
    expect(after.states).toEqual(['WORKING', 'COMPLETED']);
    expect(after.text).toBe(`may I? ${answer}`);
    expect((await client.getTask(byId(id))).history.map(({ parts }) => textIn(parts))).toEqual([
      'go',
      'May the agent go on: rm?',
      textIn([words]),
    ]);
  });

  test('and somebody decides elsewhere › then whoever has subscribed hears it go on', async () => {
    const { client, scene } = await asking();
    const { id } = await taskOf(client.sendMessage(said('go')));
    const told = new Told();
    const person = await connectHost({ link: scene.broker.connect(), hostToken: scene.broker.tokens.host });
    for await (const event of client.resubscribeTask(byId(id))) {
      told.hear(event);
      if (told.states.length > 1) continue;
      const [row] = await person.approvals();
      await person.resolveApproval(row?.id ?? '', 'approve');
    }
    await person.close();
    expect(told.states).toEqual(['INPUT_REQUIRED', 'WORKING', 'COMPLETED']);
  });

  test('and nobody answers in time › then it is cancelled', async () => {
    const scene = await startFronts({ parkTimeoutMs: 30 });
    await scene.agent('echo', async (turn) => {
      await turn.requestApproval({ tool: 'rm', params: {} });
    });
    const client = await clientOf(scene);
    const { id } = await taskOf(client.sendMessage(said('go')));
    await eventually(async () => stateOf(await client.getTask(byId(id)))).toBe('CANCELED');
  });

  test('twice at once › is asked one by one', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      const ask = (tool: string) => turn.requestApproval({ tool, params: {} });
      const both = await Promise.all([ask('first'), ask('second')]);
      return both.map(({ approved }) => approved).join(' ');
    });
    const client = await clientOf(scene);
    const first = await taskOf(client.sendMessage(said('go')));
    expect(wordsOf(first)).toContain('first');
    const second = await taskOf(client.sendMessage(said('yes', { taskId: first.id })));
    expect([stateOf(second), wordsOf(second)]).toEqual(['INPUT_REQUIRED', 'May the agent go on: second?']);
    expect(answerOf(await taskOf(client.sendMessage(said('no', { taskId: first.id }))))).toBe('true false');
  });
});
