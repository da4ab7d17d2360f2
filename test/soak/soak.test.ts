import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkFileLimit } from '../../soak/file-limit.ts';
import { Histogram } from '../../soak/histogram.ts';
import { judgeDeaths, judgeLoad } from '../../soak/verdict.ts';
import { run } from '../e2e/support/program.ts';
import { SOAK, startSoak } from './support/small-soak.ts';

describe('npm run soak', () => {
  it('ends with a summary at Ctrl-C', { timeout: 60_000 }, async () => {
    const { program, homes } = startSoak(10);
    await program.shows('warming up');
    expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    expect(program.out).toContain('turns that ended: stop');
    expect(program.out).toContain('Stopped early');
    expect(homes()).toEqual([]);
  });

  it('fails, and says so, when the daemon dies', { timeout: 60_000 }, async () => {
    const { program, homes } = startSoak(10);
    await program.shows('warming up');
    const [home = ''] = homes();
    const { pid } = JSON.parse(readFileSync(join(home, 'run', 'broker.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.out).toContain('the daemon ended by itself, with SIGKILL');
    expect(homes()).toEqual([]);
  });

  it.each([
    [['--minutes', 'long'], '--minutes takes a number above 0'],
    [['--restarts', 'often'], '--restarts takes an integer from 0, not often'],
    [['--turns', '0'], '--turns takes an integer from 1, not 0'],
    [['--connections', '100', '--turns', '90'], '--turns takes at most 66 with 100 connections'],
    [['--loud'], '--loud'],
  ])('refuses %j with one line', async (flags, words) => {
    const { code, out, err } = await run([SOAK, ...flags]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(words);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  it('says how many files it may not open', () => {
    expect(() => checkFileLimit(2_000, 1_024)).toThrow('"ulimit -n 2200" before, or fewer --connections');
    expect(() => checkFileLimit(800, 1_024)).not.toThrow();
  });
});

describe('what a soak proves', () => {
  const samples = (turns: number, count = 6) => Array.from({ length: count }, () => ({ turns }));
  const asked = { minutes: 1, turns: 100 };

  it('is nothing, where fewer than most of the turns lived at a time', () => {
    expect(judgeLoad(samples(89), asked)).toContain('the machine was too busy, 89 turns lived at a time and not 100');
    expect(judgeLoad(samples(90), asked)).toBeUndefined();
  });

  it('is nothing, where memory was looked at too rarely to be judged', () => {
    expect(judgeLoad(samples(100, 5), asked)).toContain('5 samples in 1 min');
  });
});

describe('what a soak with deaths proves', () => {
  it('is nothing, where there were too few of them, or nobody was there', () => {
    expect(judgeDeaths(2, 100)).toContain('the daemon died 2 times');
    expect(judgeDeaths(5, 4)).toContain('only 4 turns were going on at 5 deaths');
    expect(judgeDeaths(3, 3)).toBeUndefined();
  });
});

describe('latencies of several processes', () => {
  it('add up to quantiles within five percent', () => {
    const [one, other] = [new Histogram(), new Histogram()];
    for (let us = 1; us <= 1_000; us += 1) (us % 2 ? one : other).record(us);
    const all = new Histogram();
    for (const { counts } of [one, other]) all.add(counts);
    expect(all.quantile(0.5) / 500).toBeCloseTo(1, 0.6);
    expect(all.quantile(0.99)).toBeGreaterThanOrEqual(990);
    expect(all.quantile(0.99)).toBeLessThan(990 * 1.05);
  });
});
