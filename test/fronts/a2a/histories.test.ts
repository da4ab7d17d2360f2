import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Deed, endOf, histories, play, textOf } from '../agent-histories.ts';
import { startFronts } from '../front-scene.ts';
import { answerOf, byId, clientOf, read, said, stateOf, wordsOf } from './client.ts';

/** What a task comes to. */
function endedAs(deeds: readonly Deed[]): [state: string, words: string] {
  const { kind, finish_reason: reason } = endOf(deeds);
  if (kind === 'done') return [reason === 'cancelled' ? 'CANCELED' : 'COMPLETED', ''];
  return kind === 'error' ? ['FAILED', 'it broke'] : ['AUTH_REQUIRED', 'log in'];
}

test('whatever an agent does, the SDK’s client reads it to its end, and so does who looks later', async () => {
  const scene = await startFronts();
  const scripts = new Map<string, readonly Deed[]>();
  await scene.agent('echo', (turn) => play(turn, scripts.get(turn.prompt) ?? []));
  const client = await clientOf(scene);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(histories(), async (deeds) => {
      count += 1;
      const prompt = `history ${count}`;
      scripts.set(prompt, deeds);
      let told = await read(client.sendMessageStream(said(prompt)));
      expect(told.states.slice(0, 2)).toEqual(['SUBMITTED', 'WORKING']);
      const taskId = told.task?.id ?? '';
      // A person who says yes to everything.
      while (told.states.at(-1) === 'INPUT_REQUIRED')
        told = await read(client.sendMessageStream(said('yes', { taskId }), {}), told);
      const [state, words] = endedAs(deeds);
      expect(told.states.at(-1)).toBe(state);
      expect(told.text).toBe(textOf(deeds));
      const task = await client.getTask(byId(taskId));
      expect([stateOf(task), wordsOf(task), answerOf(task)]).toEqual([state, words, textOf(deeds)]);
      expect(task.artifacts[0]?.parts.filter(({ content }) => content?.$case === 'text').length ?? 0).toBeLessThan(2);
      const pictures = deeds.filter((deed) => deed.do === 'event' && deed.kind === 'content').length;
      const others = (task.artifacts[0]?.parts ?? []).filter(({ content }) => content?.$case !== 'text');
      expect(others).toHaveLength(pictures);
      expect(told.parts.filter(({ content }) => content?.$case !== 'text')).toEqual(others);
    }),
    { numRuns: 60, timeout: 8_000, endOnFailure: true },
  );
}, 60_000);
