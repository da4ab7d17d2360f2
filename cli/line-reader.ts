import { createInterface } from 'node:readline';
import type { Io } from './io.ts';

/** What came of asking for a line. */
export type Line = { text: string } | 'end' | 'interrupted';

/**
 * Asks for one line after the other. Each question has a readline of its own, so that between them the terminal is in
 * its ordinary mode, in which Ctrl-C reaches a running turn as a signal.
 */
export class LineReader {
  readonly #io: Io;
  #history: string[] = [];
  /** Lines that came with one that was asked for: pasted, or typed ahead. */
  #ahead: string[] = [];
  /** What stood on the line after those. */
  #begun = '';

  constructor(io: Io) {
    this.#io = io;
  }

  /** @param signal gives up; the answer is then `end`. */
  async ask(prompt: string, signal: AbortSignal): Promise<Line> {
    const ready = this.#ahead.shift();
    if (ready !== undefined) return { text: ready };
    const { stdin, stderr } = this.#io;
    // The prompt goes to stderr, so that stdout can be sent elsewhere.
    const readline = createInterface({
      input: stdin,
      output: stderr,
      terminal: stdin.isTTY === true && stderr.isTTY === true,
      history: this.#history,
    });
    readline.on('history', (history: string[]) => {
      this.#history = history;
    });
    let stop = () => {};
    const line = await new Promise<Line>((resolve) => {
      readline.on('line', (text) => {
        this.#ahead.push(text);
        resolve({ text });
      });
      readline.on('close', () => resolve('end'));
      readline.on('SIGINT', () => resolve('interrupted'));
      const offInterrupt = this.#io.onInterrupt(() => resolve('interrupted'));
      const giveUp = () => resolve('end');
      signal.addEventListener('abort', giveUp);
      stop = () => {
        offInterrupt();
        signal.removeEventListener('abort', giveUp);
      };
      readline.setPrompt(prompt);
      readline.prompt();
      if (this.#begun !== '') readline.write(this.#begun);
    });
    stop();
    this.#begun = readline.line;
    readline.close();
    if (typeof line === 'object') this.#ahead.shift();
    return line;
  }
}
