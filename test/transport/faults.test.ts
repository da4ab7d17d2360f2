import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Faults } from '../../transport/faults.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function recorded() {
  const told: unknown[][] = [];
  return { told, faults: new Faults((...fault) => told.push(fault)) };
}

describe('faults › when one kind comes again and again', () => {
  test('then the first is told at once, and the others every ten seconds, by their number and the last of them', () => {
    const { told, faults } = recorded();
    for (let n = 1; n <= 5; n += 1) faults.report(n, 'accept');
    expect(told).toEqual([[1, 'accept', 1]]);
    vi.advanceTimersByTime(9_999);
    expect(told).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(told.splice(0)).toEqual([
      [1, 'accept', 1],
      [5, 'accept', 4],
    ]);
    faults.report(6, 'accept');
    expect(told).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(told.splice(0)).toEqual([[6, 'accept', 1]]);
    // Ten seconds without one: the next is news again.
    vi.advanceTimersByTime(10_000);
    faults.report(7, 'accept');
    expect(told).toEqual([[7, 'accept', 1]]);
    expect(vi.getTimerCount()).toBe(1);
  });

  test('then another kind is told all the same', () => {
    const { told, faults } = recorded();
    faults.report(1, 'accept');
    faults.report(2, 'metrics');
    expect(told).toEqual([
      [1, 'accept', 1],
      [2, 'metrics', 1],
    ]);
  });

  test('and it stops › then what is untold is told, and nothing goes on', () => {
    const { told, faults } = recorded();
    for (const n of [1, 2, 3]) faults.report(n, 'accept');
    faults.stop();
    expect(told).toEqual([
      [1, 'accept', 1],
      [3, 'accept', 2],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
