import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { abuse, commit, describeAbuse } from './support/neighbours/abuse.ts';
import { Innocents } from './support/neighbours/innocents.ts';
import { expectWithin, suffer } from './support/neighbours/judge.ts';
import { KNOWN_ATTACKS } from './support/neighbours/known-attacks.ts';
import { MeteredDaemon } from './support/neighbours/metered-daemon.ts';
import { HEAP_MIB, MINUTES } from './support/neighbours/options.ts';
import { proofSeed } from './support/random.ts';

const SCALE = MINUTES > 0 ? 8 : 1;
/** Of the attacks at random in a short one. */
const SHORT_MS = 4_000;
const TIMEOUT = { timeout: 120_000 };

interface Scene {
  metered: MeteredDaemon;
  innocents: Innocents;
}

let scene: Scene;

async function start(): Promise<Scene> {
  const metered = await MeteredDaemon.start({ heap: MINUTES > 0 ? HEAP_MIB : undefined });
  const innocents = await Innocents.start(metered.daemon);
  await innocents.turns(30);
  return { metered, innocents };
}

/** The daemon of all attacks. Where one has done harm, the next has another, for itself alone: each is judged by what it does. */
async function standing(): Promise<Scene> {
  return scene.metered.isGone || scene.innocents.hasFailed ? start() : scene;
}

beforeAll(async () => {
  scene = await start();
});

describe('whoever does harm to the daemon does none to others', () => {
  it.each(KNOWN_ATTACKS)('by $name', TIMEOUT, async ({ name, run, isUnfinished = false }) => {
    const figures = await suffer(await standing(), run, { isUnfinished, scale: SCALE });
    console.log(name, JSON.stringify(figures));
    expectWithin(figures);
  });
});

/** See below. */
const SHORT_SEED = 20_261_129;

describe('whatever anybody sends within the limits', () => {
  it('no turn is long, no memory is lost, and nobody else fails', { timeout: MINUTES * 60_000 + 120_000 }, async () => {
    // The short form is the same each time: a few shapes are known to be beyond the rule (docs/reliability.md), and are not
    // to be drawn now and then by whoever changes something else.
    const seed = MINUTES > 0 || process.env.PROOF_SEED ? proofSeed('neighbours') : SHORT_SEED;
    const until = performance.now() + (MINUTES > 0 ? MINUTES * 60_000 : SHORT_MS);
    const scene = await standing();
    let attacks = 0;
    const property = fc.asyncProperty(fc.array(abuse, { minLength: 1, maxLength: 3 }), async (abuses) => {
      if (performance.now() > until) return;
      attacks += 1;
      const figures = await suffer(scene, async (attack) => {
        for (const each of abuses) await commit(attack, each);
      });
      expectWithin(figures);
    });
    // Not cut down to the least that fails: once more it would be a daemon with another past.
    const numRuns = MINUTES > 0 ? 1_000_000 : 200;
    await fc.assert(property, {
      seed: seed | 0,
      numRuns,
      endOnFailure: true,
      interruptAfterTimeLimit: until - performance.now(),
      reporter: ({ failed, counterexample, errorInstance }) => {
        if (failed) throw new Error(counterexample?.[0].map(describeAbuse).join('\n'), { cause: errorInstance });
      },
    });
    console.log(`neighbours: ${attacks} attacks at random`);
    expect(attacks).toBeGreaterThan(0);
  });
});
