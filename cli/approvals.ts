import type { Command } from 'commander';
import type { ApprovalRow } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { withBroker } from './broker-column.ts';
import { excerpt } from './excerpt.ts';
import { EXIT_HELP } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import type { ResolveFlags } from './resolve-approval.ts';
import { table } from './table.ts';
import { asManager, type ConnectionFlags, eitherRoleFlags, jsonText, withHost } from './with-host.ts';

interface ListFlags extends ConnectionFlags {
  all?: boolean;
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
      .action(async (id: string, flags: ResolveFlags) => {
        const { resolveApproval } = await import('./resolve-approval.ts');
        await resolveApproval(io, id, resolution, flags);
      });
  }
}

async function list(io: Io, { all = false, json, ...flags }: ListFlags): Promise<void> {
  const known = await withHost(io, asManager(flags), (host) => host.approvals());
  const rows = all ? known : known.filter(({ status }) => status === 'pending');
  const output = new Output(io.stdout);
  if (json) return output.write(`${jsonText(rows)}\n`);
  if (rows.length === 0) return tell(io, all ? 'no approvals yet' : 'nothing waits for an approval');
  const lines = [HEADING, ...rows.map((row) => cells(row, Date.now()))];
  const brokers = rows.map(({ broker }) => broker);
  await output.write(table(withBroker(lines, brokers, 3)));
}

const HEADING = ['ID', 'STATUS', 'AGENT', 'AGE', 'ACTION', 'DETAILS'];

function cells(row: ApprovalRow, now: number): string[] {
  const { id, status, agent_id, action } = row;
  return [
    id,
    status,
    agent_id ?? '-',
    age(now - Date.parse(row.created_at)),
    excerpt(action),
    excerpt(detailsOf(row), 200),
  ].map(visibleLine);
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
