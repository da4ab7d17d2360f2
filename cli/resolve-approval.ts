import { type Environment, ErrorCode, RpcError } from '../client/node.ts';
import { excerpt } from './excerpt.ts';
import { CliError, Exit } from './exit.ts';
import { explain } from './explain.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { asManager, type ConnectionFlags, jsonText, withHost } from './with-host.ts';

/** The flags of `approve` and `deny`. */
export interface ResolveFlags extends ConnectionFlags {
  json?: boolean;
}

/** What `switchboard approve ID` and `deny ID` do. */
export async function resolveApproval(
  io: Io,
  id: string,
  resolution: 'approve' | 'deny',
  flags: ResolveFlags,
): Promise<void> {
  const { json, ...connection } = flags;
  const row = await withHost(io, asManager(connection), async (host) => {
    try {
      return await host.resolveApproval(id, resolution);
    } catch (error) {
      throw refusal(error, id, io.env);
    }
  });
  if (json) await new Output(io.stdout).write(`${jsonText(row)}\n`);
  const what = `${excerpt(row.action)}${row.agent_id === null ? '' : ` of ${excerpt(row.agent_id, 128)}`}`;
  if (row.status === 'pending') {
    throw new CliError(Exit.Failed, `the agent did not take the answer; ${what} still waits for one`);
  }
  if (!json) tell(io, `${row.status}: ${what}`);
}

function refusal(error: unknown, id: string, env: Environment): CliError {
  if (!(error instanceof RpcError)) return explain(error, env);
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
      return explain(error, env);
  }
}
