import type { ChatEvent } from '../client/node.ts';
import { clip, excerpt } from './excerpt.ts';
import type { Io } from './io.ts';

type ToolCallEvent = Extract<ChatEvent, { kind: 'tool_call' }>;
type ToolResultEvent = Extract<ChatEvent, { kind: 'tool_result' }>;

interface Call {
  id: string | undefined;
  tool: string;
  label: string;
}

/** Back to the line's beginning, and everything on it gone. */
const CLEAR_LINE = '\r\u001b[K';
/** Where the terminal does not say how wide it is. */
const DEFAULT_COLUMNS = 80;

/** Tool calls on stderr: on a terminal a line that fills in with the result, elsewhere one line for each. */
export class ToolLines {
  readonly #stderr: Io['stderr'];
  readonly #calls: Call[] = [];
  /** The call whose line the cursor stands on. */
  #open: Call | undefined;

  constructor({ stderr }: Pick<Io, 'stderr'>) {
    this.#stderr = stderr;
  }

  call({ call_id, tool, params }: ToolCallEvent): void {
    this.leave();
    const label = labelOf(tool, params);
    const call = { id: call_id, tool, label };
    this.#calls.push(call);
    if (this.#stderr.isTTY) {
      this.#stderr.write(this.#fit(`⚙ ${label} …`));
      this.#open = call;
    } else this.#stderr.write(`⚙ ${label}\n`);
  }

  result(event: ToolResultEvent): void {
    const call = this.#take(event);
    const detail = event.excerpt === undefined ? '' : ` → ${excerpt(event.excerpt, 200)}`;
    const line = `${event.ok ? '✓' : '✗'} ${call?.label ?? excerpt(event.tool)}${detail}`;
    if (call && this.#open === call) {
      this.#open = undefined;
      this.#stderr.write(`${CLEAR_LINE}${this.#fit(line)}\n`);
      return;
    }
    this.leave();
    this.#stderr.write(`${line}\n`);
  }

  /** Something else is about to be written: an open line stays as it is. */
  leave(): void {
    if (this.#open) this.#stderr.write('\n');
    this.#open = undefined;
  }

  /** The call that a result is of: by its id, or, where the agent gives none, the oldest of that tool. */
  #take({ call_id, tool }: ToolResultEvent): Call | undefined {
    const index = this.#calls.findIndex((call) => (call_id === undefined ? call.tool === tool : call.id === call_id));
    return index < 0 ? undefined : this.#calls.splice(index, 1)[0];
  }

  /** A line that has wrapped could not be replaced. The symbol before it is two columns wide on some terminals. */
  #fit(line: string): string {
    // A terminal that does not know says 0.
    return clip(line, (this.#stderr.columns || DEFAULT_COLUMNS) - 2);
  }
}

/** A tool with what it is to be given, of which at most so many columns are shown. */
export function labelOf(tool: string, params: unknown, max?: number): string {
  return `${excerpt(tool)}(${params === undefined ? '' : excerpt(params, max)})`;
}
