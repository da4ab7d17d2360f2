import { type Chat, type ChatEvent, ErrorCode, type Host, RpcError } from '../client/node.ts';
import { excerpt } from './excerpt.ts';
import { explain } from './explain.ts';
import { type Io, tell } from './io.ts';
import type { LineReader } from './line-reader.ts';
import { labelOf } from './tool-lines.ts';

/** What its agent asks, or what the broker holds back of it until a person has decided. */
type PendingEvent = Extract<ChatEvent, { kind: 'approval_pending' | 'gate_pending' }>;
type ResolvedEvent = Extract<ChatEvent, { kind: 'approval_resolved' | 'gate_resolved' }>;

/** What an {@link Approver} is made of. */
export interface ApproverInput {
  host: Host;
  chat: Chat;
  json: boolean;
  lines: LineReader;
  autoAnswer: boolean | undefined;
  /** The turn is being cancelled: nothing is asked any more. */
  signal: AbortSignal;
  /** Ctrl-C, where the question has the terminal. */
  interrupt: () => void;
}

interface Open {
  over: AbortController;
  /** Resolves once it is handled here, whatever came of it. */
  handled: Promise<void>;
}

/** How much of it a person is shown: whoever decides must see what about. Columns. */
const MAX_SHOWN = 2_000;

const WORDS = { approve: 'approved', deny: 'denied', timeout: 'not answered in time', withdrawn: 'withdrawn' };

/** Answers what one turn asks approval for: by itself, by asking the terminal, or by saying how to do it elsewhere. */
export class Approver {
  readonly #io: Io;
  readonly #input: ApproverInput;
  readonly #asks: boolean;
  readonly #open = new Map<string, Open>();
  /** Answered here, so that it need not be told. */
  readonly #answered = new Set<string>();
  /** One question at a time. */
  #queue: Promise<void> = Promise.resolve();

  constructor(io: Io, input: ApproverInput) {
    this.#io = io;
    this.#input = input;
    const isTerminal = io.stdin.isTTY === true && io.stderr.isTTY === true && !io.stdin.readableEnded;
    this.#asks = isTerminal && !input.json && input.autoAnswer === undefined;
  }

  /** Whether a question stands on the terminal, or is about to. */
  get isAsking(): boolean {
    return this.#asks && this.#open.size > 0;
  }

  /** The agent waits. Resolves nothing and never rejects: it goes on beside the turn. */
  open(event: PendingEvent): void {
    const { approval_id: id } = event;
    const label = event.kind === 'gate_pending' ? gateLabel(event) : askedLabel(event);
    const over = new AbortController();
    const handled = this.#queue
      .then(() => this.#handle(id, label, over.signal))
      .catch((error: unknown) => {
        // The turn itself tells that the connection is gone.
        if (error instanceof RpcError) tell(this.#io, `[${explain(error, this.#io.env).message}]`);
      })
      .finally(() => this.#open.delete(id));
    this.#queue = handled;
    this.#open.set(id, { over, handled });
  }

  /** It is settled, here or elsewhere: a question about it ends. */
  async close(id: string): Promise<void> {
    const open = this.#open.get(id);
    open?.over.abort();
    await open?.handled;
  }

  /** Says how one was settled that was not answered here. */
  tell({ approval_id: id, resolution }: ResolvedEvent): void {
    if (!this.#answered.delete(id)) tell(this.#io, `[${WORDS[resolution]}]`);
  }

  /** The turn is over: whatever is still asked is in vain. */
  async finish(): Promise<void> {
    for (const { over } of this.#open.values()) over.abort();
    await this.#queue;
  }

  async #handle(id: string, label: string, over: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([over, this.#input.signal]);
    if (signal.aborted) return;
    const { autoAnswer } = this.#input;
    if (autoAnswer !== undefined) {
      tell(this.#io, `[${autoAnswer ? 'approved' : 'denied'}: ${label}]`);
      return this.#answer(id, autoAnswer);
    }
    const answer = this.#asks ? await this.#ask(label, signal) : undefined;
    if (answer !== undefined) await this.#answer(id, answer);
    else if (!signal.aborted) await this.#pointElsewhere(id, label);
  }

  /** Undefined where no answer came. */
  async #ask(label: string, signal: AbortSignal): Promise<boolean | undefined> {
    const accepts = (text: string) => decisionOf(text) !== undefined;
    const line = await this.#input.lines.askAside(`allow ${label}? [y/n] `, accepts, signal);
    if (typeof line === 'object') return decisionOf(line.text);
    // What is told next must not stand behind the question.
    tell(this.#io, '');
    if (line === 'interrupted') this.#input.interrupt();
    return undefined;
  }

  async #answer(id: string, decision: boolean): Promise<void> {
    this.#answered.add(id);
    try {
      if (await this.#input.chat.approve(id, decision)) return;
      tell(this.#io, '[the agent did not take the answer]');
    } catch (error) {
      // Somebody else was faster, or the turn has ended: either is told by an event.
      if (!isPast(error)) throw error;
    }
    this.#answered.delete(id);
  }

  async #pointElsewhere(id: string, label: string): Promise<void> {
    const { host, chat } = this.#input;
    tell(this.#io, `[waiting for an approval: ${label}]`);
    const rows = await host.approvals();
    const row = rows.find(({ id: rowId, status, details }) => {
      if (status !== 'pending') return false;
      return rowId === id || (details.session_id === chat.sessionId && details.approval_id === id);
    });
    if (row) tell(this.#io, `[answer it from another terminal: switchboard approve ${row.id}, or deny]`);
  }
}

function askedLabel({ tool, action, params, details }: Extract<PendingEvent, { kind: 'approval_pending' }>): string {
  const what = tool === undefined ? excerpt(action ?? '', MAX_SHOWN) : labelOf(tool, params, MAX_SHOWN);
  return details === undefined ? what : `${what} ${excerpt(details, MAX_SHOWN)}`;
}

/** The tool that is held back, or the method. */
function gateLabel({ details }: Extract<PendingEvent, { kind: 'gate_pending' }>): string {
  const { method, tool, params_preview: params } = details;
  return labelOf(String(tool ?? method), params, MAX_SHOWN);
}

/** Nothing but these: a line that was meant for something else must not let anything happen. */
function decisionOf(text: string): boolean | undefined {
  if (/^\s*y(es)?\s*$/i.test(text)) return true;
  return /^\s*no?\s*$/i.test(text) ? false : undefined;
}

function isPast(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  return error.code === ErrorCode.ApprovalNotPending || error.code === ErrorCode.NotFound;
}
