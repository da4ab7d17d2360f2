import { heldBytes, type Sample, trendText } from './report.ts';
import { keepsGrowing, LEAST_VALUES, median } from './trend.ts';

const MEGABYTE = 1024 * 1024;

/** A rise that is left to caches and compiled code: so many bytes, or such a share of what there is. */
const TOLERATED_HELD = { bytes: 4 * MEGABYTE, share: 0.05 };
/** Of resident memory, which the allocator gives back when it likes, far more. */
const TOLERATED_RSS = { bytes: 64 * MEGABYTE, share: 0.25 };

/** Whether memory keeps growing, and the words for it. */
export function judgeMemory(samples: readonly Sample[]): { text: string; grows: string[] } {
  if (samples.length < LEAST_VALUES) {
    return { text: `  not judged: ${samples.length} samples, at least ${LEAST_VALUES} are needed`, grows: [] };
  }
  const series = [
    { name: 'held', bytes: samples.map(heldBytes), limits: TOLERATED_HELD },
    { name: 'resident', bytes: samples.map(({ probe }) => probe.rss), limits: TOLERATED_RSS },
  ].map((each) => {
    const tolerated = Math.max(each.limits.bytes, median(each.bytes) * each.limits.share);
    return { ...each, tolerated };
  });
  return {
    text: series.map(({ name, bytes, tolerated }) => trendText(name, bytes, tolerated)).join('\n'),
    grows: series
      .filter(({ bytes, tolerated }) => keepsGrowing(bytes, tolerated))
      .map(({ name }) => `${name} memory keeps growing`),
  };
}
