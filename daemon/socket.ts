import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { makeDirectory } from './directory.ts';
import { isSystemError, StartError, unless } from './errors.ts';
import { acquireLock, LockHeldError } from './lock.ts';

/** Longest path of a Unix socket in bytes: `sun_path` without its closing zero. */
export const SOCKET_PATH_LIMIT = process.platform === 'darwin' ? 103 : 107;

/** Where the daemon listens beside TCP, or why it does not. */
export type SocketChoice =
  | {
      path: string;
      /** Somebody asked for this very path: the daemon does not start without it, and leaves its directory as it is. */
      explicit: boolean;
    }
  | { path: null; why?: string };

/** Chooses the socket's path (`wire.md` section 1); `settings` are the daemon's flags of those names. */
export function chooseSocket(
  settings: { socket?: string | undefined; 'no-socket': boolean },
  runDirectory: string,
  env: NodeJS.ProcessEnv,
): SocketChoice {
  if (settings['no-socket']) return { path: null };
  if (settings.socket !== undefined) return { path: settings.socket, explicit: true };
  if (process.platform === 'win32') return { path: null };
  // The XDG specification says to ignore a relative one.
  const runtime = env.XDG_RUNTIME_DIR?.startsWith('/') ? join(env.XDG_RUNTIME_DIR, 'switchboard') : runDirectory;
  const path = join(runtime, 'broker.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return { path, explicit: false };
  return { path: null, why: `${path} is longer than the ${SOCKET_PATH_LIMIT} bytes a socket's path may have` };
}

/**
 * Makes the socket's directory, mode 0700. One that exists is left as it is if it was asked for, for it may be `/tmp`;
 * the default one is ours alone, so its mode is set right.
 *
 * @throws StartError where the default one belongs to somebody else; a system error where it cannot be made.
 */
export function prepareDirectory(path: string, explicit: boolean): void {
  const directory = dirname(path);
  makeDirectory(directory);
  if (explicit) return;
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new StartError(`${directory} belongs to somebody else`);
  }
  if ((found.mode & 0o777) !== 0o700) chmodSync(directory, 0o700);
}

/**
 * Binds a Unix socket, mode 0600, and removes a dead one of that name first. A live socket is never unlinked: from the
 * look at what is there until the new one listens, a lock beside it keeps other daemons from doing the same.
 *
 * @param bind - binds and listens on that path.
 * @returns a function that unlinks the socket, if it is still the same one: for an exit that has no time to close it.
 * @throws StartError where somebody listens there, or what is there is no socket; whatever `bind` throws.
 */
export async function bindSocket(path: string, bind: () => Promise<unknown>): Promise<() => void> {
  const lock = lockSocket(path);
  try {
    await removeDeadSocket(path);
    await bind();
    chmodSync(path, 0o600);
    const { dev, ino } = lstatSync(path);
    return () => {
      const found = unless(['ENOENT'], () => lstatSync(path));
      if (found?.dev === dev && found.ino === ino) unlinkSync(path);
    };
  } finally {
    lock.release();
  }
}

function lockSocket(path: string) {
  try {
    return acquireLock(`${path}.lock`);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new StartError(
      `another daemon (pid ${error.pid}) is starting on the socket ${path}; where that is none, remove ${path}.lock`,
    );
  }
}

async function removeDeadSocket(path: string): Promise<void> {
  const found = unless(['ENOENT'], () => lstatSync(path));
  if (found === undefined) return;
  if (!found.isSocket()) throw new StartError(`${path} is there already and is no socket; remove it, or use --socket`);
  const refusal = await probe(path);
  if (refusal === 'ENOENT') return;
  if (refusal !== 'ECONNREFUSED') {
    throw new StartError(`the socket ${path} is in use; choose another with --socket, or go without by --no-socket`);
  }
  unless(['ENOENT'], () => unlinkSync(path));
}

/**
 * The code that a connection to a socket fails with; `undefined` where somebody answers. Only `ECONNREFUSED` proves it
 * dead: a full backlog (`EAGAIN`) or a socket that we may not write to (`EACCES`) has somebody behind it.
 */
function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(isSystemError(error) ? error.code : undefined));
  });
}
