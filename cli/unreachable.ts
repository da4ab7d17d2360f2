import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionError, Environment, NoDaemonError } from '../client/node.ts';
import { ownCommand } from '../own-command.ts';
import { CliError, Exit } from './exit.ts';

function startOne(env: Environment): string {
  return `start one with \`${ownCommand(env)} serve\`, or name another with --url or --home`;
}

/** Why no daemon is found in a home directory: it is not there, or this user may not look. */
export function noDaemonIn({ home, reason, pid }: NoDaemonError, env: Environment): CliError {
  const closed = [home, join(home, 'run'), join(home, 'run/broker.json')].find((path) => isClosed(path));
  if (closed !== undefined) {
    const words = `this user may not read ${closed} (EACCES), so it is not known whether a daemon is running for ${home}`;
    return new CliError(Exit.NotAuthorised, `${words}; run this as the user who runs it`);
  }
  const found = {
    absent: '',
    damaged: ' (its run/broker.json is damaged)',
    dead: ` (the last one, process ${pid}, has died)`,
  };
  return new CliError(Exit.NoDaemon, `no daemon is running for ${home}${found[reason]}; ${startOne(env)}`);
}

/** Whether something is there, or may be, that this user is kept from. */
export function isClosed(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

/** Why a URL led to no connection. */
export function unreachable(error: ConnectionError, env: Environment): CliError {
  const { url, status } = error;
  if (status === 503) return new CliError(Exit.NoDaemon, `the daemon at ${url} is full or stopping`);
  if (status !== undefined) return new CliError(Exit.NoDaemon, error.message + hintOf(error));
  if (!error.retryable) return new CliError(Exit.Usage, error.message);
  const code = codeOf(error.cause);
  const certificate = CERTIFICATE[code];
  if (certificate !== undefined) return new CliError(Exit.Failed, `the certificate of ${url} ${certificate} (${code})`);
  if (/^(EPROTO|ERR_SSL_)/.test(code))
    return new CliError(Exit.Failed, `${url} does not speak TLS (${code}); without it, the URL begins with ws://`);
  const what = NETWORK[code];
  if (what !== undefined) return new CliError(Exit.NoDaemon, `${url}: ${what} (${code})`);
  // Nobody listens: of a name that has several addresses, at none of them.
  if (code === '' || code === 'ECONNREFUSED' || code === 'ENOENT')
    return new CliError(Exit.NoDaemon, `no daemon is running at ${url}; ${startOne(env)}`);
  return new CliError(Exit.NoDaemon, `${error.message} (${code})`);
}

/** What to do about a refused upgrade; the error says what was said about it. */
function hintOf({ url, status, reason }: ConnectionError): string {
  if (reason === 'certificate_needed') return '; --cert FILE and --key FILE name one';
  if (status === 403) return '; its log says which --allow-host or --allow-origin it needs';
  return status === 400 && url?.startsWith('ws:') ? '; where that port speaks TLS, the URL begins with wss://' : '';
}

function codeOf(cause: unknown): string {
  const { code, errors } = Object(cause) as { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  return Array.isArray(errors) ? codeOf(errors[0]) : '';
}

const CA = '--ca FILE, or NODE_EXTRA_CA_CERTS, names one that is to be trusted';

/** What is wrong with a certificate, by the codes of OpenSSL and Node. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: `is signed by itself; ${CA}`,
  SELF_SIGNED_CERT_IN_CHAIN: `is signed by an authority that is not known here; ${CA}`,
  UNABLE_TO_GET_ISSUER_CERT: `is signed by an authority that is not known here; ${CA}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `is signed by an authority that is not known here; ${CA}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `comes without that of who signed it; ${CA}`,
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet; is the clock of this machine right?',
  CERT_REVOKED: 'was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another name',
};

/** Whether a code is that of a certificate which is not believed. */
export const isCertificateFault = (code: string | undefined): boolean =>
  code !== undefined && Object.hasOwn(CERTIFICATE, code);

const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no machine of that name',
  EAI_AGAIN: 'the name could not be looked up; is this machine on a network?',
  EACCES: 'this user may not connect to it',
  EPERM: 'this user may not connect to it',
  ETIMEDOUT: 'nothing answers there',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ECONNRESET: 'the connection was cut before it was answered; is that a daemon, and is it wss:// that it speaks?',
};
