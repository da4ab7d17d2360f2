import { expect } from 'vitest';
import type { Logger, MeetingHead } from '../../broker.ts';

/** A log that keeps its lines, and says when there is one of a level. */
export function silent() {
  const lines: string[] = [];
  const note = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const of = (level: string) => lines.filter((line) => line.startsWith(level));
  const heard = (level: string) => expect.poll(() => of(level).length > 0).toBe(true);
  return { ...log, lines, of, heard };
}

/** A meeting that begins. */
export const head = (id: string, more: Partial<MeetingHead> = {}): MeetingHead => ({
  ...{ id, title: 'Plans', status: 'running', started_at: 5, ended_at: null, agent_id: null, bytes: 0 },
  ...more,
});
