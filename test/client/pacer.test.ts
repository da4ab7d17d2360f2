import { describe, expect, it } from 'vitest';
import { Pacer } from '../../client/pacer.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

describe('Pacer', () => {
  it('is not due at once', () => {
    expect(new Pacer(() => 0, never).due).toBe(false);
  });

  it('is due when much waits to be written', () => {
    expect(new Pacer(() => 2 * MIB, never).due).toBe(true);
  });

  it('breathes until the socket has drained', async () => {
    const levels = [3 * MIB, 3 * MIB, 2 * MIB, 2 * MIB];
    const pacer = new Pacer(() => levels.shift() ?? 0, never);
    await pacer.breathe();
    expect(levels).toEqual([]);
  });

  it('when the turn is cancelled › does not wait for the socket', async () => {
    const pacer = new Pacer(() => 2 * MIB, AbortSignal.abort());
    await pacer.breathe();
    expect(pacer.due).toBe(true);
  });
});
