import { type ListTasksRequest, type ListTasksResponse, TaskState } from '@a2a-js/sdk';
import { RequestMalformedError } from '@a2a-js/sdk/errors';
import type { Limits } from '../../protocol/limits.ts';
import type { A2aTask } from './task.ts';

const PAGE = 50;
const MAX_PAGE = 100;

/**
 * One page of tasks: those that changed last first. It is shorter where it would be larger than a message may be.
 * @throws {RequestMalformedError}
 */
export function pageOf(
  tasks: readonly A2aTask[],
  request: ListTasksRequest,
  { maxMessageBytes }: Pick<Limits, 'maxMessageBytes'>,
): ListTasksResponse {
  const {
    contextId,
    status,
    pageSize = PAGE,
    pageToken,
    statusTimestampAfter,
    historyLength,
    includeArtifacts,
  } = request;
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE)
    throw new RequestMalformedError(`pageSize is from 1 to ${MAX_PAGE}`);
  const after = statusTimestampAfter === undefined ? undefined : Date.parse(statusTimestampAfter);
  if (Number.isNaN(after)) throw new RequestMalformedError('statusTimestampAfter is a time, RFC 3339');
  if (status === TaskState.UNRECOGNIZED) throw new RequestMalformedError('there is no such state');
  const meant = tasks
    .filter((task) => contextId === '' || task.contextId === contextId)
    .filter((task) => status === TaskState.TASK_STATE_UNSPECIFIED || task.state === status)
    .filter((task) => after === undefined || Date.parse(task.at) > after)
    .map((task) => ({ task, key: `${task.at} ${task.id}` }))
    .sort((a, b) => (a.key < b.key ? 1 : -1));
  const from = pageToken === '' ? undefined : keyIn(pageToken);
  const rest = from === undefined ? meant : meant.filter(({ key }) => key < from);
  let size = 0;
  let count = 0;
  for (const { task } of rest.slice(0, pageSize)) {
    size += task.size;
    if (count > 0 && size > maxMessageBytes) break;
    count += 1;
  }
  const last = count < rest.length ? rest[count - 1] : undefined;
  return {
    tasks: rest.slice(0, count).map(({ task }) => {
      const told = task.toTask(historyLength);
      return includeArtifacts ? told : { ...told, artifacts: [] };
    }),
    nextPageToken: last ? Buffer.from(last.key).toString('base64url') : '',
    pageSize,
    totalSize: meant.length,
  };
}

/** Where a page begins: behind the task that was the last of the one before. */
function keyIn(pageToken: string): string {
  const key = Buffer.from(pageToken, 'base64url').toString();
  if (/^[\dT:.Z-]{24} [\da-f-]{36}$/.test(key)) return key;
  throw new RequestMalformedError('pageToken is one that a page has named');
}
