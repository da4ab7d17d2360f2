import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from './temporary.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * Makes the collector work, with enough that lives on to be shared among threads. The objects come from a parser: those of
 * one line of code that live on are made among the old ones after a while, and nothing young is left to collect.
 */
const BUSY = `const text = JSON.stringify(Array.from({ length: 2_000 }, (_, index) => ({ index })));
setInterval(() => {
  globalThis.kept = Array.from({ length: 10 }, () => JSON.parse(text));
}, 20);`;

/** Begins with the line in which the daemon says where it listens. */
const LISTENS = '"try: ';
const ENOUGH = 10;

it('collectAlone › no collection of young objects waits for another thread once the daemon listens', async () => {
  const home = temporaryDirectory();
  const preload = `data:text/javascript,${encodeURIComponent(BUSY)}`;
  const flags = ['--trace-gc-nvp', '--max-semi-space-size=1', '--import', preload, MAIN, '--port', '0', '--no-socket'];
  const child = spawn(process.execPath, flags, {
    env: { PATH: process.env.PATH, SWITCHBOARD_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const shared: string[] = [];
  let isListening = false;
  for await (const line of createInterface(child.stdout)) {
    isListening ||= line.includes(LISTENS);
    if (!isListening || !line.includes(' gc=s ')) continue;
    shared.push(/background\.scavenge\.parallel=([\d.]+)/.exec(line)?.[1] ?? line);
    if (shared.length === ENOUGH) break;
  }
  expect(shared).toEqual(new Array(ENOUGH).fill('0.00'));
});
