import { describe, expect, it } from 'vitest';
import { ofProof } from './support/extent.ts';
import { type SimOutcome, simulate } from './support/resume-sim.ts';
import { SIM_FAULTS, type SimFault, type SimMode } from './support/sim-records.ts';

/*
 * The design of turns that outlive everything, before it is code: random histories of one turn, with all that may befall it. Each
 * mistake that could be made in it is made on purpose, and has to be found: otherwise the histories prove nothing.
 */

const HISTORIES = ofProof(100_000, 1_500);
/** So many histories each mistake has, to be found in. */
const PATIENCE = ofProof(20_000, 3_000);
const MODES: readonly SimMode[] = ['process', 'disk'];

/** What is wrong with each of them. */
const SYMPTOMS: Readonly<Record<(typeof SIM_FAULTS)[number], RegExp>> = {
  terminalAtHead: /got 0 terminals/,
  noRestamp: /got 0 terminals/,
  noDedup: /got as \d+ what was said as another/,
  ackEarly: /the agent let go of \d+, and the broker has \d+/,
  resendAll: /let go of/,
  rejectAhead: /refused for what it has/,
  noResumeAck: /the agent was never let go/,
  ackMemory: /the agent let go of \d+, and the broker has \d+/,
  endedEarly: /the turn was lost, and nobody had been away/,
  acceptGap: /got as \d+ what was said as another/,
  anyConn: /ended for an event that was never lost/,
  unsyncedTerminal: /the end of a turn that it had been told was lost/,
};

/** The first history in which something is wrong. */
function firstFailure(histories: number, fault?: SimFault, see: (outcome: SimOutcome) => void = () => {}) {
  for (let seed = 1; seed <= histories; seed += 1) {
    for (const mode of MODES) {
      try {
        see(simulate(seed, mode, fault));
      } catch (error) {
        return `history ${seed} (${mode}): ${(error as Error).message}`;
      }
    }
  }
  return undefined;
}

describe('a turn that outlives everything, simulated', () => {
  it(`in ${HISTORIES} histories › nothing is missing, nothing twice, and there is one end`, {
    timeout: 600_000,
  }, () => {
    const seen = { boots: 0, late: 0, early: 0, rereads: 0, lost: 0 };
    const failure = firstFailure(HISTORIES, undefined, ({ boots, late, early, rereads, isLost }) => {
      seen.boots += boots - 1;
      seen.late += late;
      seen.early += early;
      seen.rereads += rereads;
      seen.lost += Number(isLost);
    });
    expect(failure).toBeUndefined();
    // Otherwise hardly anything has happened to them.
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(HISTORIES / 4);
  });

  it.each(SIM_FAULTS)('with %s › something is wrong', { timeout: 300_000 }, (fault) => {
    expect(firstFailure(PATIENCE, fault)).toMatch(SYMPTOMS[fault]);
  });

  it('with what is sent before it is written › nothing is: its agent says it again', { timeout: 600_000 }, () => {
    expect(firstFailure(HISTORIES / 2, 'sendFirst')).toBeUndefined();
  });
});
