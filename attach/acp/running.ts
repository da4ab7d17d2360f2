import type { RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { AgentEvent, Turn } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';
import type { TurnQueue } from '../turn-queue.ts';
import { bareCall } from './open-calls.ts';
import { CANCELLED, type Outcome, optionsOf, outcomeOf, questionOf } from './permissions.ts';
import { Updates } from './updates.ts';

/** Permissions that one turn may wait for at a time; another one is told that it was cancelled. */
const MAX_PERMISSIONS = 64;
/** A request for permission that is larger is told without what would be done. Bytes. */
const MAX_QUESTION = 1024 * 1024;
/** About what an event takes beside what is in it. Bytes. */
const OVERHEAD = 100;

/** A prompt that runs: what its agent says becomes events of its turn, and what it asks is asked of a person. */
export class Running {
  readonly turn: Turn;
  readonly #queue: TurnQueue;
  readonly #updates: Updates;
  readonly #permissions = new Set<(outcome: Outcome) => void>();
  /** When the agent was last heard of; what `performance.now()` says. */
  heardAt = performance.now();
  #isOver = false;

  constructor(turn: Turn, queue: TurnQueue) {
    this.turn = turn;
    this.#queue = queue;
    this.#updates = new Updates((event, bytes) => this.emit(event, bytes));
  }

  /** Whether nothing of it is passed on any more, but how it ended. */
  get isOver(): boolean {
    return this.#isOver || this.turn.signal.aborted;
  }

  emit(event: string | AgentEvent, bytes = 0): void {
    this.heardAt = performance.now();
    if (!this.isOver) this.#queue.push(event, bytes + OVERHEAD);
  }

  update(update: Record<string, unknown>, bytes: number): void {
    if (!this.isOver) this.#updates.update(update, bytes);
  }

  /** Something that the agent said cannot be passed on. */
  leftOut(why: string): void {
    this.emit({
      kind: 'notice',
      severity: 'warning',
      title: `something that the agent said is left out: ${why}`,
    });
  }

  /** Has a person decide. Never rejects. @param bytes how large the question is. */
  async permission(asked: Record<string, unknown>, bytes: number): Promise<RequestPermissionResponse> {
    this.heardAt = performance.now();
    const params = withoutBulk(asked, bytes);
    if (this.isOver || !params || this.#permissions.size >= MAX_PERMISSIONS) return { outcome: CANCELLED };
    const { toolCall } = params;
    const id = isObject(toolCall) ? String(toolCall.toolCallId) : '';
    const { calls } = this.#updates;
    // Some agents ask about a call that they have not announced.
    if (isObject(toolCall) && !calls.get(id)) this.#updates.update({ ...toolCall, sessionUpdate: 'tool_call' }, 0);
    const question = questionOf(params, calls.get(id));
    const outcome = await new Promise<Outcome>((resolve) => {
      const settle = (outcome: Outcome) => {
        if (this.#permissions.delete(settle)) resolve(outcome);
      };
      this.#permissions.add(settle);
      // In order with what was said before.
      this.#queue.push(() => {
        if (!this.#permissions.has(settle)) return;
        this.turn.requestApproval(question).then(
          ({ approved, answer }) => settle(outcomeOf(optionsOf(params), approved, answer)),
          () => settle(CANCELLED),
        );
      });
    });
    this.heardAt = performance.now();
    return { outcome };
  }

  /** Answers every permission that is open. */
  cancelPermissions(): void {
    for (const settle of [...this.#permissions]) settle(CANCELLED);
  }

  /** The last that is sent of it. @param usage as the answer to the prompt had it. */
  end(terminal: AgentEvent, usage?: unknown): void {
    this.cancelPermissions();
    if (this.#isOver) return;
    if (!this.isOver) {
      this.#updates.calls.endAll();
      this.#updates.usage(usage);
    }
    this.#isOver = true;
    this.#queue.push(terminal);
  }
}

/** A request for permission, without what is too large for a person and for a message; undefined where its options are that large. */
function withoutBulk(params: Record<string, unknown>, bytes: number): Record<string, unknown> | undefined {
  if (bytes <= MAX_QUESTION) return params;
  if (JSON.stringify(params.options ?? null).length > MAX_QUESTION) return undefined;
  return { options: params.options, toolCall: bareCall(params.toolCall) };
}
