import { describe, expect, it } from 'vitest';
import { TurnQueue } from '../../attach/turn-queue.ts';

/** A queue that notes what it asks of whoever fills it. */
function noted() {
  const notes: string[] = [];
  const queue = new TurnQueue(
    () => notes.push('full'),
    () => notes.push('drained'),
  );
  return { queue, notes };
}

describe('what waits to be sent of a turn', () => {
  it('has its filler pause while there is too much, by number or by size', async () => {
    for (const [count, bytes] of [
      [1_001, 0],
      [2, 600_000],
    ] as const) {
      const { queue, notes } = noted();
      for (let at = 0; at < count; at++) queue.push('x', bytes);
      expect(notes).toEqual(['full']);
      queue.end();
      const taken: unknown[] = [];
      for await (const item of queue) taken.push(item);
      expect(taken.length).toBe(count);
      expect(notes).toEqual(['full', 'drained']);
    }
  });

  it('comes in order, with what is to be done in between, and nothing after its end', async () => {
    const { queue } = noted();
    const seen: unknown[] = [];
    queue.push('a');
    queue.push(() => seen.push('done'));
    queue.push({ kind: 'b' });
    queue.end();
    queue.push('late');
    for await (const item of queue) seen.push(item);
    expect(seen).toEqual(['a', 'done', { kind: 'b' }]);
  });

  it('that is dropped keeps nobody waiting', () => {
    const { queue, notes } = noted();
    for (let at = 0; at < 1_001; at++) queue.push('x');
    queue.drop();
    expect(notes).toEqual(['full', 'drained']);
  });
});
