import { spawn } from 'node:child_process';

/**
 * Ends a process group when whoever started it is gone, however it went: by `kill -9` too. A shell holds the end of a pipe
 * whose other end this process has and nobody else; the kernel closes it with the process. A signal that a parent's death
 * sends is not there on macOS, and closing the agent's stdin is not enough: it may not look, and its own children do not.
 *
 * The first line says which group, a second one that it has been seen to.
 */
const SCRIPT = `
read -r group || exit 0
read -r done && exit 0
kill -TERM "-$group" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  sleep 0.1
  kill -0 "-$group" 2>/dev/null || exit 0
done
kill -KILL "-$group" 2>/dev/null
`;

/** Watches over one process group for as long as this process lives. */
export class Guardian {
  readonly #shell = spawn('/bin/sh', ['-c', SCRIPT], {
    // A Ctrl-C at the terminal is for this process, and not for what ends things after it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
  });

  constructor() {
    // Without a shell nothing watches; the agent is ended by this process all the same, as long as it can.
    this.#shell.on('error', () => {});
    this.#shell.stdin.on('error', () => {});
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?: () => void }).unref?.();
  }

  /** To be called in the same turn of the loop in which the group's leader was started. */
  watch(group: number): void {
    this.#shell.stdin.write(`${group}\n`);
  }

  /** The group is gone, or there never was one: its id may come to be another's. */
  dismiss(): void {
    this.#shell.stdin.end('done\n');
  }
}
