import type { AgentContext, PlanEntry, PromptResponse, SessionUpdate, StopReason } from '@agentclientprotocol/sdk';
import type { ChatEvent } from '../../client/node.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { blockOf } from '../core/content-block.ts';
import { type Outcome, outcomeOf } from '../core/errors.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';
import { isCount, isText, isWord } from '../core/values.ts';
import { requestErrorOf } from './errors.ts';
import type { ChunkKind, Outbox } from './outbox.ts';
import { type Asking, Permissions } from './permissions.ts';
import { ToolCalls } from './tool-calls.ts';

const STOP_REASONS: ReadonlyMap<string, StopReason> = new Map([
  ['length', 'max_tokens'],
  ['max_turns', 'max_turn_requests'],
  ['refusal', 'refusal'],
  ['cancelled', 'cancelled'],
]);
const STATUSES: readonly unknown[] = ['pending', 'in_progress', 'completed'];
const PRIORITIES: readonly unknown[] = ['high', 'medium', 'low'];
const SEVERITIES: readonly unknown[] = ['info', 'warning', 'error'];

/** Who hears of a session, and what they can read. */
export interface Listener {
  client: AgentContext;
  outbox: Outbox;
  sessionId: string;
  /** Whether they show notices: whoever does not would take one for a part of the answer. */
  showsNotices: boolean;
}

/** Tells an ACP client of one turn. */
export class TurnUpdates implements TurnReader {
  readonly #listener: Listener;
  readonly #turn: FrontTurn;
  readonly #calls: ToolCalls;
  readonly #permissions: Permissions;
  #used: number | undefined;
  #size: number | undefined;
  /** Until it is over nobody asks. */
  #outcome: Outcome = { finishReason: 'stop', text: '' };

  constructor(listener: Listener, turn: FrontTurn) {
    this.#listener = listener;
    this.#turn = turn;
    this.#calls = new ToolCalls(turn.turnId);
    this.#permissions = new Permissions(listener.client, listener.sessionId, turn, this.#calls);
  }

  event(event: ChatEvent): Step {
    if (event.kind === 'token') this.#chunk('agent_message_chunk', event.delta);
    else this.#other(event as unknown as JsonObject & { kind: string });
    return undefined;
  }

  /** No tools of a client's are offered: editors have theirs behind MCP servers, which nobody connects to. */
  calls(): Step {
    return undefined;
  }

  ended(end: TurnEnd): void {
    this.#permissions.stop();
    for (const update of this.#calls.close()) this.#update(update);
    this.#outcome = outcomeOf(end);
    if (!this.#turn.hasSpoken) this.#chunk('agent_message_chunk', this.#outcome.text);
    this.#listener.outbox.flush();
  }

  /** Nothing more is to be asked. */
  stop(): void {
    this.#permissions.stop();
  }

  /** What the prompt is answered with. @throws {RequestError} where the turn was not done. */
  answer(): PromptResponse {
    const { failure, finishReason } = this.#outcome;
    if (failure) throw requestErrorOf(failure);
    const { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: totalTokens } = this.#turn.usage;
    const counted = [inputTokens, outputTokens, totalTokens].every(isCount);
    const usage = counted ? { usage: { inputTokens, outputTokens, totalTokens } } : {};
    return { stopReason: STOP_REASONS.get(finishReason) ?? 'end_turn', ...usage };
  }

  #other(event: JsonObject & { kind: string }): void {
    const { kind } = event;
    if (kind === 'reasoning') {
      if (isText(event.delta)) this.#chunk('agent_thought_chunk', event.delta);
    } else if (kind === 'tool_call' || kind === 'tool_call_update' || kind === 'tool_result')
      for (const update of this.#calls.updates(event)) this.#update(update);
    else if (kind === 'approval_pending' || kind === 'gate_pending') {
      this.#listener.outbox.flush();
      this.#permissions.ask(event as JsonObject as Asking);
    } else if (kind === 'approval_resolved' || kind === 'gate_resolved')
      this.#permissions.settle(String(event.approval_id));
    else {
      const update = this.#updateOf(event);
      if (update) this.#update(update);
    }
  }

  /** What stands for itself. Undefined: ACP has no word for it, or it is malformed. */
  #updateOf(event: JsonObject & { kind: string }): SessionUpdate | undefined {
    if (event.kind === 'content') {
      const content = blockOf(event.content);
      return content && { sessionUpdate: 'agent_message_chunk', content };
    }
    if (event.kind === 'todos') return { sessionUpdate: 'plan', entries: entriesOf(event.todos) };
    if (event.kind === 'usage') return this.#usageOf(event);
    if (event.kind === 'notice') return this.#listener.showsNotices ? noticeOf(event) : undefined;
    if (event.kind === 'acp.session_info_update' && isText(event.title))
      return { sessionUpdate: 'session_info_update', title: event.title };
    return event.kind === 'acp.available_commands_update'
      ? { sessionUpdate: 'available_commands_update', availableCommands: commandsOf(event.availableCommands) }
      : undefined;
  }

  #usageOf({ context_used: used, context_size: size, cost }: JsonObject): SessionUpdate | undefined {
    if (isCount(used)) this.#used = used;
    if (isCount(size)) this.#size = size;
    if (this.#used === undefined || this.#size === undefined) return undefined;
    const { amount, currency } = isObject(cost) ? cost : {};
    const paid = Number.isFinite(amount) && isText(currency) ? { cost: { amount: amount as number, currency } } : {};
    return { sessionUpdate: 'usage_update', used: this.#used, size: this.#size, ...paid };
  }

  #chunk(kind: ChunkKind, text: string): void {
    const { outbox, client, sessionId } = this.#listener;
    outbox.chunk(client, sessionId, kind, text);
  }

  #update(update: SessionUpdate): void {
    const { outbox, client, sessionId } = this.#listener;
    outbox.update(client, sessionId, update);
  }
}

function entriesOf(todos: unknown): PlanEntry[] {
  if (!Array.isArray(todos)) return [];
  return todos.filter(isObject).flatMap(({ content, status, priority }): PlanEntry[] => {
    if (!isText(content)) return [];
    return [
      {
        content,
        status: STATUSES.includes(status) ? (status as PlanEntry['status']) : 'pending',
        priority: PRIORITIES.includes(priority) ? (priority as PlanEntry['priority']) : 'medium',
      },
    ];
  });
}

function noticeOf({ severity, title, description }: JsonObject): SessionUpdate | undefined {
  // A client takes none without a title.
  if (!isWord(title)) return undefined;
  const known = SEVERITIES.includes(severity) ? (severity as string) : 'info';
  return { sessionUpdate: 'notice', severity: known, title, ...(isText(description) ? { description } : {}) };
}

function commandsOf(commands: unknown) {
  if (!Array.isArray(commands)) return [];
  return commands.filter(isObject).flatMap(({ name, description, input }) => {
    if (!isText(name) || !isText(description)) return [];
    const hint = isObject(input) && isText(input.hint) ? { input: { hint: input.hint } } : {};
    return [{ name, description, ...hint }];
  });
}
