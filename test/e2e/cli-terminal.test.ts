import { type ChildProcess, spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { CLI } from './support/program.ts';

/* A conversation at a real terminal: a pseudo-terminal that `script` of util-linux makes. */

/** A program at a terminal, its keys, and what is on its screen. */
class Terminal {
  readonly exit: Promise<number | null>;
  /** What is behind the words that were waited for last. */
  screen = '';
  /** All that was ever on it. */
  shown = '';
  readonly #child: ChildProcess;
  #look = () => {};

  constructor(argv: string[], env: NodeJS.ProcessEnv) {
    const words = [process.execPath, ...argv].map((word) => `'${word}'`).join(' ');
    // In place of the shell, which would hear of Ctrl-C, too.
    const command = `exec ${words}`;
    this.#child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', SHELL: '/bin/sh', TERM: 'xterm', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    own(() => this.#child.kill('SIGKILL'));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.screen += text;
      this.shown += text;
      this.#look();
    });
    this.exit = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until words stand on the screen, behind what was waited for last; those are then behind, too. */
  async shows(words: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#look = () => {
        if (this.screen.includes(words)) resolve();
      };
      this.#look();
      void this.exit.then(() =>
        reject(new Error(`ended without ${JSON.stringify(words)}: ${JSON.stringify(this.screen)}`)),
      );
    });
    this.screen = this.screen.slice(this.screen.indexOf(words) + words.length);
  }
}

const [CTRL_C, PASTE, PASTED] = ['\u0003', '\u001b[200~', '\u001b[201~'];

/** What an answer comes behind: pastes are marked at the prompt alone. */
const ANSWER = '\u001b[?2004l';

it('a conversation at a terminal › Ctrl-C takes back half a line, a paste is one prompt, and Ctrl-C then leaves', async () => {
  const { home } = await startDaemon({ flags: ['--demo'] });
  const terminal = new Terminal([CLI, 'chat', 'echo', '--no-tools'], { SWITCHBOARD_HOME: home });
  await terminal.shows('> ');
  terminal.press('delete everythi');
  await terminal.shows('everythi');
  terminal.press(CTRL_C);
  await terminal.shows('^C');
  await terminal.shows('> ');
  terminal.press('good morning\r');
  // What was typed, and the answer: nothing of what was taken back.
  await terminal.shows('good morning\r');
  await terminal.shows(`${ANSWER}good morning\r\n`);
  await terminal.shows('> ');
  terminal.press(`${PASTE}one\rtwo\r`);
  await terminal.shows('two\r');
  terminal.press(`three${PASTED}`);
  await terminal.shows('three');
  // Nothing is sent before Enter is pressed, and then all of it at once.
  terminal.press('!\r');
  await terminal.shows(`${ANSWER}one\r\ntwo\r\nthree!\r\n`);
  await terminal.shows('> ');
  // What was pasted can be taken back, too.
  terminal.press(`${PASTE}four\rfi`);
  await terminal.shows('fi');
  terminal.press(`${PASTED}${CTRL_C}`);
  await terminal.shows('^C');
  await terminal.shows('> ');
  terminal.press('six\r');
  await terminal.shows(`${ANSWER}six\r\n`);
  await terminal.shows('> ');
  terminal.press(CTRL_C);
  expect(await terminal.exit).toBe(130);
  // The terminal is left as it was found.
  expect(terminal.screen).toContain(ANSWER);
});

it.each([
  ['has colours', {}, true],
  ['has none where NO_COLOR is set', { NO_COLOR: '1' }, false],
])("the daemon's log at a terminal › %s", async (_, env, isColoured) => {
  const terminal = new Terminal([CLI, 'serve', '--port', '0', '--no-socket'], {
    SWITCHBOARD_HOME: temporaryDirectory(),
    ...env,
  });
  await terminal.shows('INFO');
  await terminal.shows('listening on ws://127.0.0.1:');
  await terminal.shows('agents add');
  terminal.press(CTRL_C);
  expect(await terminal.exit).toBe(0);
  expect(terminal.shown.includes('\u001b[')).toBe(isColoured);
});
