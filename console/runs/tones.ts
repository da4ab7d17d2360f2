import type { RecordedState } from '../../protocol/recording.ts';

/** How a turn is doing, or has done, as a colour. */
export const TONES: Readonly<Record<RecordedState, 'good' | 'warn' | 'bad' | 'off'>> = {
  dispatching: 'off',
  streaming: 'good',
  parked: 'warn',
  cancelling: 'warn',
  detached: 'warn',
  orphaned: 'warn',
  recovering: 'warn',
  done: 'off',
  failed: 'bad',
  cancelled: 'off',
  abandoned: 'bad',
  refused: 'bad',
  moved: 'off',
};
