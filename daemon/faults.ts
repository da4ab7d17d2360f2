import type { Logger } from 'pino';
import type { Teardown } from './teardown.ts';

/** What nobody caught is a bug of ours: nothing is certain any more, so the process ends and leaves nothing behind. */
export function stopOnFaults(log: Logger, teardown: Teardown): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'the daemon failed');
    teardown.exitNow();
    process.exit(1);
  });
}
