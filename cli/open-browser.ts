import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Environment } from '../client/node.ts';

/** Whether somebody sits before this very machine, at a desktop. */
export function hasDesktop(env: Environment, platform = process.platform): boolean {
  if (env.SSH_CONNECTION || env.SSH_TTY) return false;
  return platform === 'darwin' || platform === 'win32' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * Opens a link that holds a secret in the browser. A command line is public, so the browser is not given the link but a
 * page, for this user's eyes alone, that leads there.
 *
 * @param directory - where that page is put: the daemon's `run/`, which clears it away.
 * @returns whether something was there to open it.
 */
export async function openSecretLink(link: string, directory: string, env: Environment): Promise<boolean> {
  const path = join(directory, 'console.html');
  try {
    // Made anew, so that the mode is ours and not that of something older.
    rmSync(path, { force: true });
    writeFileSync(path, redirect(link), { mode: 0o600, flag: 'wx' });
  } catch {
    // Somebody else's daemon, or one on another machine.
    return false;
  }
  const isOpened = await open(pathToFileURL(path).href, env);
  if (!isOpened) rmSync(path, { force: true });
  return isOpened;
}

function redirect(link: string): string {
  const escaped = link.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url=${escaped}">
<title>Switchboard</title>
<a href="${escaped}">To the console</a>
`;
}

const OPENERS: Partial<Record<NodeJS.Platform, [command: string, ...first: string[]]>> = {
  darwin: ['open'],
  // `start` takes what is quoted first for a title.
  win32: ['cmd', '/c', 'start', ''],
};

/** How long an opener has to say that it cannot. Milliseconds. */
const OPENING_MS = 2_000;

/** A browser hands what is in its environment to whatever it starts. */
function withoutTokens(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.toUpperCase().startsWith('SWITCHBOARD_')));
}

function open(url: string, env: Environment): Promise<boolean> {
  const [command, ...first] = OPENERS[process.platform] ?? ['xdg-open'];
  return new Promise((resolve) => {
    const child = spawn(command, [...first, url], { env: withoutTokens(env), detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    // One that finds no browser says so by its status, and soon; one that is the browser lives on as long as it likes.
    const timer = setTimeout(() => resolve(true), OPENING_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
    child.unref();
  });
}
