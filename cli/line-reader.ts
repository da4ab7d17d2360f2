import { createInterface, type Interface } from 'node:readline';
import type { Io } from './io.ts';

/** Asks a terminal to say where a paste begins and ends (xterm's "bracketed paste"), and no longer to. */
const MARK_PASTES = '\u001b[?2004h';
const LEAVE_PASTES = '\u001b[?2004l';

/** What came of asking for a line. */
export type Line = { text: string } | 'end' | 'interrupted';

/** What is being pasted. */
interface Paste {
  isUnderWay: boolean;
  /** Its lines so far: what is behind the last line feed is still on readline's line, and can be changed. */
  lines: string[];
  stop(): void;
}

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

  /**
   * What is pasted is one answer, with its line feeds, however many lines it has: the terminal says where it begins and ends.
   * Ctrl-C takes back what was typed so far; with nothing typed it is the answer `interrupted`.
   * @param signal gives up; the answer is then `end`.
   */
  async ask(prompt: string, signal: AbortSignal): Promise<Line> {
    const ready = this.#ahead.shift();
    if (ready !== undefined) return { text: ready };
    const readline = this.#open(this.#history);
    const paste = this.#watchPastes(readline);
    readline.on('history', (history: string[]) => {
      this.#history = history;
    });
    let interrupt = () => {};
    const offInterrupt = this.#io.onInterrupt(() => interrupt());
    const line = await new Promise<Line>((resolve) => {
      interrupt = () => resolve('interrupted');
      this.#read(readline, prompt, signal, undefined, paste).then(resolve);
      if (this.#begun !== '') readline.write(this.#begun);
    });
    offInterrupt();
    this.#begun = readline.line;
    readline.close();
    paste.stop();
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

  #watchPastes(readline: Interface): Paste {
    const { stdin, stderr } = this.#io;
    const paste: Paste = { isUnderWay: false, lines: [], stop: () => {} };
    if (!readline.terminal) return paste;
    const press = (_text: string | undefined, key: { name?: string } | undefined) => {
      if (key?.name === 'paste-start') paste.isUnderWay = true;
      else if (key?.name === 'paste-end') paste.isUnderWay = false;
    };
    stdin.on('keypress', press);
    stderr.write(MARK_PASTES);
    paste.stop = () => {
      stdin.off('keypress', press);
      stderr.write(LEAVE_PASTES);
    };
    return paste;
  }

  #read(
    readline: Interface,
    prompt: string,
    signal: AbortSignal,
    accepts = (_text: string) => true,
    paste?: Paste,
  ): Promise<Line> {
    return new Promise<Line>((resolve) => {
      let answered = false;
      const answer = (line: Line) => {
        answered = true;
        signal.removeEventListener('abort', giveUp);
        resolve(line);
      };
      const giveUp = () => answer('end');
      readline.on('line', (text) => {
        if (paste?.isUnderWay) paste.lines.push(text);
        else if (answered) this.#ahead.push(text);
        else if (accepts(text)) answer({ text: [...(paste?.lines.splice(0) ?? []), text].join('\n') });
        else readline.prompt();
      });
      readline.on('close', () => answer('end'));
      readline.on('SIGINT', () => {
        if (!paste || (readline.line === '' && paste.lines.length === 0)) return answer('interrupted');
        paste.lines = [];
        // To the end of the line, away with what is before it, and a prompt on a new one: as a shell does it.
        readline.write(null, { ctrl: true, name: 'e' });
        this.#io.stderr.write('^C\n');
        readline.write(null, { ctrl: true, name: 'u' });
        readline.prompt();
      });
      signal.addEventListener('abort', giveUp);
      readline.setPrompt(prompt);
      readline.prompt();
      if (signal.aborted) giveUp();
    });
  }
}
