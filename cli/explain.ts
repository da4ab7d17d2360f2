import {
  AuthError,
  ConnectionError,
  ConnectionLostError,
  type Environment,
  ErrorCode,
  NoDaemonError,
  ResumeError,
  RpcError,
} from '../client/node.ts';
import { CloseCode } from '../protocol/close-codes.ts';
import { isObject } from '../protocol/json.ts';
import { visibleLine } from '../protocol/visible.ts';
import { VOICE_CAPABILITIES } from '../protocol/voice-kinds.ts';
import { CliError, Exit } from './exit.ts';
import { noDaemonIn, unreachable } from './unreachable.ts';

/**
 * Any error as an exit status and plain words, harmless for a terminal: an agent may have chosen them.
 * @param env whose PATH says by which name this program is called.
 */
export function explain(error: unknown, env: Environment): CliError {
  if (error instanceof CliError) return error;
  const { exit, message } = describe(error, env);
  return new CliError(exit, visibleLine(message));
}

function describe(error: unknown, env: Environment): CliError {
  if (error instanceof NoDaemonError) return noDaemonIn(error, env);
  if (error instanceof ConnectionError) return unreachable(error, env);
  if (error instanceof AuthError) {
    return new CliError(
      Exit.NotAuthorised,
      'the daemon refused the token; is it that of the running daemon? (--token, --host-token, SWITCHBOARD_AUTH_TOKEN, SWITCHBOARD_HOST_TOKEN or the files under --home)',
    );
  }
  if (error instanceof ConnectionLostError) {
    const why = error.closeCode === CloseCode.TooBig ? TOO_BIG : 'the daemon may have stopped';
    return new CliError(Exit.Failed, `${error.message}; ${why}`);
  }
  if (error instanceof ResumeError) {
    return new CliError(Exit.Failed, error.retryable ? `${error.message}; ask again` : error.message);
  }
  if (error instanceof RpcError) return new CliError(statusOf(error), error.message + hintOf(error));
  return new CliError(Exit.Failed, error instanceof Error ? error.message : String(error));
}

const TOO_BIG = 'what was sent is larger than the daemon takes (16 MiB, or its --max-message-bytes)';

/** Methods of the management role, which the daemon does not know for anybody else. */
export const HOST_METHODS: readonly string[] = [
  'agents.upsert',
  'agents.remove',
  'broker.status',
  'inspect.subscribe',
  'inspect.turn',
  'inspect.turns',
  'inspect.unsubscribe',
  'keys.add',
  'keys.list',
  'keys.remove',
  'keys.rotate',
];

/** Why an agent refused; who to start, where nobody is there who could do it; what a method needs. */
function hintOf({ code, data, method }: RpcError): string {
  if (code === ErrorCode.MethodNotFound) {
    const needs = 'needs the host token (--host-token, SWITCHBOARD_HOST_TOKEN or the file under --home)';
    return HOST_METHODS.includes(method) ? `: ${method} ${needs}` : `: ${method}; the daemon may be an older one`;
  }
  if (!isObject(data)) return '';
  if (code === ErrorCode.LimitExceeded && isObject(data.limit) && data.limit.name === 'issuer_keys') return NO_KEYS;
  if (code === ErrorCode.AgentRejected && isObject(data.agent_error)) return `: ${data.agent_error.message}`;
  if (code !== ErrorCode.AgentNotAttached) return '';
  if (typeof data.agent_id === 'string') return `: ${data.agent_id}`;
  if (data.capability === VOICE_CAPABILITIES.transcribe) return `; ${startProvider('transcriber')}`;
  return data.capability === VOICE_CAPABILITIES.speak ? `; ${startProvider('speaker')}` : '';
}

const NO_KEYS =
  ': the daemon cannot get the keys of the issuer of JWTs now; try again in half a minute, its log says why';

function startProvider(name: string): string {
  return `start one, as examples/${name}.ts says at its top, or name another with --provider`;
}

function statusOf(error: RpcError): Exit {
  if (error.code === ErrorCode.AgentNotAttached) return Exit.NoAgent;
  if (error.code === ErrorCode.MethodNotFound && HOST_METHODS.includes(error.method)) return Exit.NotAuthorised;
  if (error.code === ErrorCode.AuthRequired) return Exit.NotAuthorised;
  return Exit.Failed;
}
