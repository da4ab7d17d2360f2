import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { TURNS } from '../turns/turns.ts';

export const OVER = 'turn.over';

/** A turn had ended at whoever says so, before that heard that it is elsewhere. */
export interface Over {
  turn: string;
  ending: string;
}

/** What a broker is told of a turn that has ended here, and that it may have a copy of; undefined: it has not, as far as is known. */
export function saidOver(kernel: Kernel, sessionKey: string, turn: string): string | undefined {
  const { byId, logs } = kernel.get(TURNS);
  const ended = byId.has(turn) ? undefined : logs.find(sessionKey, turn, kernel.clock.now());
  return ended && writeJson({ kind: OVER, turn, ending: ended.ending ?? 'failed' } satisfies Over & { kind: string });
}
