import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { NoDaemonError } from './errors.ts';
import { isLocal } from './place.ts';

/** The process's variables, or others in their place. */
export type Environment = Record<string, string | undefined>;

/** Where to look for a daemon. */
export interface DiscoverOptions {
  /** The daemon's state directory. Default `$SWITCHBOARD_HOME`, else `~/.switchboard`. */
  home?: string | undefined;
  /** Default `process.env`. Variables beat the files: `SWITCHBOARD_URL`, `SWITCHBOARD_AUTH_TOKEN`, `SWITCHBOARD_HOST_TOKEN`. */
  env?: Environment | undefined;
}

/**
 * The state directory that is meant.
 * @throws {Error} where nobody says, and this user has none, as with an empty `HOME`.
 */
export function findHome({ home, env = process.env }: DiscoverOptions = {}): string {
  const given = home || env.SWITCHBOARD_HOME;
  if (given) return resolve(given);
  const user = homedir();
  if (!isAbsolute(user)) throw new Error('HOME names no directory; set it, or name the daemon’s home or its URL');
  return join(user, '.switchboard');
}

/**
 * The URL of the daemon that runs in a home directory (`broker.json`, `wire.md` section 12). Where its port speaks TLS that
 * is its socket, if it has one: on this machine nobody need know who has signed its certificate, or for which name.
 * @param by `tcp`: by its port in any case, as a browser needs it.
 * @throws {NoDaemonError} where none does.
 */
export function findUrl(options: DiscoverOptions = {}, by: 'any' | 'tcp' = 'any'): string {
  const { env = process.env } = options;
  if (env.SWITCHBOARD_URL) return env.SWITCHBOARD_URL;
  const home = findHome(options);
  const text = read(home, 'broker.json');
  if (text === undefined) throw new NoDaemonError(home, 'absent');
  const { url, pid, socket } = parse(text);
  if (typeof url !== 'string') throw new NoDaemonError(home, 'damaged');
  if (typeof pid === 'number' && !isAlive(pid)) throw new NoDaemonError(home, 'dead', pid);
  return by === 'any' && url.startsWith('wss:') && typeof socket === 'string' ? `ws+unix:${socket}:/` : url;
}

/** The daemon token, or the host token: the variable's, else the file's. Undefined where there is neither. */
export function findToken(kind: 'auth' | 'host', options: DiscoverOptions & { url: string }): string | undefined {
  const { env = process.env, url } = options;
  const fromVariable = kind === 'auth' ? env.SWITCHBOARD_AUTH_TOKEN : env.SWITCHBOARD_HOST_TOKEN;
  if (fromVariable) return fromVariable;
  // The files belong to the daemon on this machine: they are not for whatever other machine a URL names.
  return isLocal(url) ? read(findHome(options), `${kind}-token`)?.trim() : undefined;
}

/** Nothing but a file is read: at a pipe one would wait for ever. */
function read(home: string, name: string): string | undefined {
  const path = join(home, 'run', name);
  try {
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function parse(text: string): { url?: unknown; pid?: unknown; socket?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // There is such a process, but it is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
