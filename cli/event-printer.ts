import type { ChatEvent } from '../client/node.ts';
import { VisibleAnswer } from '../protocol/visible-answer.ts';
import { sayDim } from './interruptions.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';
import { ToolLines } from './tool-lines.ts';
import { jsonText } from './with-host.ts';

/** What a person decides, or has decided. */
const APPROVALS: ReadonlySet<string> = new Set([
  'approval_pending',
  'approval_resolved',
  'gate_pending',
  'gate_resolved',
]);

/** Writes one turn's events as they come. */
export interface EventPrinter {
  print(event: ChatEvent): Promise<void>;
  /** Something else is about to be written to stderr, which is to start a line of its own. */
  leaveLine(): void;
  /** The turn is over, well or not. */
  finish(): Promise<void>;
}

/** Events of the same value as they are, one a line. */
export function jsonPrinter(output: Output): EventPrinter {
  return { print: (event) => output.write(`${jsonText(event)}\n`), leaveLine() {}, finish: async () => {} };
}

/** The answer's text on stdout, everything else as words on stderr. */
export function textPrinter(io: Io, output: Output): EventPrinter {
  // A pipe or a file gets the text as it is; what reads it has its own ideas of what is harmful.
  const answer = io.stdout.isTTY ? new VisibleAnswer() : undefined;
  const tools = new ToolLines(io);
  let last = '\n';
  const write = async (text: string) => {
    if (text === '') return;
    if (io.stdout.isTTY) tools.leave();
    last = text.at(-1) ?? last;
    await output.writeVisible(text);
  };
  const say = (text: string) => write(answer ? answer.next(text) : text);
  const endLine = async () => {
    const kept = answer?.end() ?? '';
    // One write, for nobody waits for it: what comes next may be on stderr.
    if ((kept.at(-1) ?? last) !== '\n') await write(`${kept}\n`);
  };
  /** What goes to stderr starts a line of its own, where both are the same screen. */
  const aside = async () => {
    if (io.stdout.isTTY) await endLine();
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
        await aside();
        tools.call(event);
      } else if (event.kind === 'tool_result') {
        await aside();
        tools.result(event);
      } else if (event.kind === 'agent_away' || event.kind === 'agent_back') {
        await aside();
        tools.leave();
        sayDim(
          io,
          event.kind === 'agent_back' ? '[the agent is back]' : '[the agent is away; waiting for it to come back…]',
        );
      } else if (APPROVALS.has(event.kind)) {
        // Whoever handles approvals has something to say, and a clean line to say it on.
        await aside();
        tools.leave();
      }
    },
    leaveLine() {
      void aside();
      tools.leave();
    },
    async finish() {
      tools.leave();
      await endLine();
    },
  };
}
