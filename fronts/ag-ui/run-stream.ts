import { type ChatEvent, exactJson } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';
import type { AskedCall } from '../core/asked-calls.ts';
import { type FrontError, outcomeOf, wasCancelled } from '../core/errors.ts';
import { type AnyEvent, dataOf, type Question, questionOf } from '../core/event-data.ts';
import type { EventStream } from '../core/event-stream.ts';
import { OwnCalls, type OwnOutcome, textOf } from '../core/own-calls.ts';
import { TextBlocks } from '../core/text-blocks.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';

type TextKind = 'text' | 'reasoning';

/** An event as AG-UI has it. */
type RunEvent = { type: string } & Record<string, unknown>;

/** What both of a run's ids are. */
export interface RunHead {
  threadId: string;
  runId: string;
}

/** What is to be remembered of a turn from one run to the next. */
export class TurnRuns {
  readonly turnId: string;
  readonly own: OwnCalls;
  /** What a person is asked, by the approvals' ids. */
  readonly questions = new Map<string, Question>();
  /** Those of which a run has told. */
  readonly told = new Set<string>();
  #messages = 0;

  constructor(turnId: string) {
    this.turnId = turnId;
    this.own = new OwnCalls(turnId);
  }

  newMessageId(): string {
    this.#messages += 1;
    return `${this.turnId}:${this.#messages}`;
  }

  /** Nobody is asked this any more. */
  settle(id: string): void {
    this.questions.delete(id);
    this.told.delete(id);
  }
}

const RESPONSE_SCHEMA = {
  type: 'object',
  properties: { approved: { type: 'boolean' }, answer: {} },
  required: ['approved'],
};

/** Writes a turn, or a part of it, as one run. */
export class RunStream implements TurnReader {
  readonly #stream: EventStream;
  readonly #turn: FrontTurn;
  readonly #runs: TurnRuns;
  readonly #head: RunHead;
  readonly #texts: TextBlocks<TextKind>;

  constructor(stream: EventStream, turn: FrontTurn, runs: TurnRuns, head: RunHead) {
    this.#stream = stream;
    this.#turn = turn;
    this.#runs = runs;
    this.#head = head;
    this.#texts = new TextBlocks(stream, {
      begin: (kind) => this.#beginText(kind),
      delta(kind, messageId, text) {
        const type = kind === 'text' ? 'TEXT_MESSAGE_CONTENT' : 'REASONING_MESSAGE_CONTENT';
        stream.send(`{"type":"${type}","messageId":"${messageId}","delta":${JSON.stringify(text)}}`);
      },
      end: (kind, messageId) => this.#endText(kind, messageId),
    });
    this.#send({ type: 'RUN_STARTED', ...head });
  }

  event(event: ChatEvent): Step {
    switch (event.kind) {
      case 'token':
        this.#texts.push('text', event.delta);
        return undefined;
      case 'tool_call': {
        this.#texts.close();
        const call = this.#runs.own.begin(event);
        if (call) this.#call(call.id, call.tool, call.params);
        return undefined;
      }
      case 'tool_result': {
        this.#texts.close();
        const outcome = this.#runs.own.end(event);
        if (outcome) this.#outcome(outcome);
        return undefined;
      }
      case 'approval_pending':
      case 'gate_pending':
        this.#runs.questions.set(event.approval_id, event);
        this.#turn.approvals.ask(event.approval_id);
        return 'ask';
      case 'approval_resolved':
      case 'gate_resolved':
        // Whoever was told of it may answer still, and hears how it was decided.
        if (!this.#runs.told.has(event.approval_id)) {
          this.#runs.settle(event.approval_id);
          this.#turn.approvals.answered(event.approval_id);
        }
        return undefined;
      default:
        this.#other(event);
        return undefined;
    }
  }

  calls(calls: readonly AskedCall[]): Step {
    this.#texts.close();
    // A run ends for one or the other: what a person is asked waits for the results.
    if (calls.length > 0) {
      for (const { id, name, args } of calls) this.#call(id, name, args);
      this.#finish({ outcome: { type: 'success', pendingToolCallIds: calls.map(({ id }) => id) } });
      return 'park';
    }
    const { open } = this.#turn.approvals;
    const questions = [...this.#runs.questions.values()].filter(({ approval_id: id }) => open.includes(id));
    // Somebody else was quicker.
    if (questions.length === 0) return undefined;
    for (const { approval_id: id } of questions) this.#runs.told.add(id);
    this.#finish({
      outcome: { type: 'interrupt', interrupts: questions.map((question) => this.#interrupt(question)) },
    });
    return 'park';
  }

  ended(end: TurnEnd): void {
    const outcome = outcomeOf(end);
    const { failure, finishReason, text } = outcome;
    if (text !== '' && !this.#turn.hasSpoken) this.#texts.push('text', text);
    this.#texts.close();
    for (const open of this.#runs.own.endAll()) this.#outcome(open);
    if (wasCancelled(outcome))
      this.#finish({ outcome: { type: 'cancelled' }, metadata: { finishedReason: 'cancelled' } });
    else if (failure) failRun(this.#stream, failure);
    else {
      const metadata = finishReason === 'stop' ? {} : { metadata: { finishedReason: finishReason } };
      this.#finish({ outcome: { type: 'success' }, ...metadata });
    }
  }

  #other(event: ChatEvent): void {
    const { kind, delta, content, todos } = event as AnyEvent;
    if (kind === 'usage') return;
    if (kind === 'reasoning') {
      if (typeof delta === 'string') this.#texts.push('reasoning', delta);
      return;
    }
    this.#texts.close();
    if (kind === 'todos')
      this.#send({
        type: 'ACTIVITY_SNAPSHOT',
        messageId: `${this.#runs.turnId}:plan`,
        activityType: 'PLAN',
        content: { todos: Array.isArray(todos) ? todos : [] },
      });
    else
      this.#send({
        type: 'CUSTOM',
        name: `switchboard.${kind}`,
        value: kind === 'content' ? (content ?? null) : dataOf(event),
      });
  }

  #interrupt(question: Question) {
    const { name, tool, action, params, details, until } = questionOf(question);
    const toolCallId = this.#runs.own.idOf(isObject(details) ? details.call_id : undefined);
    const expiresAt = dateOf(until);
    return {
      id: question.approval_id,
      reason: 'approval',
      message: typeof action === 'string' ? action : name,
      ...(toolCallId === undefined ? {} : { toolCallId }),
      responseSchema: RESPONSE_SCHEMA,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      metadata: { tool, action, params, details },
    };
  }

  #call(toolCallId: string, toolCallName: string, args: unknown): void {
    this.#send({ type: 'TOOL_CALL_START', toolCallId, toolCallName });
    this.#send({ type: 'TOOL_CALL_ARGS', toolCallId, delta: exactJson.stringify(args ?? {}) });
    this.#send({ type: 'TOOL_CALL_END', toolCallId });
  }

  #outcome({ begun, id, ok, output }: OwnOutcome): void {
    if (begun) this.#call(id, begun.tool, begun.params);
    const content = textOf(output, exactJson.stringify) || (ok ? 'done' : 'failed');
    this.#send({ type: 'TOOL_CALL_RESULT', messageId: `${id}:result`, toolCallId: id, content, role: 'tool' });
  }

  #beginText(kind: TextKind): string {
    const messageId = this.#runs.newMessageId();
    if (kind === 'reasoning') this.#send({ type: 'REASONING_START', messageId });
    const [type, role] = kind === 'text' ? ['TEXT_MESSAGE_START', 'assistant'] : ['REASONING_MESSAGE_START', kind];
    this.#send({ type, messageId, role });
    return messageId;
  }

  #endText(kind: TextKind, messageId: string): void {
    this.#send({ type: kind === 'text' ? 'TEXT_MESSAGE_END' : 'REASONING_MESSAGE_END', messageId });
    if (kind === 'reasoning') this.#send({ type: 'REASONING_END', messageId });
  }

  #finish(how: Record<string, unknown>): void {
    const { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: totalTokens } = this.#turn.usage;
    const used = { inputTokens, outputTokens, totalTokens };
    const isUsed = Object.values(used).some((count) => count !== undefined);
    this.#send({ type: 'RUN_FINISHED', ...this.#head, ...how, ...(isUsed ? { usage: [used] } : {}) });
    this.#stream.end();
  }

  #send(event: RunEvent): void {
    this.#stream.send(exactJson.stringify(event));
  }
}

/** A run that fails, with its last event. */
export function failRun(stream: EventStream, { message, code }: FrontError): void {
  stream.send(JSON.stringify({ type: 'RUN_ERROR', message, ...(code === null ? {} : { code }) }));
  stream.end();
}

/** A time as this protocol has it: of the wire's, which are Unix seconds or a text. */
function dateOf(time: unknown): string | undefined {
  const date = new Date(typeof time === 'number' ? time * 1_000 : String(time));
  return time === undefined || time === null || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
