import { type Command, InvalidArgumentError } from 'commander';
import type { InputOf } from '../client/node.ts';
import { ownCommand } from '../own-command.ts';
import { FRONTS, type Front, SCOPES, type Scope } from '../protocol/grants.ts';
import type { KeyRow, MadeKey } from '../protocol/keys.ts';
import { KEY_LIMITS, type KeyLimits, readKeyLimit, SHARED_LIMIT_VALUE } from '../protocol/shared-limits.ts';
import { visibleLine } from '../protocol/visible.ts';
import { defaultList } from './default-list.ts';
import { duration } from './duration.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, withHost } from './with-host.ts';

interface KeyFlags extends ConnectionFlags {
  tenant?: string;
  json?: boolean;
}
interface ListFlags extends KeyFlags {
  like?: string;
}
interface AddFlags extends KeyFlags {
  for?: string;
  scope?: Scope[];
  agent?: string[];
  front?: Front[];
  limit?: KeyLimits;
  expires?: number;
}
interface RotateFlags extends KeyFlags {
  keep?: number;
}

const LIMITS = 'chats, deltas, bytes, tools (a second), turns, connections (at once)';

const NAME = 'the person or program that it is for: 1 to 64 of letters, digits and . _ @ -';

/** `switchboard keys …`: who may come in, besides whoever has the daemon's own token. */
export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description('list, add, replace and remove keys of people and programs');
  keyFlags(defaultList(keys))
    .description('every key, and how many connections came by it (the default)')
    .option(
      '--like <text>',
      'those alone with it in their name, person or tenant: of thousands only the newest are told',
    )
    .action((flags: ListFlags) => list(io, flags));
  keyFlags(keys.command('add'))
    .description('make a key for one person or program; it is shown this once')
    .argument('<name>', NAME)
    .option('--for <person>', 'whose it is, where that is not its name: several keys may be one person’s')
    .option('--scope <scope>', `what it may do, repeatable: ${SCOPES.join(', ')} (default: chat)`, each(SCOPES))
    .option('--agent <id>', 'an agent that it may use, repeatable (default: all of its tenant)', each<string>())
    .option(
      '--front <front>',
      `a way that it may come by, repeatable: ${FRONTS.join(', ')} (default: all)`,
      each(FRONTS),
    )
    .option('--limit <name=n>', `what all that come by it may do together, repeatable: ${LIMITS}`, limits)
    .option('--expires <time>', 'it ends by itself after so long: 90s, 15m, 12h, 30d, 2w (default: never)', duration)
    .addHelpText('after', '\nOnly the key goes to stdout: KEY=$(switchboard keys add my-app --expires 30d)')
    .action((name: string, flags: AddFlags) => add(io, name, flags));
  keyFlags(keys.command('rotate'))
    .description('give a key a new secret, shown this once; the old one stops working')
    .argument('<name>')
    .option('--keep <time>', 'the old one works on for so long: 90s, 15m, 12h, 30d, 2w (default: not at all)', duration)
    .action((name: string, flags: RotateFlags) => rotate(io, name, flags));
  keyFlags(keys.command('remove'), false)
    .description('end a key: who came by it is disconnected, and their turns end')
    .argument('<name>')
    .action((name: string, flags: KeyFlags) => remove(io, name, flags));
}

/** A flag that may be given again and again. */
function each<T extends string>(choices?: readonly T[]) {
  return (value: string, before: T[] = []): T[] => {
    if (choices && !choices.includes(value as T)) throw new InvalidArgumentError(`It takes ${choices.join(', ')}.`);
    return [...before, value as T];
  };
}

/** `NAME=N`, again and again. */
function limits(text: string, before: KeyLimits = {}): KeyLimits {
  const read = readKeyLimit(text);
  if (!read) throw new InvalidArgumentError(`It takes NAME=N, of ${KEY_LIMITS.join(', ')}, and ${SHARED_LIMIT_VALUE}.`);
  return { ...before, [read[0]]: read[1] };
}

function keyFlags(command: Command, json = true): Command {
  connectionFlags(command, true).option('--tenant <tenant>', "whose keys (default: default; in a list, everybody's)");
  return json ? command.option('--json', "the daemon's answer as it is") : command;
}

const asManager = (flags: ConnectionFlags) => ({ ...flags, management: true });

async function list(io: Io, flags: ListFlags): Promise<void> {
  const { tenant, like } = flags;
  const rows = await withHost(io, asManager(flags), (host) => host.request('keys.list', { tenant, like }));
  if (flags.json) return new Output(io.stdout).write(`${JSON.stringify(rows)}\n`);
  if (rows.length === 0 && like) tell(io, `no key is like ${visibleLine(like)}`);
  else if (rows.length === 0) tell(io, `no keys yet; make one with: ${ownCommand(io.env)} keys add NAME`);
  else await new Output(io.stdout).write(table([HEADING, ...rows.map(cells)]));
}

const HEADING = [
  'NAME',
  'FOR',
  'TENANT',
  'SCOPES',
  'AGENTS',
  'FRONTS',
  'LIMITS',
  'LAST USED',
  'EXPIRES',
  'CONNECTIONS',
];

function cells({ name, tenant, sub, scopes, agents, fronts, limits, ...row }: KeyRow): string[] {
  const which = (some: readonly string[] | undefined) => some?.join(',') ?? 'all';
  const limited = Object.entries(limits ?? {}).map(([one, most]) => `${one}=${most}`);
  const may = [scopes.join(','), which(agents), which(fronts), limited.join(',') || 'none'];
  const when = [row.last_used_at ?? 'never', row.expires_at ?? 'never'];
  return [name, sub, tenant, ...may, ...when, String(row.connections)].map(visibleLine);
}

async function add(io: Io, name: string, flags: AddFlags): Promise<void> {
  const wish: InputOf<'keys.add'> = {
    name,
    tenant: flags.tenant,
    sub: flags.for,
    scopes: flags.scope,
    agents: flags.agent,
    fronts: flags.front,
    limits: flags.limit,
    expires_in_ms: flags.expires,
  };
  await show(io, flags, await withHost(io, asManager(flags), (host) => host.request('keys.add', wish)));
}

async function rotate(io: Io, name: string, flags: RotateFlags): Promise<void> {
  const wish = { name, tenant: flags.tenant, keep_ms: flags.keep };
  await show(io, flags, await withHost(io, asManager(flags), (host) => host.request('keys.rotate', wish)));
}

async function show(io: Io, { json }: KeyFlags, made: MadeKey): Promise<void> {
  if (json) return new Output(io.stdout).write(`${JSON.stringify(made)}\n`);
  const { name, expires_at, previous_until } = made.key;
  const ends = expires_at === undefined ? '' : `, until ${expires_at}`;
  tell(io, `the key ${visibleLine(name)}${ends}, shown this once:`);
  await new Output(io.stdout).write(`${made.token}\n`);
  if (previous_until !== undefined) tell(io, `the one before it works until ${previous_until}`);
}

async function remove(io: Io, name: string, flags: KeyFlags): Promise<void> {
  const { removed } = await withHost(io, asManager(flags), (host) =>
    host.request('keys.remove', { name, tenant: flags.tenant }),
  );
  if (!removed) throw new CliError(Exit.Failed, `there is no key ${visibleLine(name)}`);
  tell(io, `key ${visibleLine(name)} removed`);
}
