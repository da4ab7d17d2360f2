import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Host, HostOptions } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { CliError, Exit } from './exit.ts';
import type { Io } from './io.ts';
import { readTlsFlags } from './tls-flags.ts';

/** The flags that say which daemon is meant. */
export interface ConnectionFlags {
  url?: string;
  home?: string;
  token?: string;
  hostToken?: string;
  jwtFile?: string;
  ca?: string;
  cert?: string;
  key?: string;
}

/** Adds those flags to a command. @param management whether it needs the host token instead of the daemon's. */
export function connectionFlags(command: Command, management = false): Command {
  command
    .option('--url <url>', 'the daemon: ws://…, or ws+unix:/path/to/broker.sock:/ (default: found by --home)')
    .option('--home <dir>', "the daemon's state directory (default: $SWITCHBOARD_HOME or ~/.switchboard)")
    .option(
      '--jwt-file <file>',
      'a JWT to come by in place of a token, read anew before it ends (default: $SWITCHBOARD_JWT)',
    )
    .option('--ca <file>', 'authority that has signed the certificate of a wss://… daemon, in PEM')
    .option('--cert <file>', 'client certificate, for a daemon that asks for one')
    .option('--key <file>', 'its private key');
  return management
    ? command.option('--host-token <token>', 'the host token (default: $SWITCHBOARD_HOST_TOKEN or the file)')
    : command.option('--token <token>', 'the daemon token (default: $SWITCHBOARD_AUTH_TOKEN or the file)');
}

/**
 * The flags of a command that sees and may do more in the management role, and can do without: it takes that role
 * unless it is given a daemon token.
 */
export function eitherRoleFlags(command: Command): Command {
  return connectionFlags(command, true).option('--token <token>', 'a daemon token: without the management role');
}

/** See {@link eitherRoleFlags}. */
export function asManager(flags: ConnectionFlags): ConnectionFlags & { management: boolean } {
  return { ...flags, management: flags.token === undefined };
}

/** @throws {CliError} where it is given, and leads to no WebSocket. */
function checkUrl(url: string | undefined, name: string): void {
  if (!url || (/^wss?(\+unix)?:/i.test(url) && URL.canParse(url))) return;
  throw new CliError(
    Exit.Usage,
    `${name} takes ws://…, wss://… or ws+unix:/path/to/broker.sock:/, not ${visibleLine(url)}`,
  );
}

/**
 * Connects, does something, and disconnects whatever came of it. Nobody waits for the closing handshake: the process
 * lives on until it is over, unless it is left by Ctrl-C.
 */
export async function withHost<T>(io: Io, flags: HostFlags, use: (host: Host) => Promise<T>): Promise<T> {
  const host = await openHost(io, flags);
  try {
    return await use(host);
  } finally {
    void host.close();
  }
}

/** Flags of a connection, and how it is to be. */
type HostFlags = ConnectionFlags & Pick<HostOptions, 'management' | 'reconnect' | 'onStatus'>;

/** Connects; whoever opens it closes it. @throws {CliError} and the SDK's errors. */
export async function openHost(io: Io, flags: HostFlags): Promise<Host> {
  // Loaded here: `--help` and `--version` take no SDK.
  const { connectHost, exactJson } = await import('../client/node.ts');
  write = exactJson.stringify;
  // Of a command's flags, which has others of its own, those that are a connection's.
  const { url, home, token, hostToken, jwtFile, management, reconnect, onStatus } = flags;
  const jwt = jwtFile === undefined ? undefined : jwtIn(jwtFile, token ?? hostToken);
  const tls = readTlsFlags(flags);
  checkUrl(url, '--url');
  if (url === undefined) checkUrl(io.env.SWITCHBOARD_URL, 'SWITCHBOARD_URL');
  // What a person decides on is shown as it is, and scripts get every digit.
  const json = exactJson;
  const options = { url, home, token, hostToken, jwt, management, reconnect, onStatus, json, tls, env: io.env };
  return connectHost(options).catch(async (error: unknown) => {
    const { refusedToken } = await import('./refused-token.ts');
    throw refusedToken(error, { ...flags, management: management ?? false }, io.env);
  });
}

/** What is in the file now, each time it is asked for. @throws {CliError} where it cannot be read, or a token is given too */
function jwtIn(file: string, token: string | undefined): () => string {
  if (token !== undefined) throw new CliError(Exit.Usage, '--jwt-file goes with no token');
  const read = () => {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CliError(Exit.Usage, `--jwt-file takes a file, and ${visibleLine(file)} cannot be read: ${code}`);
    }
  };
  read();
  return read;
}

let write = (value: unknown, indent?: number): string => JSON.stringify(value, undefined, indent);

/**
 * A JSON value as text. With `indent` one that people read, on several lines. Undefined where it is no JSON value. The digits
 * of long integers are kept: what writes them comes with the SDK, as such integers do.
 */
export function jsonText(value: unknown, indent?: number): string {
  return write(value, indent);
}
