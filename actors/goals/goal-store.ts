import type { GoalState } from '../../protocol/goals.ts';

/** What is kept of a goal that stands for a session (`wire.md` section 6). */
export interface GoalRecord extends GoalState {
  /** Whose session it is. */
  tenant: string;
  sub: string;
}

/** Where standing goals are kept between two runs: an embedder's own, the daemon's file, or nowhere. */
export interface GoalStore {
  /** Everything that was kept. Called once, when the broker is made; a throw is passed on. */
  load(): GoalRecord[];
  /** Keeps exactly these, as an `AgentStore` does. */
  save(records: readonly GoalRecord[]): void | Promise<void>;
}

/** Keeps them for the life of the process. */
export function memoryGoalStore(): GoalStore {
  let kept: readonly GoalRecord[] = [];
  return {
    load: () => structuredClone([...kept]),
    save: (records) => {
      kept = structuredClone([...records]);
    },
  };
}
