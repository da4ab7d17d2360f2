import { describe, expect, it } from 'vitest';
import { startSoak } from './support/small-soak.ts';

describe('npm run soak', () => {
  it('ends by itself, says what it has done, and leaves nothing', { timeout: 90_000 }, async () => {
    const { program, homes } = startSoak(0.05);
    // Far too short to say that memory does not grow: it must not look like one that has passed.
    expect(await program.exit).toEqual({ code: 3, signal: null });
    for (const words of [
      'events/s',
      'turns that ended: stop',
      'turns that last',
      'resumed',
      'bad visitors',
      'No promise was broken.',
    ]) {
      expect(program.out).toContain(words);
    }
    expect(program.out).toContain('Nothing is proven: 1 samples in 0.05 min');
    expect(program.out).not.toContain('Every promise was kept.');
    expect(program.err).toBe('');
    expect(homes()).toEqual([]);
  });

  it('kills the daemon again and again, and says what became of the turns', { timeout: 150_000 }, async () => {
    const { program, homes } = startSoak(0.1, '--restarts', '1');
    // What was broken stands there in words.
    expect(await program.exit, program.out).toEqual({ code: 0, signal: null });
    for (const words of [
      'death 3: back after',
      'cuts of agents that last',
      'turns that last',
      'Every promise was kept.',
    ]) {
      expect(program.out).toContain(words);
    }
    // Without a journal its turns go with it; with one none does.
    expect(program.out).toMatch(/ turns that (went with|outlived) the daemon/);
    expect(program.err).toBe('');
    expect(homes()).toEqual([]);
  });
});
