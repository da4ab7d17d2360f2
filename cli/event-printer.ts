import type { ChatEvent } from '../client/node.ts';
import { type Io, tell } from './io.ts';
import type { Output } from './output.ts';
import { sanitise, sanitiseLine } from './sanitise.ts';

/** Writes one turn's events as they come. */
export interface EventPrinter {
  print(event: ChatEvent): Promise<void>;
  /** The turn is over, well or not. */
  finish(): Promise<void>;
}

/** Events as they are, one a line. */
export function jsonPrinter(output: Output): EventPrinter {
  return { print: (event) => output.write(`${JSON.stringify(event)}\n`), finish: async () => {} };
}

/** The answer's text on stdout, everything else as words on stderr. */
export function textPrinter(io: Io, output: Output): EventPrinter {
  // A pipe or a file gets the text as it is; what reads it has its own ideas of what is harmful.
  const clean = io.stdout.isTTY ? sanitise : (text: string) => text;
  let last = '\n';
  const say = async (text: string) => {
    const cleaned = clean(text);
    last = cleaned.at(-1) ?? last;
    await output.write(cleaned);
  };
  const endLine = async () => {
    if (last !== '\n') await say('\n');
  };
  const note = async (words: string) => {
    if (io.stdout.isTTY) await endLine();
    tell(io, `[${sanitiseLine(words)}]`);
  };
  let streamed = false;
  return {
    async print(event) {
      if (event.kind === 'token') {
        streamed = true;
        await say(event.delta);
      } else if (event.kind === 'done') {
        if (!streamed && event.text !== undefined) await say(event.text);
      } else if (event.kind === 'tool_call') {
        await note(`tool ${event.tool}`);
      } else if (event.kind === 'tool_result' && !event.ok) {
        await note(`tool ${event.tool} failed`);
      } else if (event.kind === 'approval_pending') {
        await note(`waiting for an approval: ${event.tool ?? event.action}`);
      }
    },
    finish: endLine,
  };
}
