import type { AttachLog } from '../attach/attached.ts';
import { AgentProcess } from '../attach/process/agent-process.ts';
import { environmentOf } from '../attach/process/environment.ts';
import { MAX_LINE_BYTES } from '../attach/process/lines.ts';
import { type Environment, exactJson, type McpTransport } from '../client/node.ts';

/** What it says on stderr is shown where it fails, and nowhere else. */
const SILENT: AttachLog = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * An MCP server as a process: one message a line on its stdin and stdout. It is in a process group of its own, so that a Ctrl-C
 * at the terminal, which cancels an answer, does not end it.
 */
export class McpProcess implements McpTransport {
  onmessage?: (message: never) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #command: readonly string[];
  readonly #env: Environment;
  #process: AgentProcess | undefined;

  constructor(command: readonly string[], env: Environment) {
    this.#command = command;
    this.#env = env;
  }

  /** The end of what it wrote to stderr. */
  get lastWords(): string {
    return this.#process?.lastWords.trim() ?? '';
  }

  async start(): Promise<void> {
    const [program = '', ...words] = this.#command;
    const started = new AgentProcess({
      command: [program, ...words],
      cwd: process.cwd(),
      env: environmentOf(this.#env, {}, false),
      log: SILENT,
      // A picture that a tool gives is to arrive as it is, and this process is its person's alone.
      wholeLineBytes: MAX_LINE_BYTES,
      onLine: (line) => this.#take(line.toString()),
    });
    this.#process = started;
    void started.ended.then((why) => {
      this.onerror?.(new Error(`it ${why}`));
      this.onclose?.();
    });
    if (started.pid === undefined) throw new Error(`it ${await started.ended}`);
  }

  async send(message: never): Promise<void> {
    // Long integers keep their digits on the way.
    this.#process?.write(exactJson.stringify(message));
  }

  async close(): Promise<void> {
    await this.#process?.end();
  }

  /** A line that is no message is what some servers print for people. */
  #take(line: string): void {
    let message: unknown;
    try {
      message = exactJson.parse(line);
    } catch {
      return;
    }
    this.onmessage?.(message as never);
  }
}
