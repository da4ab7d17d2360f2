import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { beforeAll, describe, vi } from 'vitest';

/** The shell first: it draws pages as the browser does, and no window around them, which costs more than most pages. */
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Nothing that would look for something outside of this machine. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const executable = find();
if (executable === undefined) {
  const how = 'no chromium found; install one, or set CHROMIUM to where it is';
  if (process.env.CI) throw new Error(how);
  console.warn(`tests in a browser are skipped: ${how}`);
}

let browser: Browser | undefined;

/** `describe`, skipped where there is no browser. */
export function describeBrowser(name: string, tests: () => void): void {
  // A browser on a busy machine takes its time.
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  describe.skipIf(executable === undefined)(name, () => {
    // One for all files that this process runs: it ends with it. Each test has a window, and a profile, of its own.
    beforeAll(async () => {
      if (!browser?.isConnected()) browser = await chromium.launch({ executablePath: executable ?? '', args: FLAGS });
    });
    tests();
  });
}

/** The browser of all tests. */
export function theBrowser(): Browser {
  if (browser === undefined) throw new Error('there is no browser; does the test stand in a describeBrowser?');
  return browser;
}

function find(): string | undefined {
  const given = process.env.CHROMIUM;
  if (given) return given;
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/bin'];
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
