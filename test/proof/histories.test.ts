import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ofProof } from './support/extent.ts';
import { histories, playHistory, scriptOf, shorten } from './support/histories.ts';
import { HistoryPlay } from './support/history-play.ts';
import { proofSeed } from './support/random.ts';

/*
 * Hosts, agents and the clock do anything that they can, in any order, against a real broker and against a plain model
 * of it. After each step both agree on every frame that every client was sent, on the listed turns, and on the pending
 * approvals; when everybody has gone, nothing is left. PROOF_RUNS=5000 looks longer.
 */

const RUNS = Number(process.env.PROOF_RUNS ?? ofProof(1_000, 50));

describe('a broker, in any history', () => {
  it('does what its model does', { timeout: 30_000 + RUNS * 1_000 }, async () => {
    const seed = proofSeed('histories');
    let steps = 0;
    const property = fc.asyncProperty(histories, async (history) => {
      steps += history.length;
      await playHistory(history);
    });
    const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: RUNS });
    if (!failed) {
      expect(steps).toBeGreaterThan(RUNS * 10);
      return;
    }
    const history = await shorten(counterexample?.[0] ?? []);
    throw new Error(`PROOF_SEED=${seed}, shrunk to:\n\n${scriptOf(history)}\n`, { cause: errorInstance });
  });

  it('is told like this', async () => {
    const play = await HistoryPlay.start();
    await play.chat('ann', 's', 'north', { resumable: true });
    await play.agentSays('north', 's', 'token', 'before the ack');
    await play.agentAnswers('north', 'accepts');
    await play.chat('ann', 's', 'north', { busy: 'queue' });
    await play.agentUsesTool('north', 's');
    await play.agentSays('north', 's', 'ask', 'a');
    await play.hostGoes('ann');
    await play.agentSays('north', 's', 'token', 'while nobody listens');
    await play.subscribe('bob', 's', { known: 0.5 });
    await play.approve('bob', 's', 'a', true);
    await play.agentAnswersApprove('north', 'yes');
    await play.cancel('bob', 's', 2_000);
    await play.agentComes('north');
    await play.subscribe('bob', 's', { known: 1 });
    await play.end();
  });
});
