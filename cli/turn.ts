import type { ChatEvent, ChatOptions, Host, Interruption, TerminalEvent } from '../client/node.ts';
import { ErrorCode, RpcError } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { Approver } from './approver.ts';
import { jsonPrinter, textPrinter } from './event-printer.ts';
import { CliError, Exit } from './exit.ts';
import type { Interruptions } from './interruptions.ts';
import { type Io, tell } from './io.ts';
import type { LineReader } from './line-reader.ts';
import type { Output } from './output.ts';

/** One prompt, and where its answer goes. */
export interface TurnInput {
  host: Host;
  agentId: string;
  prompt: string;
  options: ChatOptions;
  json: boolean;
  output: Output;
  /** Asks the person at the terminal. */
  lines: LineReader;
  /** Answers every approval; undefined: a person does. */
  autoAnswer: boolean | undefined;
  interruptions: Interruptions;
}

/** How long a lost connection is waited for. Milliseconds. */
export const RESUME_WINDOW = 60_000;

/**
 * Runs one turn in the terminal. Ctrl-C cancels it, a second one leaves it; one is enough while the connection is lost.
 * @throws {CliError} where it did not end well: `Cancelled` after one Ctrl-C, `Left` after two.
 */
export async function runTurn(io: Io, input: TurnInput): Promise<void> {
  const interrupt = watchInterrupts(io, input.interruptions);
  try {
    await Promise.race([stream(io, input, interrupt), interrupt.second]);
  } finally {
    interrupt.stop();
  }
  if (interrupt.first.aborted) throw new CliError(Exit.Cancelled, 'cancelled');
}

/** The second Ctrl-C: away at once, whatever the turn does. */
export class Left extends CliError {
  constructor() {
    super(Exit.Cancelled);
  }
}

function watchInterrupts(io: Io, interruptions: Interruptions) {
  const first = new AbortController();
  let leave: (error: Left) => void = () => {};
  const second = new Promise<never>((_, reject) => {
    leave = reject;
  });
  const press = () => {
    if (first.signal.aborted || interruptions.isWaiting) leave(new Left());
    else tell(io, '\ncancelling; Ctrl-C again leaves');
    first.abort();
  };
  return { first: first.signal, second, press, stop: io.onInterrupt(press) };
}

async function stream(io: Io, input: TurnInput, interrupt: ReturnType<typeof watchInterrupts>): Promise<void> {
  const { host, agentId, output } = input;
  const signal = AbortSignal.any([interrupt.first, output.broken]);
  const printer = input.json ? jsonPrinter(output) : textPrinter(io, output);
  const onInterruption = ({ state }: Interruption) => {
    if (state === 'resumed') return input.interruptions.back();
    // A question, too, leaves the cursor behind it.
    if (approver.isAsking) tell(io, '');
    printer.leaveLine();
    input.interruptions.waiting('Ctrl-C leaves');
  };
  const resuming = { resumable: true, resumeWindowMs: RESUME_WINDOW, onInterruption };
  const chat = host.chat(agentId, input.prompt, { ...input.options, ...resuming, signal });
  const approver = new Approver(io, { ...input, chat, signal, interrupt: interrupt.press });
  let last: TerminalEvent | undefined;
  /** What came while a question stood on the terminal. */
  const held: ChatEvent[] = [];
  const show = async (...events: ChatEvent[]) => {
    for (const event of [...held.splice(0), ...events]) await printer.print(event);
  };
  try {
    for await (const event of chat) {
      if (event.kind === 'done' || event.kind === 'error' || event.kind === 'auth_required') last = event;
      if (event.kind === 'approval_resolved' || event.kind === 'gate_resolved') await approver.close(event.approval_id);
      else if (last) await approver.finish();
      if (approver.isAsking) held.push(event);
      else await show(event);
      if (event.kind === 'approval_pending' || event.kind === 'gate_pending') approver.open(event);
      else if (event.kind === 'approval_resolved' || event.kind === 'gate_resolved') approver.tell(event);
    }
  } catch (error) {
    throw error instanceof RpcError && error.code === ErrorCode.AgentNotAttached ? await noAgent(host, agentId) : error;
  } finally {
    await approver.finish();
    await show();
    await printer.finish();
  }
  // Nobody is left to tell, or it is known already.
  if (signal.aborted || !last) return;
  const words = describe(last);
  if (words !== undefined) throw new CliError(Exit.Failed, visibleLine(words));
}

function describe(last: TerminalEvent): string | undefined {
  if (last.kind === 'error') return `the agent failed: ${last.error}`;
  if (last.kind === 'auth_required') return `the agent needs you to log in: ${last.message}`;
  return last.finish_reason === 'cancelled' ? 'the turn was cancelled' : undefined;
}

/** Says which agents one could talk to instead. */
export async function noAgent(host: Host, agentId: string): Promise<CliError> {
  const rows = await host.agents.list();
  const known = rows.some((row) => row.spec.id === agentId);
  const attached = rows.filter((row) => row.attached).map((row) => row.spec.id);
  const problem = known ? `agent ${visibleLine(agentId)} is not attached` : `there is no agent ${visibleLine(agentId)}`;
  const choice = attached.length > 0 ? `attached: ${attached.map(visibleLine).join(', ')}` : 'none is attached';
  return new CliError(Exit.NoAgent, `${problem}; ${choice}`);
}
