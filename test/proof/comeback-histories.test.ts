import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ComebackStep, comebacks, playComeback } from './support/comeback/histories.ts';
import { ofProof } from './support/extent.ts';
import { proofSeed } from './support/random.ts';

/*
 * An agent that numbers its events loses its connections, comes back, says again what it has said, goes back where it is told to,
 * forgets to send something, is replaced by a newer connection or another process; hosts lose theirs, or all they know, take
 * turns from each other, read on from wherever they like; tools, approvals and cancels are under way meanwhile, and time passes.
 * Whatever the order: each reader has what the agent has said, once and by its own `seq`; one end that something explains, and
 * nothing after it; what is acknowledged has come, and in the end all is let go of; a tool is asked for once; a decision counts
 * once; and when all have gone, nothing is left. PROOF_RUNS=5000 looks longer. That these laws can be broken is in
 * comeback-laws.alone.test.ts.
 */

const RUNS = Number(process.env.PROOF_RUNS ?? ofProof(1_000, 100));

describe('turns whose agents and hosts come and go, in any history', () => {
  it('keep their laws', { timeout: 30_000 + RUNS * 2_000 }, async () => {
    const seed = proofSeed('comeback histories');
    const counts = new Map<string, number>();
    const property = fc.asyncProperty(comebacks, async (history) => {
      for (const [what, times] of await playComeback(history)) counts.set(what, (counts.get(what) ?? 0) + times);
    });
    const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: RUNS });
    if (failed) {
      const steps = (counterexample?.[0] ?? []) as ComebackStep[];
      const script = steps.map((step) => JSON.stringify(step)).join('\n');
      throw new Error(`PROOF_SEED=${seed}, shrunk to:\n\n${script}\n`, { cause: errorInstance });
    }
    // Otherwise hardly anything has happened to them.
    for (const what of ['turns', 'resumed', 'subscribed as controller', 'ended: said', 'asked for a tool'])
      expect(counts.get(what), what).toBeGreaterThan(RUNS / 2);
    for (const what of [
      'rewound',
      'asked again',
      'ended: agent_disconnected',
      'ended: agent_replaced',
      'ended: cancelled',
    ])
      expect(counts.get(what), what).toBeGreaterThan(RUNS / 30);
    for (const what of ['granted', 'recovered', 'asked again, and knows nothing'])
      expect(counts.get(what), what).toBeGreaterThan(0);
  });
});
