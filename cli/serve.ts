import type { Command } from 'commander';

/** `switchboard serve [flags]`: the daemon, in this process. Its flags are its own business, `--help` too. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the daemon; its flags: switchboard serve --help')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[flags...]')
    .action(async (flags: string[]) => {
      // Loaded here, because no other command needs the broker.
      const { runDaemon } = await import('../daemon/run.ts');
      await runDaemon(flags);
    });
}
