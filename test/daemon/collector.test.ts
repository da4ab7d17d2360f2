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

/** Starts the daemon with this preload, under these flags of Node's, and gives what it says once it listens, line by line. */
async function* linesOf(preload: string, ...nodeFlags: string[]): AsyncGenerator<string> {
  const home = temporaryDirectory();
  const flags = [...nodeFlags, '--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  const child = spawn(process.execPath, [...flags, MAIN, '--port', '0', '--no-socket'], {
    env: { PATH: process.env.PATH, SWITCHBOARD_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let isListening = false;
  for await (const line of createInterface(child.stdout)) {
    isListening ||= line.includes(LISTENS);
    if (isListening) yield line;
  }
}

it('collectAlone › no collection of young objects waits for another thread once the daemon listens', async () => {
  const shared: string[] = [];
  for await (const line of linesOf(BUSY, '--trace-gc-nvp', '--max-semi-space-size=1')) {
    if (!line.includes(' gc=s ')) continue;
    shared.push(/background\.scavenge\.parallel=([\d.]+)/.exec(line)?.[1] ?? line);
    if (shared.length === ENOUGH) break;
  }
  expect(shared).toEqual(new Array(ENOUGH).fill('0.00'));
});

/** Says how much room young objects have. That is not to grow before the daemon has it grow. */
const YOUNG = `import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
setFlagsFromString('--semi-space-growth-factor=1');
${BUSY}
setInterval(() => {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  console.log('young ' + young.space_size / 1024 / 1024);
}, 20);`;

it('keepYoungSmall › whatever lives on, young objects have as much room as `npm start` gives them, and no more', async () => {
  const sizes: number[] = [];
  // It has its room, and goes on living for as long again.
  let until = Number.POSITIVE_INFINITY;
  for await (const line of linesOf(YOUNG)) {
    const [, size] = /^young (.*)$/.exec(line) ?? [];
    if (size === undefined) continue;
    sizes.push(Number(size));
    if (until === Number.POSITIVE_INFINITY && Number(size) >= 16) until = 2 * sizes.length + ENOUGH;
    if (sizes.length >= until) break;
  }
  expect(Math.max(...sizes)).toBe(16);
});
