import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { AuditFileError, AuditKeyError, type FileTrail, openAuditKey, openAuditTrail } from '../broker.ts';
import type { Settings } from './config.ts';
import { StartError } from './errors.ts';
import { acquireLock, LockHeldError } from './lock.ts';
import type { Reload } from './reload.ts';
import type { Teardown } from './teardown.ts';

/**
 * Opens the file that `--audit` names; undefined where there is none. It is closed behind whatever is torn down before,
 * and opened anew by a SIGHUP. How it goes is logged: each checkpoint, the first failure of a row, and its end.
 *
 * @throws StartError where the file or its key cannot be used; a system error that names it.
 */
export async function openAudit(
  settings: Settings,
  log: Logger,
  { teardown, reload }: { teardown: Teardown; reload: Reload },
): Promise<FileTrail | undefined> {
  const { audit: path, home } = settings;
  if (path === undefined) return undefined;
  try {
    // Says it more plainly than the lock would.
    statSync(dirname(path));
    // Two chains in one file would be none.
    const lock = acquireLock(`${path}.lock`);
    teardown.onExit(() => lock.release());
    const key = openAuditKey(settings['audit-key-file'] ?? join(home, 'audit.key'));
    const trail = await openAuditTrail({
      path,
      key,
      on: {
        checkpoint: (audit) => log.info({ audit }, 'audit checkpoint'),
        failed(err, isFirst) {
          if (isFirst) log.error({ err, file: path }, 'the audit cannot be written; it is tried again each second');
        },
        recovered: (lost) => log.warn({ lost, file: path }, 'the audit is written again'),
        abandoned: (entries) => log.error({ entries, file: path }, 'the end of the audit could not be written'),
      },
    });
    teardown.onStop(() => trail.close());
    reload.onReload(() => trail.reopen());
    log.info({ file: path, key: key.id }, 'audit opened');
    return trail;
  } catch (error) {
    if (error instanceof LockHeldError)
      throw new StartError(`another daemon (pid ${error.pid}) writes the audit ${path}; give each its own`);
    if (error instanceof AuditFileError || error instanceof AuditKeyError) throw new StartError(error.message);
    throw error;
  }
}
