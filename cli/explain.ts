import {
  AuthError,
  ConnectionError,
  ConnectionLostError,
  ErrorCode,
  NoDaemonError,
  ResumeError,
  RpcError,
} from '../client/node.ts';
import { isObject } from '../protocol/json.ts';
import { visibleLine } from '../protocol/visible.ts';
import { VOICE_CAPABILITIES } from '../protocol/voice.ts';
import { CliError, Exit } from './exit.ts';

const START_ONE = 'start one with `npm start`, or name another with --url or --home';

/** Any error as an exit status and plain words, harmless for a terminal: an agent may have chosen them. */
export function explain(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const { exit, message } = describe(error);
  return new CliError(exit, visibleLine(message));
}

function describe(error: unknown): CliError {
  if (error instanceof NoDaemonError) {
    return new CliError(Exit.NoDaemon, `no daemon is running for ${error.home}; ${START_ONE}`);
  }
  if (error instanceof ConnectionError) return unreachable(error);
  if (error instanceof AuthError) {
    return new CliError(
      Exit.NotAuthorised,
      'the daemon refused the token; is it that of the running daemon? (--token, --host-token, SWITCHBOARD_AUTH_TOKEN, SWITCHBOARD_HOST_TOKEN or the files under --home)',
    );
  }
  if (error instanceof ConnectionLostError) {
    return new CliError(Exit.Failed, `${error.message}; the daemon may have stopped`);
  }
  if (error instanceof ResumeError) {
    return new CliError(Exit.Failed, error.retryable ? `${error.message}; ask again` : error.message);
  }
  if (error instanceof RpcError) return new CliError(statusOf(error), error.message + hintOf(error));
  return new CliError(Exit.Failed, error instanceof Error ? error.message : String(error));
}

function unreachable(error: ConnectionError): CliError {
  if (error.status === 503) return new CliError(Exit.NoDaemon, `the daemon at ${error.url} is full or stopping`);
  if (error.status !== undefined) {
    return new CliError(Exit.NoDaemon, `${error.url} refused the connection with HTTP ${error.status}`);
  }
  if (!error.retryable) return new CliError(Exit.Usage, error.message);
  return new CliError(Exit.NoDaemon, `no daemon is running at ${error.url}; ${START_ONE}`);
}

/** Why an agent refused; who to start, where nobody is there who could do it. */
function hintOf({ code, data }: RpcError): string {
  if (!isObject(data)) return '';
  if (code === ErrorCode.AgentRejected && isObject(data.agent_error)) return `: ${data.agent_error.message}`;
  if (code !== ErrorCode.AgentNotAttached) return '';
  if (typeof data.agent_id === 'string') return `: ${data.agent_id}`;
  if (data.capability === VOICE_CAPABILITIES.transcribe) return `; ${startProvider('transcriber')}`;
  return data.capability === VOICE_CAPABILITIES.speak ? `; ${startProvider('speaker')}` : '';
}

function startProvider(name: string): string {
  return `start one, as examples/${name}.ts says at its top, or name another with --provider`;
}

function statusOf(error: RpcError): Exit {
  if (error.code === ErrorCode.AgentNotAttached) return Exit.NoAgent;
  if (error.code === ErrorCode.AuthRequired) return Exit.NotAuthorised;
  return Exit.Failed;
}
