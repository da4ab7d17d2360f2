import { createInterface, type Interface } from 'node:readline';
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
    const readline = this.#open(this.#history);
    readline.on('history', (history: string[]) => {
      this.#history = history;
    });
    let interrupt = () => {};
    const offInterrupt = this.#io.onInterrupt(() => interrupt());
    const line = await new Promise<Line>((resolve) => {
      interrupt = () => resolve('interrupted');
      this.#read(readline, prompt, signal).then(resolve);
      if (this.#begun !== '') readline.write(this.#begun);
    });
    offInterrupt();
    this.#begun = readline.line;
    readline.close();
    return line;
  }

  /**
   * Asks something else in between. Lines that came ahead of it are no answers to it, and its answers no history.
   * `interrupted` is only what the terminal itself made of Ctrl-C; one that came as a signal has its own listeners.
   * @param accepts whether a line is an answer; after any other it asks again.
   * @param signal gives up; the answer is then `end`.
   */
  async askAside(prompt: string, accepts: (text: string) => boolean, signal: AbortSignal): Promise<Line> {
    const readline = this.#open([]);
    const line = await this.#read(readline, prompt, signal, accepts);
    readline.close();
    return line;
  }

  #open(history: string[]): Interface {
    const { stdin, stderr } = this.#io;
    // The prompt goes to stderr, so that stdout can be sent elsewhere.
    const terminal = stdin.isTTY === true && stderr.isTTY === true;
    return createInterface({ input: stdin, output: stderr, terminal, history });
  }

  #read(readline: Interface, prompt: string, signal: AbortSignal, accepts = (_text: string) => true): Promise<Line> {
    return new Promise<Line>((resolve) => {
      let answered = false;
      const answer = (line: Line) => {
        answered = true;
        signal.removeEventListener('abort', giveUp);
        resolve(line);
      };
      const giveUp = () => answer('end');
      readline.on('line', (text) => {
        if (answered) this.#ahead.push(text);
        else if (accepts(text)) answer({ text });
        else readline.prompt();
      });
      readline.on('close', () => answer('end'));
      readline.on('SIGINT', () => answer('interrupted'));
      signal.addEventListener('abort', giveUp);
      readline.setPrompt(prompt);
      readline.prompt();
      if (signal.aborted) giveUp();
    });
  }
}
