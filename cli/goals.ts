import { type Command, InvalidArgumentError } from 'commander';
import type { GoalState } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { defaultList } from './default-list.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, jsonText, withHost } from './with-host.ts';

interface GoalFlags extends ConnectionFlags {
  json?: boolean;
  maxIterations?: number;
  all?: boolean;
}

/** `switchboard goals …`: what sessions work towards. */
export function addGoals(program: Command, io: Io): void {
  const goals = program.command('goals').description('goals that stand for your sessions: list, set and clear them');
  connectionFlags(defaultList(goals))
    .description('every goal, and what became of it last (the default)')
    .option('--json', "the daemon's answer as it is")
    .action((flags: GoalFlags) => list(io, flags));
  connectionFlags(goals.command('set'))
    .description('have a goal stand for a session: chats that name none go by it')
    .argument('<session>', 'its id: chat --session')
    .argument('<check>', 'what the agent has to run, or to see, before it is done')
    .option('--max-iterations <n>', 'how often it may try, 1 to 50 (default: 8)', toCount)
    .option('--json', "the daemon's answer as it is")
    .action((session: string, check: string, flags: GoalFlags) => set(io, session, check, flags));
  connectionFlags(goals.command('clear'))
    .description('forget the goal of a session')
    .argument('[session]')
    .option('--all', 'those of all your sessions')
    .action((session: string | undefined, flags: GoalFlags) => clear(io, session, flags));
}

function toCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number.');
}

async function list(io: Io, { json, ...flags }: GoalFlags): Promise<void> {
  const rows = await withHost(io, flags, (host) => host.goals.list());
  if (!json && rows.length === 0) tell(io, 'no goals');
  const text = json ? `${jsonText(rows)}\n` : rows.length > 0 ? table([HEADING, ...rows.map(cells)]) : '';
  await new Output(io.stdout).write(text);
}

const HEADING = ['SESSION', 'STATUS', 'TRIED', 'UPDATED', 'CHECK', 'LAST WORDS'];

function cells(goal: GoalState): string[] {
  const { session_id, status, last_iteration = 0, max_iterations, updated_at, check } = goal;
  const words = goal.terminal_message ?? goal.last_reason ?? '-';
  return [session_id, status, `${last_iteration} of ${max_iterations}`, updated_at, check, words].map(visibleLine);
}

async function set(io: Io, session: string, check: string, flags: GoalFlags): Promise<void> {
  const { json, maxIterations, ...connection } = flags;
  const goal = await withHost(io, connection, (host) => host.goals.set(session, { check, maxIterations }));
  if (json) return new Output(io.stdout).write(`${jsonText(goal)}\n`);
  tell(io, `${visibleLine(session)} works towards: ${visibleLine(goal.check)}`);
}

async function clear(io: Io, session: string | undefined, { all, ...flags }: GoalFlags): Promise<void> {
  if ((session === undefined) !== (all === true))
    throw new CliError(Exit.Usage, 'goals clear takes a session, or --all');
  if (session === undefined) {
    const count = await withHost(io, flags, (host) => host.goals.clearAll());
    return tell(io, count === 1 ? 'one goal is forgotten' : `${count} goals are forgotten`);
  }
  const cleared = await withHost(io, flags, (host) => host.goals.clear(session));
  if (!cleared) throw new CliError(Exit.Failed, `no goal stands for ${visibleLine(session)}`);
  tell(io, `the goal of ${visibleLine(session)} is forgotten`);
}
