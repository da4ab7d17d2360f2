import { expect } from 'vitest';
import { Attack } from './attacker.ts';
import type { Innocents } from './innocents.ts';
import type { MeteredDaemon } from './metered-daemon.ts';
import { slowness } from './slowness.ts';

const MIB = 1024 * 1024;
/** A turn of the event loop: so much CPU, or so much for each MiB of the one message that it reads. Milliseconds. */
const TURN_MS = 50;
const TURN_MS_PER_MIB = 40;
/** So many times the largest message may its memory grow, and to this much of it after a collection. */
const PEAK_FACTOR = 10;
const KEPT_BYTES = 64 * MIB;

/** What came of one attack. */
export interface Figures {
  /** Milliseconds of CPU of the longest turn, and of what it may have. */
  turn: number;
  mayTurn: number;
  /** Mebibytes by which it grew at most, and may. */
  peak: number;
  mayPeak: number;
  /** Mebibytes that were left after a collection, with the attackers still there, and without them. */
  held: number;
  left: number;
  mayHold: number;
  largest: number;
}

interface Scene {
  metered: MeteredDaemon;
  innocents: Innocents;
}

/** Carries out an attack, and says what it has cost. @throws where it has cost others anything. */
export async function suffer(
  { metered, innocents }: Scene,
  run: (attack: Attack) => Promise<void>,
  { isUnfinished = false, scale = 1 } = {},
): Promise<Figures> {
  const attack = new Attack(metered, scale);
  // Before and after: who shares the machine may have slowed it down meanwhile.
  const slownessBefore = slowness();
  await attack.begin();
  try {
    await run(attack);
    const { before } = attack;
    await innocents.turns(1);
    const during = await metered.end();
    attack.leave();
    await innocents.turns(1);
    const after = await metered.end();
    const mib = (bytes: number) => Math.round(bytes / MIB);
    const slow = Math.max(slownessBefore, slowness());
    const mayPeak = Math.max(KEPT_BYTES, PEAK_FACTOR * attack.largest);
    return {
      turn: Math.round(after.longest),
      mayTurn: Math.round(slow * Math.max(TURN_MS, (TURN_MS_PER_MIB * attack.largest) / MIB)),
      peak: mib(during.peak - before.rss),
      mayPeak: mib(mayPeak),
      held: mib(during.collected - before.collected),
      left: mib(after.collected - before.collected),
      mayHold: mib(isUnfinished ? mayPeak : KEPT_BYTES),
      largest: attack.largest,
    };
  } finally {
    attack.leave();
  }
}

/** What the rule says. */
export function expectWithin(figures: Figures): void {
  const { turn, mayTurn, peak, mayPeak, held, left, mayHold } = figures;
  const broken = [
    turn > mayTurn && `a turn of ${turn} ms, ${mayTurn} are allowed`,
    peak > mayPeak && `${peak} MiB more at the peak, ${mayPeak} are allowed`,
    held > mayHold && `${held} MiB more are kept, ${mayHold} are allowed`,
    left > KEPT_BYTES / MIB && `${left} MiB more are left when it has gone`,
  ];
  expect(broken.filter(Boolean), JSON.stringify(figures)).toEqual([]);
}
