import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { own } from '../../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../../e2e/support/daemon.ts';
import { theBrowser } from './chromium.ts';

export { describeBrowser } from './chromium.ts';

/** How long anything that a person waits for may take here. Milliseconds. */
const PATIENCE_MS = 30_000;

/** How to open a console. */
export interface ConsoleOptions {
  /** A daemon that runs already. Default: one of its own. */
  daemon?: Daemon;
  /** The flags of its own daemon. Default: `--demo --inspect`. */
  flags?: string[];
  env?: NodeJS.ProcessEnv;
  /** The place in the console, `charts/turn-1` say. Default: the first one. */
  place?: string;
  /** False: the page asks for a token. */
  signedIn?: boolean;
  /** That the page's own log complains is part of the test, as it does when the daemon is gone. */
  mayComplain?: boolean;
  /** Size, colours, motion. */
  context?: BrowserContextOptions;
}

/** A console that a person looks at. */
export interface OpenConsole {
  daemon: Daemon;
  page: Page;
  /** The page's address. */
  url: string;
  /** What the page's log complains of: faults of its script, files that are missing, what its policy forbids. */
  complaints: string[];
}

/** Opens the console of a real daemon in a window of its own, which is closed after the test. */
export async function openConsole(options: ConsoleOptions = {}): Promise<OpenConsole> {
  const { flags = ['--demo', '--inspect'], env = {}, signedIn = true, mayComplain = false } = options;
  const daemon = options.daemon ?? (await startDaemon({ flags, env }));
  const url = daemon.url.replace(/^ws/, 'http');
  const complaints: string[] = [];
  const context = await theBrowser().newContext(options.context);
  own(() => context.close());
  // Looked at before the window is closed: what is undone was made last.
  if (!mayComplain) own(() => expect(complaints).toEqual([]));
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} (${message.location().url})`);
  });
  await page.goto(signedIn ? linkTo(daemon) : url);
  if (signedIn) {
    await connected(page);
    if (options.place !== undefined) await page.goto(`${url}/#/${options.place}`);
  }
  return { daemon, page, url, complaints };
}

/** The link that signs in, as `switchboard console` prints it. */
export function linkTo(daemon: Daemon): string {
  return `${daemon.url.replace(/^ws/, 'http')}/#token=${encodeURIComponent(daemon.tokens.host)}`;
}

/** Waits until the page says that it is connected. */
export async function connected(page: Page): Promise<void> {
  await page
    .getByRole('status', { name: 'Connection' })
    .filter({ hasText: /^connected/i })
    .waitFor();
}
