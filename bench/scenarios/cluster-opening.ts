import { END_AT_ONCE, Fleet } from '../load/fleet.ts';
import { number, withSpread } from '../report.ts';
import type { Outcome, Setting } from '../scenario.ts';
import { median, quantile } from '../stats.ts';
import type { Joined } from './cluster.ts';
import { type Side, startSide } from './pair.ts';

/** Opening a chat across brokers takes less, at the median. Milliseconds. */
const MOST_MS = 5;
/**
 * So many times as many chats go before those that count: what is measured is compiled code, in all processes. Until the 2,500th what
 * one costs in CPU falls by a third.
 */
const WARM_UPS = 5;

/**
 * From `agents.chat` to its acknowledgement: one chat after another, each in a session of its own, whose id its host has chosen. The
 * agent acknowledges at once, and the processes do nothing else.
 */
export async function measureOpening(setting: Setting, alone: Side, all: readonly Joined[]): Promise<Outcome> {
  const sides: Side[] = [alone, ...all.map(({ as, side }): Side => ({ ...side, name: as, placed: 'apart' }))];
  const times = new Map<string, Float64Array[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < setting.sizes.rounds; round += 1)
    for (const side of round % 2 === 1 ? sides.toReversed() : sides)
      times.get(side.name)?.push(await openChats(setting, side, round));
  const at = (name: string, share: number) => (times.get(name) ?? []).map((each) => quantile(each, share));
  return {
    tables: [
      {
        title: 'Opening a chat whose agent is at another broker: from agents.chat to its acknowledgement',
        columns: ['', 'p50 ms', 'p99 ms'],
        rows: sides.map(({ name }) => [name, withSpread(at(name, 0.5), 3), withSpread(at(name, 0.99), 3)]),
      },
    ],
    goals: all.map(({ as }) => {
      const measured = median(at(as, 0.5));
      return {
        what: `opening a chat ${as}, at the median`,
        wanted: `< ${MOST_MS} ms`,
        measured: `${number(measured, 2)} ms`,
        met: measured < MOST_MS,
      };
    }),
    raw: Object.fromEntries([...times].map(([name, rounds]) => [name, rounds.map((each) => [...each])])),
  };
}

async function openChats({ cores, sizes }: Setting, side: Side, round: number): Promise<Float64Array> {
  const target = await startSide(side, cores);
  try {
    const fleet = await Fleet.open(target, 1, 1, side.placed);
    const times = new Float64Array((WARM_UPS + 1) * sizes.opened);
    for (const at of times.keys()) {
      const sessionId = `open-${round}-${at}`;
      const ended = fleet.terminal(sessionId);
      const since = performance.now();
      await fleet.chat({ agent: 0, host: 0, sessionId }, END_AT_ONCE);
      times[at] = performance.now() - since;
      await ended;
    }
    fleet.close();
    return times.subarray(WARM_UPS * sizes.opened);
  } finally {
    target.stop();
  }
}
