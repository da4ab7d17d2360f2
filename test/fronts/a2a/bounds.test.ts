import { describe, expect, test } from 'vitest';
import { FLUSH_CHARS } from '../../../fronts/a2a/answer-log.ts';
import { MAX_HISTORY } from '../../../fronts/a2a/task.ts';
import { type Kept, MAX_TASKS, Tasks } from '../../../fronts/a2a/tasks.ts';
import { Held } from '../../../fronts/core/held.ts';
import { eventually } from '../../browser/support/eventually.ts';
import { cancelled, repeat, startFronts } from '../front-scene.ts';
import { byId, cancelOf, clientOf, part, read, said, stateOf, taskOf, text, wordsOf } from './client.ts';

describe('what a task holds › when it has no end', () => {
  test('then an answer beyond what a message may have fails it, and its turn is cancelled', async () => {
    const scene = await startFronts({ broker: { limits: { maxMessageBytes: 100_000 } } });
    const { turn } = await scene.agent('echo', async (turn) => {
      for (let count = 0; !turn.signal.aborted && count < 1_000; count += 1) {
        turn.token('x'.repeat(FLUSH_CHARS));
        await new Promise(setImmediate);
      }
      await cancelled(turn);
    });
    const client = await clientOf(scene);
    const told = await read(client.sendMessageStream(said('go')));
    expect(told.states.at(-1)).toBe('FAILED');
    const task = await client.getTask(byId(told.task?.id ?? ''));
    expect(wordsOf(task)).toContain('100000');
    expect(await cancelled(await turn())).toBe('host_cancelled');
  });

  test('then of its messages the first and the newest are kept', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      for (let count = 0; count < MAX_HISTORY; count += 1)
        await turn.requestApproval({ tool: String(count), params: {} });
    });
    const client = await clientOf(scene);
    let task = await taskOf(client.sendMessage(said('go')));
    while (stateOf(task) === 'INPUT_REQUIRED')
      task = await taskOf(client.sendMessage(said('yes', { taskId: task.id })));
    expect(task.history).toHaveLength(MAX_HISTORY);
    expect(task.history[0]?.parts).toEqual([text('go')]);
  }, 30_000);

  test('then what one key’s tasks hold that go on is bounded, and free again when they end', async () => {
    const scene = await startFronts({ broker: { limits: { maxHeldBytes: 100_000 } } });
    await scene.agent('echo', async (turn) => {
      if (turn.prompt !== 'talk') await turn.requestApproval({ tool: 'rm', params: {} });
      else for (let count = 0; count < 100; count += 1) turn.token('x'.repeat(FLUSH_CHARS));
    });
    const client = await clientOf(scene);
    const large = (): Parameters<typeof said>[1] => ({ metadata: { large: 'x'.repeat(40_000) } });
    const ask = () => taskOf(client.sendMessage(said('go', large())));
    const [first, second] = [await ask(), await ask()];
    await expect(ask()).rejects.toThrow('hold too much');
    await expect(client.sendMessage(said('yes', { ...large(), taskId: first.id }))).rejects.toThrow('hold too much');
    expect(stateOf(await client.getTask(byId(first.id)))).toBe('INPUT_REQUIRED');
    expect(wordsOf(await taskOf(client.sendMessage(said('talk'))))).toContain('hold too much');
    const other = await clientOf(scene, { key: await scene.key('eve') });
    expect(stateOf(await taskOf(other.sendMessage(said('go', large()))))).toBe('INPUT_REQUIRED');
    for (const { id } of [first, second]) await client.cancelTask(cancelOf(id));
    expect(stateOf(await ask())).toBe('INPUT_REQUIRED');
  });

  test('then what all tasks hold that go on is bounded, too', () => {
    const held = new Held({ maxHeldBytes: 10, maxAllHeldBytes: 15 });
    const [ada, eve] = [held.open('ada'), held.open('eve')];
    expect([ada.take(11), ada.take(10), eve.take(6), eve.take(5)]).toEqual([false, true, false, true]);
    expect([held.open('ada').take(1), eve.take(4), ada.take(9), eve.take(6)]).toEqual([false, true, true, true]);
    ada.close();
    ada.close();
    expect([eve.take(10), held.open('ada').take(5), held.open('ada').take(1)]).toEqual([true, true, false]);
  });

  test('then pictures count, too', async () => {
    const scene = await startFronts({ broker: { limits: { maxMessageBytes: 100_000 } } });
    await scene.agent('echo', repeat);
    const client = await clientOf(scene);
    const large = part({ $case: 'raw', value: Buffer.alloc(100_000) }, 'image/png');
    await expect(client.sendMessage(said([text('look'), large]))).rejects.toThrow('100000');
  });
});

describe('tasks › when there are too many', () => {
  const kept = (id: string, more: Partial<Kept> = {}): Kept => ({
    id,
    owner: 'ada',
    agentId: 'echo',
    isOver: true,
    size: 1,
    ...more,
  });

  test('then the oldest that has ended makes room, and where none has, nobody does', () => {
    const tasks = new Tasks<Kept>(2);
    const [one, two, three] = ['1', '2', '3'].map((id) => kept(id));
    const add = (task?: Kept) => {
      tasks.makeRoom('ada');
      tasks.add(task as Kept);
    };
    add(one);
    add(two);
    expect(() => tasks.makeRoom('ada')).toThrow('one key may have 2 tasks');
    tasks.makeRoom('eve');
    tasks.ended(two as Kept);
    add(three);
    expect(tasks.of('ada', 'echo')).toEqual([three, one]);
    expect(MAX_TASKS).toBe(1_000);
  });

  test('then whoever keeps most loses the oldest', () => {
    const tasks = new Tasks<Kept>(10, 10);
    const end = (task: Kept) => {
      tasks.add(task);
      tasks.ended(task);
      return task;
    };
    const eve = end(kept('e', { owner: 'eve', size: 4 }));
    end(kept('1', { size: 3 }));
    const two = end(kept('2', { size: 3 }));
    const three = end(kept('3', { size: 3 }));
    expect(tasks.of('ada', 'echo')).toEqual([three, two]);
    expect(tasks.of('eve', 'echo')).toEqual([eve]);
  });

  test('then one that has ended is forgotten after its time', async () => {
    const tasks = new Tasks<Kept>(10, 10, 5);
    const task = kept('1');
    tasks.add(task);
    tasks.ended(task);
    expect(tasks.get('ada', 'echo', '1')).toBe(task);
    await eventually(() => tasks.of('ada', 'echo')).toEqual([]);
  });
});
