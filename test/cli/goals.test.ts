import { describe, expect, it } from 'vitest';
import { RealDaemon } from './real-daemon.ts';

describe('switchboard goals', () => {
  it('sets a goal, lists it with what became of it, and clears it', async () => {
    const daemon = await RealDaemon.start();
    const run = async (...words: string[]) => {
      const io = daemon.io();
      const code = await io.run('goals', ...words);
      return { code, out: io.out, err: io.err };
    };
    expect(await run()).toEqual({ code: 0, out: '', err: 'no goals\n' });
    expect(await run('set', 's1', 'npm test', '--max-iterations', '3')).toEqual({
      code: 0,
      out: '',
      err: 's1 works towards: npm test\n',
    });
    expect(await daemon.io().run('chat', 'echo', 'hi', '--session', 's1')).toBe(0);
    const { out } = await run();
    expect(out).toMatch(/^SESSION +STATUS +TRIED/);
    expect(out).toMatch(/^s1 +unevaluated +0 of 3 .* npm test +stop/m);
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject([{ session_id: 's1', check: 'npm test' }]);
    expect(await run('clear', 's1')).toMatchObject({ code: 0, err: 'the goal of s1 is forgotten\n' });
    expect(await run('clear', 's1')).toMatchObject({ code: 1, err: expect.stringContaining('no goal stands for s1') });
    expect(await run('clear', '--all')).toMatchObject({ code: 0, err: '0 goals are forgotten\n' });
  });

  it.each([
    ['clear without a session', ['clear'], 'takes a session, or --all'],
    ['clear with both', ['clear', 's', '--all'], 'takes a session, or --all'],
    ['a number that is none', ['set', 's', 'make', '--max-iterations', 'x'], 'a whole number'],
  ])('%s is wrong usage', async (_what, words, says) => {
    const io = (await RealDaemon.start()).io();
    expect(await io.run('goals', ...words)).toBe(2);
    expect(io.err).toContain(says);
  });
});
