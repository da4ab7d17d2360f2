import type { GoalRecord, GoalStore } from '../broker.ts';
import { goalState } from '../protocol/goals.ts';
import { principal } from '../protocol/principal.ts';
import { recordFile } from './record-file.ts';

const record = goalState.extend(principal.shape);

/** Keeps standing goals in a {@link recordFile}: `$SWITCHBOARD_HOME/goals.json` (`docs/protocol.md#standing-goals`). */
export function fileGoalStore(path: string): GoalStore {
  return recordFile<GoalRecord>({
    path,
    member: 'goals',
    record,
    danger: 'agents run what it says',
    idOf: ({ tenant, sub, session_id }) => `${tenant}/${session_id}/${sub}`,
  });
}
