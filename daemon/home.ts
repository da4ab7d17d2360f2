import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeIfOurs, writeFileAtomic } from './atomic-file.ts';
import { makeOwnDirectory, makePrivateDirectory } from './directory.ts';
import { isSystemError, StartError } from './errors.ts';
import { acquireLock, type Lock, LockHeldError } from './lock.ts';

/** What `switchboard console` leaves behind: a page that leads a browser to ours, the host token with it. */
const CONSOLE_PAGE = 'console.html';

/** What `run/broker.json` tells a client that looks for the daemon (`wire.md` section 12). */
export interface Announcement {
  pid: number;
  url: string;
  /** The Unix socket's path; `null` where there is none. */
  socket: string | null;
  version: string;
}

/** What is kept in a state directory, and where. */
export interface HomeFiles {
  /** `agents.json`: what the registry keeps. */
  readonly agentsFile: string;
  /** `keys.json`: people's and programs' keys, as hashes. */
  readonly keysFile: string;
  /** `goals.json`: the goals that stand for sessions. */
  readonly goalsFile: string;
  /** `memory/`, mode 0700: agents' facts. */
  readonly memoryDirectory: string;
  /** `journal/`, mode 0700: turns that may be resumed, with what was said in them. */
  readonly journalDirectory: string;
  /** `meetings/`, mode 0700: a file for each meeting. */
  readonly meetingsDirectory: string;
  /** `record/`, mode 0700: a file for each recorded turn, with `--record disk`. */
  readonly recordDirectory: string;
}

/** A state directory that this daemon alone uses while it lives. */
export interface Home extends HomeFiles {
  /** `run/`, mode 0700: what lives as long as the daemon. */
  readonly runDirectory: string;
  /** Writes `auth-token` and `host-token`, each 0600 (`wire.md` section 3). */
  writeTokens(tokens: { daemon: string; host: string }): void;
  /** Writes `broker.json`, 0600: from now on clients find the daemon. */
  announce(announcement: Announcement): void;
  /** Removes the token files, `broker.json` and the lock. Total, synchronous, and harmless a second time. */
  release(): void;
}

/**
 * Opens `$SWITCHBOARD_HOME` for one daemon: makes it where it is missing, and locks it.
 *
 * @param failed - hears of what could not be removed when it is released.
 * @throws StartError while another daemon lives on it, and where others can write to it; a system error where it cannot be
 *   made.
 */
export function openHome(path: string, failed: Failed = () => {}): Home {
  makeHome(path);
  const run = privateDirectory(join(path, 'run'));
  const lock = lockHome(path, join(run, 'daemon.lock'));
  try {
    return homeOf(path, run, lock, failed);
  } catch (error) {
    attempt(() => lock.release(), failed);
    throw error;
  }
}

function makeHome(path: string): void {
  try {
    makeOwnDirectory(path, 'see that all that is in it is yours, or choose another --home');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const why = REASONS[error.code ?? ''] ?? 'the system refuses it';
    throw new StartError(
      `the state directory ${path} cannot be made: ${why} (${error.code}); choose another with --home`,
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  ENOENT: 'nothing can be made in the one above it',
  ENOTDIR: 'a part of its path is a file',
  EROFS: 'that file system can only be read',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's share of the disk is used up",
  ENAMETOOLONG: 'the path is too long',
};

function homeOf(path: string, run: string, lock: Lock, failed: Failed): Home {
  const written = new Map<string, string>();
  const write = (name: string, text: string) => {
    written.set(join(run, name), text);
    writeFileAtomic(join(run, name), text);
  };
  // A crashed daemon's: nobody should follow it to a port that is somebody else's by now.
  for (const name of ['broker.json', 'auth-token', 'host-token', CONSOLE_PAGE]) removeFile(join(run, name));

  return {
    ...filesOf(path),
    runDirectory: run,
    writeTokens(tokens) {
      write('auth-token', `${tokens.daemon}\n`);
      write('host-token', `${tokens.host}\n`);
    },
    announce(announcement) {
      write('broker.json', `${JSON.stringify(announcement)}\n`);
    },
    release() {
      // The way in goes first, the lock last: the next daemon must not find our files beside its own.
      for (const [file, text] of [...written].reverse()) attempt(() => removeIfOurs(file, text), failed);
      attempt(() => rmSync(join(run, CONSOLE_PAGE), { force: true }), failed);
      attempt(() => lock.release(), failed);
    },
  };
}

/**
 * Where in a home that is open a process finds its files; directories are made where they are missing.
 * @throws a system error
 */
export function filesOf(path: string): HomeFiles {
  return {
    agentsFile: join(path, 'agents.json'),
    keysFile: join(path, 'keys.json'),
    goalsFile: join(path, 'goals.json'),
    memoryDirectory: privateDirectory(join(path, 'memory')),
    meetingsDirectory: privateDirectory(join(path, 'meetings')),
    ...turnFilesOf(path),
  };
}

/** The same of turns alone: each process that has any keeps its own. @throws a system error */
export function turnFilesOf(path: string): Pick<HomeFiles, 'journalDirectory' | 'recordDirectory'> {
  return {
    journalDirectory: privateDirectory(join(path, 'journal')),
    recordDirectory: privateDirectory(join(path, 'record')),
  };
}

function privateDirectory(path: string): string {
  makePrivateDirectory(path);
  return path;
}

/** What a directory of that name holds is nobody's to remove. */
function removeFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new StartError(`${path} is a directory; move it away`);
  rmSync(path, { force: true });
}

function lockHome(home: string, path: string): Lock {
  try {
    return acquireLock(path);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new StartError(`another daemon (pid ${error.pid}) is running on ${home}; stop it, or choose another --home`);
  }
}

type Failed = (error: unknown) => void;

/** We are on the way out: what stays behind is told, and in nobody's way at the next start. */
function attempt(release: () => void, failed: Failed): void {
  try {
    release();
  } catch (error) {
    failed(error);
  }
}
