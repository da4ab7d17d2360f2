import type { Command } from 'commander';
import type { Host, HostOptions } from '../client/node.ts';
import type { Io } from './io.ts';

/** The flags that say which daemon is meant. */
export interface ConnectionFlags {
  url?: string;
  home?: string;
  token?: string;
  hostToken?: string;
}

/** Adds those flags to a command. @param management whether it needs the host token instead of the daemon's. */
export function connectionFlags(command: Command, management = false): Command {
  command
    .option('--url <url>', 'the daemon: ws://…, or ws+unix:/path/to/broker.sock:/ (default: found by --home)')
    .option('--home <dir>', "the daemon's state directory (default: $SWITCHBOARD_HOME or ~/.switchboard)");
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

/**
 * Connects, does something, and disconnects whatever came of it. Nobody waits for the closing handshake: the process
 * lives on until it is over, unless it is left by Ctrl-C.
 */
export async function withHost<T>(
  io: Io,
  flags: ConnectionFlags & Pick<HostOptions, 'management' | 'reconnect' | 'onStatus'>,
  use: (host: Host) => Promise<T>,
): Promise<T> {
  // Loaded here: `--help` and `--version` take no SDK.
  const { connectHost } = await import('../client/node.ts');
  // Of a command's flags, which has others of its own, those that are a connection's.
  const { url, home, token, hostToken, management, reconnect, onStatus } = flags;
  const host = await connectHost({ url, home, token, hostToken, management, reconnect, onStatus, env: io.env });
  try {
    return await use(host);
  } finally {
    void host.close();
  }
}
