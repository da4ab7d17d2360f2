import type { Command } from 'commander';

/**
 * Adds `list` to a group of commands: what it does where no command is named. A word that is none of them is then told as
 * what it is, an unknown command, and not as one word too many for this one.
 */
export function defaultList(group: Command): Command {
  return group
    .command('list', { isDefault: true })
    .allowExcessArguments()
    .hook('preAction', (list) => {
      const [word] = list.args;
      if (word === undefined) return;
      const names = group.commands.map((command) => command.name());
      const isNamed = group.args[0] === 'list';
      const what = isNamed ? `list takes no argument, and got '${word}'` : `unknown command '${word}'`;
      group.error(`error: ${what} (switchboard ${group.name()} knows: ${names.join(', ')})`);
    });
}
