import { reapSurfaces } from '../surfaces/commit.ts';
import type { BrokerState } from './broker-state.ts';
import { tell } from './tell.ts';

/** A stale turn is swept within five seconds (`wire.md` section 6): the rest is for a timer that is late. */
const MAX_SWEEP_INTERVAL_MS = 4_000;

/**
 * Ends every turn whose agent has been silent for too long, and forgets ended ones that nobody came back to. A turn that
 * waits for a person, or for a tool, is not stale. A voice stream is, where neither side sends anything. Surfaces that
 * nobody has touched for an hour are reaped.
 */
export function sweepTurns(state: BrokerState): void {
  state.logs.sweep(state.clock.now());
  const oldest = state.clock.now() - state.limits.staleAfterMs;
  for (const turn of [...state.turns.values()]) {
    if (turn.lastFrameAt > oldest || turn.callbacks.size > 0 || !turn.ref) continue;
    const { value } = turn.ref.getSnapshot();
    if (value === 'streaming' || value === 'detached') tell(state.ref, turn.ref, { type: 'turn.stale' });
  }
  for (const stream of [...state.voice]) {
    if (stream.lastFrameAt > oldest || !stream.ref) continue;
    tell(state.ref, stream.ref, { type: 'stream.fail', code: 'stale', message: 'nothing has come for too long' });
  }
  reapSurfaces(state);
}

/** Has the broker sweep again and again, on the shared timer. */
export function armSweep(state: BrokerState): void {
  const interval = Math.min(MAX_SWEEP_INTERVAL_MS, Math.max(20, state.limits.staleAfterMs / 4));
  state.deadlines.arm(interval, () => {
    state.ref.send({ type: 'sweep' });
    armSweep(state);
  });
}
