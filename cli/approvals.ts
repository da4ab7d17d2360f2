import type { Command } from 'commander';
import { type ApprovalRow, ErrorCode, RpcError } from '../client/node.ts';
import { excerpt } from './excerpt.ts';
import { CliError, EXIT_HELP, Exit } from './exit.ts';
import { explain } from './explain.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { sanitiseLine } from './sanitise.ts';
import { table } from './table.ts';
import { asManager, type ConnectionFlags, eitherRoleFlags, withHost } from './with-host.ts';

interface ListFlags extends ConnectionFlags {
  all?: boolean;
  json?: boolean;
}
interface ResolveFlags extends ConnectionFlags {
  json?: boolean;
}

/** `switchboard approvals`, `approve ID`, `deny ID`. */
export function addApprovals(program: Command, io: Io): void {
  eitherRoleFlags(program.command('approvals'))
    .description('what waits for a person to decide')
    .option('--all', 'the last resolved ones too')
    .option('--json', 'the rows as they are, in one array')
    .action((flags: ListFlags) => list(io, flags));
  for (const resolution of ['approve', 'deny'] as const) {
    eitherRoleFlags(program.command(resolution))
      .description(resolution === 'approve' ? 'let it happen' : 'refuse it')
      .argument('<id>', 'of the approval; switchboard approvals lists them')
      .option('--json', 'the resolved row as it is')
      .addHelpText('after', EXIT_HELP)
      .action((id: string, flags: ResolveFlags) => resolve(io, id, resolution, flags));
  }
}

async function list(io: Io, { all = false, json, ...flags }: ListFlags): Promise<void> {
  const known = await withHost(io, asManager(flags), (host) => host.approvals());
  const rows = all ? known : known.filter(({ status }) => status === 'pending');
  const output = new Output(io.stdout);
  if (json) return output.write(`${JSON.stringify(rows)}\n`);
  if (rows.length === 0) return tell(io, all ? 'no approvals yet' : 'nothing waits for an approval');
  await output.write(table([HEADING, ...rows.map((row) => cells(row, Date.now()))]));
}

const HEADING = ['ID', 'STATUS', 'AGENT', 'AGE', 'ACTION', 'DETAILS'];

function cells(row: ApprovalRow, now: number): string[] {
  const { id, status, agent_id, action } = row;
  return [id, status, agent_id ?? '-', age(now - row.created_at), excerpt(action), excerpt(detailsOf(row), 200)].map(
    sanitiseLine,
  );
}

/** What helps to decide. Of rows that the broker wrote, what only names the row is for machines; of others nothing is. */
function detailsOf({ origin, details }: ApprovalRow): unknown {
  if (origin === 'request') return Object.keys(details).length === 0 ? '' : details;
  const { source, session_id, turn_id, approval_id, method, params_preview, ...rest } = details;
  if (params_preview === undefined) return Object.keys(rest).length === 0 ? '' : rest;
  const { tool } = rest;
  return typeof tool === 'string' ? `${tool}(${params_preview})` : params_preview;
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`;
}

async function resolve(io: Io, id: string, resolution: 'approve' | 'deny', flags: ResolveFlags): Promise<void> {
  const { json, ...connection } = flags;
  const row = await withHost(io, asManager(connection), async (host) => {
    try {
      return await host.resolveApproval(id, resolution);
    } catch (error) {
      throw refusal(error, id);
    }
  });
  if (json) await new Output(io.stdout).write(`${JSON.stringify(row)}\n`);
  const what = `${excerpt(row.action)}${row.agent_id === null ? '' : ` of ${row.agent_id}`}`;
  if (row.status === 'pending') {
    throw new CliError(Exit.Failed, `the agent did not take the answer; ${what} still waits for one`);
  }
  if (!json) tell(io, `${row.status}: ${what}`);
}

function refusal(error: unknown, id: string): CliError {
  if (!(error instanceof RpcError)) return explain(error);
  const shown = excerpt(id, 128);
  switch (error.code) {
    case ErrorCode.ApprovalNotPending: {
      const { resolution } = (error.data ?? {}) as { resolution?: unknown };
      if (typeof resolution === 'string') {
        return new CliError(Exit.NotPending, `approval ${shown} is not pending any more: ${excerpt(resolution)}`);
      }
      return new CliError(
        Exit.NotPending,
        `there is no pending approval ${shown}, or somebody is answering it; switchboard approvals lists them`,
      );
    }
    case ErrorCode.Forbidden:
      return new CliError(
        Exit.NotAuthorised,
        `approval ${shown} is somebody else's to answer; the host token may (leave out --token)`,
      );
    case ErrorCode.AgentRejected:
    case ErrorCode.DeadlineExceeded:
      return new CliError(Exit.Failed, `the agent did not take the answer; approval ${shown} still waits for one`);
    default:
      return explain(error);
  }
}
