import { describe, expect, it } from 'vitest';
import { keepsGrowing, trendOf } from '../../soak/trend.ts';

/** So many values about 100, of a noise that is the same in each run. */
function noise(count: number, amplitude: number): number[] {
  return Array.from({ length: count }, (_, i) => 100 + amplitude * Math.sin(i * i * 12.9898));
}

describe('whether memory keeps growing', () => {
  it('does not, where it only goes up and down', () => {
    expect(keepsGrowing(noise(60, 20), 4)).toBe(false);
  });

  it('does, where a little is added all the time under noise that is larger', () => {
    expect(
      keepsGrowing(
        noise(60, 10).map((value, i) => value + i * 0.4),
        4,
      ),
    ).toBe(true);
  });

  it('is not misled by single peaks, wherever they are', () => {
    const values = noise(60, 2);
    for (const peak of [40, 50, 58, 59]) values[peak] = 500;
    expect(keepsGrowing(values, 4)).toBe(false);
    expect(Math.abs(trendOf(values).rise)).toBeLessThan(4);
  });

  it('leaves a rise alone that is sure and small', () => {
    const values = Array.from({ length: 60 }, (_, i) => 100 + i / 100);
    expect(trendOf(values).certainty).toBeGreaterThan(5);
    expect(keepsGrowing(values, 4)).toBe(false);
  });

  it('says nothing of too few values', () => {
    expect(keepsGrowing([1, 2, 3, 4, 5], 0)).toBe(false);
    expect(keepsGrowing([1, 2, 3, 4, 5, 6], 0)).toBe(true);
  });
});
