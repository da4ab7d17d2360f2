import type { Limits } from '../../../protocol/limits.ts';
import type { RecoveredTurn } from '../../../protocol/turn-journal.ts';
import { ENTRY_BYTES, LOG_BYTES } from './turn-log.ts';

/**
 * Of the turns that the journal has, those whose logs there is no room for: ended ones first, then what is largest, as
 * `TurnLogs` would have let go of. A gibibyte of texts is not made only to be thrown away.
 */
export function withoutRoom(turns: readonly RecoveredTurn[], limits: Limits): ReadonlySet<number> {
  const most = limits.maxLogBytes + limits.maxLogTextBytes;
  const sized = turns.map(({ turn, events, bytes, ended, hasTerminal }) => ({
    turn,
    isOver: ended !== undefined || hasTerminal,
    size: Math.min(most, bytes + events * ENTRY_BYTES),
  }));
  let left = limits.maxAllLogBytes - turns.length * LOG_BYTES;
  for (const { size } of sized) left -= size;
  const without = new Set<number>();
  if (left >= 0) return without;
  sized.sort((a, b) => Number(b.isOver) - Number(a.isOver) || b.size - a.size);
  for (const { turn, size } of sized) {
    if (left >= 0) break;
    without.add(turn);
    left += size;
  }
  return without;
}
