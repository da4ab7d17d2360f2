import { join } from 'node:path';
import { AuthError, ErrorCode, findHome, findToken, findUrl, RpcError } from '../client/node.ts';
import { CliError, Exit } from './exit.ts';
import { isClosed } from './unreachable.ts';
import type { ConnectionFlags } from './with-host.ts';

type Env = Readonly<Record<string, string | undefined>>;

const KINDS = {
  auth: { name: 'token', flag: '--token', variable: 'SWITCHBOARD_AUTH_TOKEN' },
  host: { name: 'host token', flag: '--host-token', variable: 'SWITCHBOARD_HOST_TOKEN' },
} as const;

/**
 * What was wrong with the token, and where it came from, where that is why a connection failed; else the error as it is.
 * The wire says the same of all (`wire.md` section 3); but who has typed the command knows what was sent.
 */
export function refusedToken(error: unknown, flags: ConnectionFlags & { management?: boolean }, env: Env): unknown {
  const isMissing =
    error instanceof RpcError && error.code === ErrorCode.InvalidParams && error.method === 'session.auth';
  if (!(error instanceof AuthError) && !isMissing) return error;
  const jwt = jwtSource(flags, env);
  if (jwt) return refused(`the daemon at ${urlOf(flags, env)} refused the JWT ${jwt}; its log says why`);
  const kind = flags.management || flags.hostToken !== undefined ? 'host' : 'auth';
  const { name, flag, variable } = KINDS[kind];
  const given = kind === 'host' ? flags.hostToken : flags.token;
  const where = whereOf(flags, env);
  const url = urlOf(flags, env);
  const token = given ?? findToken(kind, { ...where, url });
  const file = join(findHome(where), 'run', `${kind}-token`);
  if (!token) {
    const closed = isClosed(file) ? `this user may not read ${file} (EACCES); ` : '';
    return refused(
      `the daemon at ${url} asks for the ${name}, and none was found: ${closed}give ${flag} or ${variable}`,
    );
  }
  const source = given ? `that ${flag} gave` : env[variable] ? `in ${variable}` : `in ${file}`;
  // The likeliest of all mistakes, where both are there to be compared.
  const other = kind === 'host' && token === findToken('auth', { ...where, url });
  const hint = other ? 'it is the daemon token, and this needs the host token' : 'is it that of the running daemon?';
  return refused(`the daemon at ${url} refused the ${name} ${source}; ${hint}`);
}

const whereOf = ({ home }: ConnectionFlags, env: Env) => ({ ...(home === undefined ? {} : { home }), env });
const urlOf = (flags: ConnectionFlags, env: Env) => flags.url ?? findUrl(whereOf(flags, env));

/** Where the JWT came from, if it was one. */
function jwtSource(flags: ConnectionFlags & { management?: boolean }, env: Env): string | undefined {
  if (flags.jwtFile !== undefined) return `in ${flags.jwtFile}`;
  const variable = KINDS[flags.management ? 'host' : 'auth'].variable;
  const isToken = (flags.token ?? flags.hostToken) !== undefined || env[variable];
  return env.SWITCHBOARD_JWT && !isToken ? 'in SWITCHBOARD_JWT' : undefined;
}

function refused(message: string): CliError {
  return new CliError(Exit.NotAuthorised, message);
}
