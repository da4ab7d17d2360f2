import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Logger } from 'pino';
import { RemoteTrail } from '../../audit/remote-trail.ts';
import { TrailWriter } from '../../audit/trail-writer.ts';
import type { AuditTrail } from '../../broker.ts';
import { makePrivate } from '../../link/unix-carrier.ts';
import { openAudit } from '../audit.ts';
import type { Settings } from '../config.ts';
import type { Reload } from '../reload.ts';
import type { Teardown } from '../teardown.ts';
import { auditSocket, HOME_WORKER, linkDirectory } from './place.ts';

/** How long a worker that starts waits for the one that writes. Milliseconds. */
const READY_MS = 2_000;

/**
 * Opens the audit of `--audit` for all workers: each record is chained to the one before, so that one process alone, the home
 * worker, can write them.
 * @throws StartError where it cannot be used; a system error
 */
export async function writeAuditForAll(
  settings: Settings,
  log: Logger,
  steps: { teardown: Teardown; reload: Reload },
): Promise<AuditTrail | undefined> {
  const trail = await openAudit(settings, log, steps);
  if (!trail) return undefined;
  const writer = new TrailWriter(trail);
  makePrivate(linkDirectory(settings.home));
  const path = auditSocket(settings.home);
  // One of an earlier life: this one has the worker's lock.
  rmSync(path, { force: true });
  await writer.listen(path);
  steps.teardown.onStop(() => writer.close());
  return {
    note: (entry) => trail.note({ ...entry, worker: HOME_WORKER }),
    get state() {
      return trail.state;
    },
  };
}

/** Another worker tells the home worker what is to be written. */
export async function tellAudit(
  { audit, home }: Settings,
  worker: string,
  log: Logger,
  teardown: Teardown,
): Promise<AuditTrail | undefined> {
  if (audit === undefined) return undefined;
  const trail = new RemoteTrail({
    path: auditSocket(home),
    worker,
    life: randomUUID(),
    on: {
      lost: () => log.warn('the worker that writes the audit is gone; what is to be written waits'),
      found: (lost) => log.info({ lost }, 'the audit is written again'),
      abandoned: (entries) => log.error({ entries, file: audit }, 'the end of the audit could not be written'),
    },
  });
  teardown.onStop(() => trail.close());
  await trail.ready(READY_MS);
  return trail;
}
