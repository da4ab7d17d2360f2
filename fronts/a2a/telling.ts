import { type StreamResponse, type Task, TaskState, type TaskStatus } from '@a2a-js/sdk';
import type { A2aTask } from './task.ts';

/** From where somebody is told of a task. */
export interface Start {
  /** The task as it was then. */
  task: Task;
  /** How many pieces of its answer that has. */
  told: number;
  /** How often its status had changed. */
  version: number;
}

/**
 * Tells of a task until it has ended, or asks something: as it was at first, then what is new. Whoever is slow is told less
 * around the same text.
 */
export async function* tell(
  task: A2aTask,
  start: Start,
  signal: AbortSignal,
): AsyncGenerator<StreamResponse, void, undefined> {
  let { told, version } = start;
  yield { payload: { $case: 'task', value: start.task } };
  while (!signal.aborted) {
    const isResting = task.isResting(start.version);
    const isNews = version !== task.version;
    if (version === 0 && task.takenAt !== undefined) {
      version = 1;
      const status = { state: TaskState.TASK_STATE_WORKING, message: undefined, timestamp: task.takenAt };
      yield statusUpdate(task, status);
    } else if (told < task.answer.length && (isResting || !isNews)) {
      const from = told;
      told = task.answer.length;
      yield artifactUpdate(task, from);
    } else if (isNews) {
      version = task.version;
      yield statusUpdate(task, task.status);
    } else if (isResting) return;
    else await task.change(signal);
  }
}

function statusUpdate({ id: taskId, contextId }: A2aTask, status: TaskStatus): StreamResponse {
  return { payload: { $case: 'statusUpdate', value: { taskId, contextId, status, metadata: undefined } } };
}

function artifactUpdate({ id: taskId, contextId, answer, isOver }: A2aTask, from: number): StreamResponse {
  const value = {
    taskId,
    contextId,
    artifact: answer.since(from),
    // There is nothing yet that the first could be appended to.
    append: from > 0,
    lastChunk: isOver,
    metadata: undefined,
  };
  return { payload: { $case: 'artifactUpdate', value } };
}
