import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { reportJournal } from '../../turn-journal/report.ts';
import { StartError, unless } from '../errors.ts';
import { acquireLock, type Lock, LockHeldError } from '../lock.ts';
import { workersDirectory } from './place.ts';

/** How long workers whose supervisor was killed are waited for. They take less. Milliseconds. */
const ORPHANS_MS = 10_000;
const RETRY_MS = 50;
const LOCK = /^worker-(.+)\.lock$/;

/**
 * Takes the lock of a worker: while it lives, nobody else writes what it writes.
 * @throws {StartError} where another process is that worker; a system error
 */
export function lockWorker(home: string, id: string): Lock {
  try {
    return acquireLock(join(home, 'run', `worker-${id}.lock`));
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new StartError(`worker ${id} of this home lives already, as process ${error.pid}`);
  }
}

/**
 * Waits for workers whose supervisor was killed: they are ending, and write their journals until then. The home is locked.
 * @throws {StartError} where one does not end
 */
export async function untilOrphansEnd(home: string): Promise<void> {
  const until = performance.now() + ORPHANS_MS;
  for (const name of readdirSync(join(home, 'run'))) {
    const [, id] = LOCK.exec(name) ?? [];
    for (; id !== undefined; await delay(RETRY_MS)) {
      try {
        lockWorker(home, id).release();
        break;
      } catch (error) {
        if (!(error instanceof StartError) || performance.now() >= until) throw error;
      }
    }
  }
}

/** Says which turns wait in the journals of workers that are not started now: they go on when so many are started again. */
export async function warnOfLeft(home: string, started: readonly string[], log: Logger): Promise<void> {
  const directory = workersDirectory(home);
  for (const id of unless(['ENOENT'], () => readdirSync(directory)) ?? []) {
    if (started.includes(id)) continue;
    const journal = join(directory, id, 'journal');
    try {
      const { turns } = await reportJournal(journal);
      if (turns.length > 0)
        log.warn(
          { journal, turns: turns.length },
          `the journal of worker ${id} has turns, and that worker is not started: --workers ${id} takes them up again`,
        );
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') continue;
      log.warn({ err, journal }, `the journal of worker ${id}, which is not started, cannot be read`);
    }
  }
}
