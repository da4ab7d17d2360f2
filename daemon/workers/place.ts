import { join } from 'node:path';

/** The worker that keeps what there is once: agents, keys, goals, memory, meetings. Its files are those of a single daemon. */
export const HOME_WORKER = '1';

/** Where the workers of a home have their sockets for each other. */
export const linkDirectory = (home: string): string => join(home, 'run', 'link');

/**
 * Where the home worker answers what came in at others, and writes their audit: in the directory of the links, which is the
 * user's alone. Neither path is longer than a link's own.
 */
export const frontsSocket = (home: string): string => join(linkDirectory(home), 'fronts');
/** See {@link frontsSocket}. */
export const auditSocket = (home: string): string => join(linkDirectory(home), 'audit');

/** Where the files of workers other than the first are, a directory for each. */
export const workersDirectory = (home: string): string => join(home, 'workers');

/** Where such a worker has its own. */
export const workerHome = (home: string, id: string): string => join(workersDirectory(home), id);

/** Names a worker to the process that becomes it, which takes it away at once. No secret. */
export const WORKER_VARIABLE = 'SWITCHBOARD_WORKER';

/** Whether this process was started as a worker by a supervisor of ours. */
export const isWorkerProcess = (env: NodeJS.ProcessEnv): boolean =>
  env[WORKER_VARIABLE] !== undefined && process.connected === true;
