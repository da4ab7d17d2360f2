import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Resampler } from '../../client/resampler.ts';

const pcmOf = (samples: readonly number[]) => new Uint8Array(Int16Array.from(samples).buffer);
const samplesOf = (pcm: Uint8Array) => [...new Int16Array(pcm.slice().buffer)];
const tone = (hertz: number, rate: number, seconds = 1) =>
  Array.from({ length: rate * seconds }, (_, at) => 10_000 * Math.sin((2 * Math.PI * hertz * at) / rate));
const loudness = (samples: readonly number[]) =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length);

const rate = fc.constantFrom(8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000);

describe('Resampler', () => {
  it('gives as many samples as the time has at the new rate, and leaves a constant as it is', () => {
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: -32_768, max: 32_767 }), (from, to, level) => {
        const out = samplesOf(new Resampler(from, to).push(pcmOf(new Array(from / 25).fill(level))));
        expect(Math.abs(out.length - to / 25)).toBeLessThanOrEqual(Math.max(2, to / from + 1));
        expect(new Set(out)).toEqual(new Set([level]));
      }),
    );
  });

  it('gives the same wherever the pieces are cut, in the middle of a sample too', () => {
    fc.assert(
      fc.property(
        rate,
        rate,
        fc.constantFrom(1 as const, 2 as const),
        fc.array(fc.nat(50)),
        fc.uint8Array({ maxLength: 800 }),
        (from, to, channels, cuts, pcm) => {
          const whole = new Resampler(from, to, channels).push(pcm);
          const pieces = new Resampler(from, to, channels);
          const parts: Uint8Array[] = [];
          let at = 0;
          for (const cut of cuts) {
            parts.push(pieces.push(pcm.subarray(at, at + cut)));
            at += cut;
          }
          parts.push(pieces.push(pcm.subarray(at)));
          expect(Buffer.concat(parts).equals(whole)).toBe(true);
        },
      ),
    );
  });

  it.each([
    [22_050, 16_000],
    [48_000, 16_000],
    [8_000, 16_000],
  ])('keeps a tone of speech, from %i to %i', (from, to) => {
    const out = samplesOf(new Resampler(from, to).push(pcmOf(tone(440, from))));
    const zeros = out.filter((sample, at) => at > 0 && sample >= 0 !== (out[at - 1] ?? 0) >= 0).length;
    expect(Math.abs(zeros / 2 - 440)).toBeLessThan(3);
    expect(loudness(out) / loudness(tone(440, from))).toBeCloseTo(1, 1);
  });

  it('mixes two channels to one', () => {
    expect(samplesOf(new Resampler(16_000, 16_000, 2).push(pcmOf([100, 300, -20, 0])))).toEqual([200, -10]);
  });
});
