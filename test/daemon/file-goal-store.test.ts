import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GoalRecord } from '../../broker.ts';
import { StartError } from '../../daemon/errors.ts';
import { fileGoalStore } from '../../daemon/file-goal-store.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

const record = (session_id: string, more: Partial<GoalRecord> = {}): GoalRecord => ({
  tenant: 'default',
  sub: 'local',
  session_id,
  check: 'npm test',
  max_iterations: 8,
  status: 'active',
  updated_at: '2030-01-31T12:00:00.000Z',
  ...more,
});
const storePath = () => join(temporaryDirectory(), 'goals.json');

describe('the goals’ file', () => {
  it('gives back what was saved, and is private', async () => {
    const path = storePath();
    expect(fileGoalStore(path).load()).toEqual([]);
    const records = [
      record('a'),
      record('a', { tenant: 'acme', sub: 'Zoë "quoted"' }),
      record('b', { status: 'met', last_iteration: 3, last_met: true, last_grounded: true, last_reason: 'all pass' }),
    ];
    await fileGoalStore(path).save(records);
    expect(fileGoalStore(path).load()).toEqual(records);
    expect(modeOf(path)).toBe(0o600);
  });

  it.each([
    ['{', 'not JSON'],
    [JSON.stringify({ goals: [record('a b')] }), 'goals.0.session_id'],
    [JSON.stringify({ goals: [record('a', { status: 'new' as never })] }), 'goals.0.status'],
    [JSON.stringify({ goals: [record('a'), record('a')] }), 'an id is there twice'],
  ])('that says %s is refused in one line, and left as it is', (text, why) => {
    const path = storePath();
    writeFileSync(path, text);
    const load = () => fileGoalStore(path).load();
    expect(load).toThrow(StartError);
    expect(load).toThrow(new RegExp(`^[^\\n]*goals.json is malformed and was left as it is: [^\\n]*${why}[^\\n]*$`));
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
