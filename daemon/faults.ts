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

/**
 * Node reads it when the first stack is looked at, which takes ten milliseconds and more. Some of Node's own code looks:
 * a connection that breaks while it is written to would hold up all others. A daemon that is refused its start needs none.
 */
export function readSourceMap(): void {
  void new Error().stack;
}
