import { heldBytes, type Sample, trendText } from './report.ts';
import { keepsGrowing, LEAST_VALUES, median } from './trend.ts';

const MEGABYTE = 1024 * 1024;

/** A rise that is left to caches and compiled code: so many bytes, or such a share of what there is. */
const TOLERATED_HELD = { bytes: 4 * MEGABYTE, share: 0.05 };
/** Of resident memory, which the allocator gives back when it likes, far more. */
const TOLERATED_RSS = { bytes: 64 * MEGABYTE, share: 0.25 };

/** With fewer live turns than this share it was another load than the one that was asked for. */
const MOSTLY = 0.9;

/** Why a soak proves nothing, if it does not: it was too short to judge memory, or the load was another. */
export function judgeLoad(
  samples: readonly Pick<Sample, 'turns'>[],
  { minutes, turns }: { minutes: number; turns: number },
): string | undefined {
  if (samples.length < LEAST_VALUES) {
    return `${samples.length} samples in ${minutes} min, and memory is judged by ${LEAST_VALUES} at least`;
  }
  const lived = median(samples.map((sample) => sample.turns));
  if (lived >= turns * MOSTLY) return undefined;
  return `the machine was too busy, ${Math.round(lived)} turns lived at a time and not ${turns}`;
}

/** So many deaths, and turns that were going on meanwhile for each, say something. */
export const LEAST_DEATHS = 3;

/** The same of one in which the daemon dies. @param turns that were going on when it did */
export function judgeDeaths(deaths: number, turns: number): string | undefined {
  if (deaths < LEAST_DEATHS) return `the daemon died ${deaths} times, and ${LEAST_DEATHS} are needed`;
  return turns < deaths ? `only ${turns} turns were going on at ${deaths} deaths` : undefined;
}

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
