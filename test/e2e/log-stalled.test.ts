import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { MAIN, Program } from './support/program.ts';
import { WireClient } from './support/wire-client.ts';

/* Whoever reads the log has stopped, as `daemon | less` does. */

it('a daemon whose log nobody reads goes on, whatever strangers try, and stops when it is told to', async () => {
  const directory = temporaryDirectory();
  const pipe = join(directory, 'log');
  execFileSync('mkfifo', [pipe]);
  const out = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(out));
  const home = join(directory, 'home');
  const program = new Program(
    [MAIN, '--port', '0', '--no-socket', '--log-level', 'debug'],
    { SWITCHBOARD_HOME: home },
    `exec > '${pipe}'`,
  );
  let log = '';
  const read = () => {
    const bytes = Buffer.alloc(65_536);
    try {
      for (let length = 1; length > 0; ) {
        length = readSync(out, bytes, 0, bytes.length, null);
        log += bytes.toString('utf8', 0, length);
      }
    } catch {
      // Nothing more for now.
    }
    return log;
  };
  await expect.poll(() => read().includes('"try: '), { timeout: 30_000 }).toBe(true);

  // No room is left, not even for one line.
  const into = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  const full = () => {
    for (const size of [4_096, 1]) {
      try {
        for (;;) writeSync(into, Buffer.alloc(size, 10));
      } catch {
        // As much as that.
      }
    }
  };
  full();
  const { url } = JSON.parse(readFileSync(join(home, 'run', 'broker.json'), 'utf8'));
  for (let n = 0; n < 100; n += 1) {
    const stranger = await WireClient.open(url);
    for (let guess = 0; guess < 4; guess += 1) {
      const { error } = await stranger.call('session.auth', { token: `guess ${n} ${guess}` });
      expect(error.code).toBe(-32603);
    }
    stranger.close();
  }
  program.child.kill('SIGTERM');
  expect(await program.exit).toEqual({ code: 0, signal: null });
  closeSync(into);
  // What it had to say waited, a few lines of it: the rest are one.
  const tokens = read()
    .split('\n')
    .filter((text) => text.includes('wrong token'));
  expect(tokens.length).toBeLessThan(60);
});
