import type { Command } from 'commander';
import type { Io } from './io.ts';
import { asManager, type ConnectionFlags, eitherRoleFlags, withHost } from './with-host.ts';

interface WatchFlags extends ConnectionFlags {
  json?: boolean;
}

/** `switchboard watch`: what happens at the daemon, as it happens. */
export function addWatch(program: Command, io: Io): void {
  eitherRoleFlags(program.command('watch'))
    .description('what happens at the daemon, a line each, until Ctrl-C')
    .option('--json', 'the events as they are, one a line')
    .addHelpText('after', '\nIt ends with 1 when the daemon goes, and with 130 by Ctrl-C.')
    .action(async ({ json = false, ...flags }: WatchFlags) => {
      const { runWatch } = await import('./run-watch.ts');
      await withHost(io, asManager(flags), (host) => runWatch(io, host, json));
    });
}
