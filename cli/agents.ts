import type { Command } from 'commander';
import type { AgentRow, Host } from '../client/node.ts';
import { ownCommand } from '../own-command.ts';
import { visibleLine } from '../protocol/visible.ts';
import { withBroker } from './broker-column.ts';
import { defaultList } from './default-list.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, jsonText, withHost } from './with-host.ts';

interface ListFlags extends ConnectionFlags {
  json?: boolean;
}
interface AddFlags extends ListFlags {
  name?: string;
  capability?: string[];
  rotate?: boolean;
}

/** `switchboard agents …`: the registry. */
export function addAgents(program: Command, io: Io): void {
  const agents = program.command('agents').description('list, add and remove agents');
  connectionFlags(defaultList(agents))
    .description('every known and every attached agent (the default)')
    .option('--json', "the daemon's answer as it is")
    .action((flags: ListFlags) => list(io, flags));
  connectionFlags(agents.command('add'), true)
    .description('make an agent known, or change it; prints its token, which is shown this once')
    .argument('<id>', '1 to 128 of letters, digits and . _ -')
    .option('--name <name>', 'what people call it (default: its id)')
    .option('--capability <capability...>', 'what it can do')
    .option('--rotate', 'give it a new token')
    .option('--json', "the daemon's answer as it is")
    .addHelpText('after', '\nOnly the token goes to stdout: TOKEN=$(switchboard agents add my-agent)')
    .action((id: string, flags: AddFlags) => add(io, id, flags));
  connectionFlags(agents.command('remove'), true)
    .description('forget an agent, and disconnect it')
    .argument('<id>')
    .action((id: string, flags: ConnectionFlags) => remove(io, id, flags));
}

async function list(io: Io, { json, ...flags }: ListFlags): Promise<void> {
  const { rows, said } = await withHost(io, flags, async (host) => {
    const rows = await host.agents.list();
    return { rows, said: json ? new Map<string, string>() : await saidBy(host) };
  });
  if (!json && rows.length === 0) tell(io, `no agents yet; add one with: ${ownCommand(io.env)} agents add ID`);
  const text = json ? `${jsonText(rows)}\n` : rows.length > 0 ? tableOf(rows, said) : '';
  await new Output(io.stdout).write(text);
}

/** What agents say of themselves, by their ids: those that `switchboard attach` and `serve --attach` have joined say how they stand. */
async function saidBy(host: Host): Promise<Map<string, string>> {
  const agents = await host.hostAgents();
  return new Map(agents.flatMap(({ id, current_task: task }) => (task === null ? [] : [[id, task] as const])));
}

const HEADING = ['ID', 'NAME', 'ATTACHED', 'TURNS', 'CAPABILITIES'];

/** With what agents say of themselves where one does. */
function tableOf(rows: readonly AgentRow[], said: ReadonlyMap<string, string>): string {
  const brokers = rows.map(({ broker }) => broker);
  if (said.size === 0) return table(withBroker([HEADING, ...rows.map(cells)], brokers, 3));
  const all = rows.map((row) => [...cells(row), visibleLine(said.get(row.spec.id) ?? '')]);
  return table(withBroker([[...HEADING, 'STATE'], ...all], brokers, 3));
}

function cells({ spec, attached, turns }: AgentRow): string[] {
  const { id, name, capabilities } = spec;
  return [id, name, attached ? 'yes' : 'no', String(turns), capabilities.join(', ')].map(visibleLine);
}

async function add(io: Io, id: string, flags: AddFlags): Promise<void> {
  const { json, name, capability, rotate, ...connection } = flags;
  const { spec, token } = await withHost(io, { ...connection, management: true }, (host) =>
    host.agents.upsert({ id, name, capabilities: capability, rotateToken: rotate }),
  );
  if (json) return new Output(io.stdout).write(`${jsonText({ spec, token })}\n`);
  if (token !== undefined) {
    tell(io, `the token of agent ${visibleLine(spec.id)}, shown this once:`);
    return new Output(io.stdout).write(`${token}\n`);
  }
  // A script that waits for a token must not go on with an empty one.
  if (name === undefined && capability === undefined) {
    throw new CliError(Exit.Failed, `agent ${visibleLine(spec.id)} exists already; --rotate gives it a new token`);
  }
  tell(io, `agent ${visibleLine(spec.id)} changed; its token stays (--rotate makes a new one)`);
}

async function remove(io: Io, id: string, flags: ConnectionFlags): Promise<void> {
  const { removed } = await withHost(io, { ...flags, management: true }, (host) => host.agents.remove(id));
  if (!removed) throw new CliError(Exit.NoAgent, `there is no agent ${visibleLine(id)}`);
  tell(io, `agent ${visibleLine(id)} removed`);
}
