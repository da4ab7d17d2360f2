import { setTimeout as sleep } from 'node:timers/promises';

/** What is told is made anew once a second. Milliseconds. */
const AGE_MS = 1_050;

/** What a target's `/metrics` tells, of metrics without labels: by name, without `switchboard_`. */
export async function readMetrics(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(new URL('/metrics', url.replace(/^ws/, 'http')))).text();
  return new Map(
    [...text.matchAll(/^switchboard_(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );
}

/** Messages and tokens that a broker has sent to others so far. */
interface LinkCounts {
  messages: number;
  tokens: number;
}

export async function linkCounts(url: string): Promise<LinkCounts> {
  await sleep(AGE_MS);
  const metrics = await readMetrics(url);
  const of = (name: string) => metrics.get(`cluster_${name}_total`) ?? 0;
  return { messages: of('messages'), tokens: of('tokens') };
}

/** How many deltas a message of the link had between two counts; NaN where there was none. */
export const deltasPerMessage = (before: LinkCounts, after: LinkCounts): number =>
  (after.tokens - before.tokens) / (after.messages - before.messages);
