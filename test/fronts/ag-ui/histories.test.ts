import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Deed, endOf, histories, play, textOf } from '../agent-histories.ts';
import { deferred, startFronts } from '../front-scene.ts';
import { Page } from './page.ts';

test('whatever an agent does, AG-UI’s client reads its runs to their ends', async () => {
  const scene = await startFronts();
  const scripts = new Map<string, { deeds: readonly Deed[]; over: () => void }>();
  await scene.agent('echo', async (turn) => {
    const script = scripts.get(turn.prompt);
    await play(turn, script?.deeds ?? []);
    script?.over();
  });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(histories(), async (deeds) => {
      count += 1;
      const thread = `thread-${count}`;
      const { promise: isOver, resolve: over } = deferred();
      scripts.set(thread, { deeds, over });
      const page = new Page({ scene, thread });
      const faults: string[] = [];
      page.agent.subscribe({ onRunFailed: ({ error }) => void faults.push(error.message) });
      const texts: string[] = [];
      const keep = () => texts.push(page.text);
      await page.say(thread, { tools: [{ name: 'clock', description: '' }] }).catch(() => {});
      keep();
      // Goes on for as long as it is asked for something.
      while (page.calls.length + page.interrupts.length > 0) {
        const { calls } = page;
        for (const id of calls) page.result(id, 'noon');
        const resume = page.interrupts.map(({ id }) => ({
          interruptId: id,
          status: 'resolved' as const,
          payload: { approved: true },
        }));
        await page.run(calls.length > 0 ? {} : { resume }).catch(() => {});
        keep();
      }
      await isOver;
      const { kind, finish_reason: reason } = endOf(deeds);
      expect(texts.join('')).toBe(textOf(deeds));
      if (kind === 'done') {
        expect(faults).toEqual([]);
        expect(page.last).toMatchObject({
          type: 'RUN_FINISHED',
          outcome: { type: reason === 'cancelled' ? 'cancelled' : 'success' },
        });
      } else expect(page.last).toMatchObject({ type: 'RUN_ERROR', message: kind === 'error' ? 'it broke' : 'log in' });
    }),
    { numRuns: 60, timeout: 8_000, endOnFailure: true },
  );
}, 60_000);
