import { type ChatEvent, exactJson } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';
import type { AskedCall, CallAnswer } from '../core/asked-calls.ts';
import { outcomeOf, wasCancelled } from '../core/errors.ts';
import { type AnyEvent, dataOf, type Question, questionOf } from '../core/event-data.ts';
import type { EventStream } from '../core/event-stream.ts';
import type { OwnCall, OwnOutcome } from '../core/own-calls.ts';
import { textOf } from '../core/own-calls.ts';
import { TextBlocks } from '../core/text-blocks.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';
import type { Part, Story } from './story.ts';

type TextKind = 'text' | 'reasoning';

/** Signs of life: a page may hear of them, and no message keeps them. */
const PASSING = new Set(['inference_started', 'inference_retry', 'model_served']);

/** How a response begins: the turn's first, one that goes on with it, or one that tells all of it again. */
export type Beginning = 'first' | 'next' | 'again';

/** Writes a turn as a stream of `UIMessageChunk`s. */
export class PartStream implements TurnReader {
  readonly #stream: EventStream;
  readonly #turn: FrontTurn;
  readonly #story: Story;
  readonly #texts: TextBlocks<TextKind>;
  /** What a person is to be asked when this response ends. */
  readonly #questions = new Map<string, Question>();

  constructor(stream: EventStream, turn: FrontTurn, story: Story, beginning: Beginning) {
    this.#stream = stream;
    this.#turn = turn;
    this.#story = story;
    this.#texts = new TextBlocks(stream, {
      begin: (kind) => this.#beginText(kind),
      delta: (kind, id, text) => stream.send(`{"type":"${kind}-delta","id":"${id}","delta":${JSON.stringify(text)}}`),
      end: (kind, id) => this.#send({ type: `${kind}-end`, id }),
    });
    if (beginning === 'again') story.rewind();
    this.#send({ type: 'start', messageId: story.messageId });
    if (beginning === 'next') {
      this.#mark({ type: 'start-step' });
      // A client shows a step with what comes in it: one that stays empty it would not see, and answer the last one again.
      this.#send({ type: 'message-metadata', messageMetadata: {} });
    } else this.#send({ type: 'start-step' });
    this.#tell(story.due());
    // What its agent would not take is asked once more.
    if (beginning === 'next') for (const id of turn.approvals.open) this.#request(id);
  }

  event(event: ChatEvent): Step {
    const step = this.#show(event);
    this.#story.pass(event.seq);
    this.#tell(this.#story.due());
    return step;
  }

  calls(calls: readonly AskedCall[]): Step {
    this.#texts.close();
    // What the agent runs by itself, and is at still, would keep a window from answering in this step.
    if (this.#story.own.areOpen && calls.length + this.#questions.size > 0) {
      this.#mark({ type: 'finish-step' });
      this.#mark({ type: 'start-step' });
    }
    for (const question of this.#questions.values()) this.#put(question);
    this.#questions.clear();
    for (const { id, name, args } of calls)
      this.#mark({ type: 'tool-input-available', toolCallId: id, toolName: name, input: args ?? {} });
    // Somebody else was quicker.
    if (!this.#turn.isAsking) return undefined;
    this.#mark({ type: 'finish-step' });
    this.#finish('tool-calls');
    return 'park';
  }

  ended(end: TurnEnd): void {
    this.#tell(this.#story.due(true));
    const outcome = outcomeOf(end);
    const { failure, finishReason, text } = outcome;
    if (text !== '' && !this.#turn.hasSpoken) this.#texts.push('text', text);
    this.#texts.close();
    for (const open of this.#story.own.endAll()) this.#outcome(open);
    const isCancelled = wasCancelled(outcome);
    if (!failure && !isCancelled) {
      this.#send({ type: 'finish-step' });
      this.#finish(finishReasonOf(finishReason));
      return;
    }
    if (isCancelled) this.#send({ type: 'abort' });
    else this.#send({ type: 'error', errorText: failure?.message || 'the turn failed' });
    this.#end();
  }

  /** The window has run a tool, which it knows itself. */
  answered(id: string, answer: CallAnswer): void {
    const head = { toolCallId: id };
    if ('result' in answer) this.#story.mark({ type: 'tool-output-available', ...head, output: answer.result });
    else this.#story.mark({ type: 'tool-output-error', ...head, errorText: answer.error });
  }

  /** A person has decided. */
  decided(id: string, isApproved: boolean): void {
    if (this.#story.asked.get(id) !== true) return;
    this.#story.asked.set(id, false);
    this.#texts.close();
    const toolCallId = approvalCallId(id);
    if (isApproved) this.#mark({ type: 'tool-output-available', toolCallId, output: { approved: true } });
    else this.#mark({ type: 'tool-output-denied', toolCallId });
  }

  #show(event: ChatEvent): Step {
    switch (event.kind) {
      case 'token':
        this.#texts.push('text', event.delta);
        return undefined;
      case 'tool_call': {
        this.#texts.close();
        const call = this.#story.own.begin(event);
        if (call) this.#own(call);
        return undefined;
      }
      case 'tool_result': {
        this.#texts.close();
        const outcome = this.#story.own.end(event);
        if (outcome) this.#outcome(outcome);
        return undefined;
      }
      case 'approval_pending':
      case 'gate_pending':
        return this.#ask(event);
      case 'approval_resolved':
      case 'gate_resolved':
        this.#questions.delete(event.approval_id);
        if (this.#isNew(event)) this.decided(event.approval_id, event.resolution === 'approve');
        return undefined;
      default:
        this.#data(event);
        return undefined;
    }
  }

  #data(event: ChatEvent): void {
    const { kind, delta, content } = event as AnyEvent;
    if (kind === 'reasoning') {
      if (typeof delta === 'string') this.#texts.push('reasoning', delta);
      return;
    }
    this.#texts.close();
    if (kind === 'usage') this.#send({ type: 'message-metadata', messageMetadata: { usage: dataOf(event) } });
    else if (kind === 'content' && isImage(content))
      this.#send({ type: 'file', mediaType: content.mimeType, url: `data:${content.mimeType};base64,${content.data}` });
    else {
      // The whole list each time: it takes the place of the one before.
      const id = kind === 'todos' ? { id: 'todos' } : {};
      const passing = PASSING.has(kind) ? { transient: true } : {};
      this.#send({ type: `data-${kind}`, ...id, data: kind === 'content' ? content : dataOf(event), ...passing });
    }
  }

  #ask(event: Question): Step {
    const { approval_id: id } = event;
    const isOpen = this.#story.asked.get(id);
    if (isOpen) this.#turn.approvals.ask(id);
    else if (isOpen === undefined || this.#isNew(event)) this.#questions.set(id, event);
    else return undefined;
    return 'ask';
  }

  #put(event: Question): void {
    const { asked } = this.#story;
    const { approval_id: id } = event;
    const toolCallId = approvalCallId(id);
    const { name, params, action, details } = questionOf(event);
    if (!asked.has(id))
      this.#mark({ type: 'tool-input-available', toolCallId, toolName: name, input: params ?? {}, dynamic: true });
    const descriptor = action === undefined && details === undefined ? {} : { approvalDescriptor: { action, details } };
    this.#mark({ type: 'tool-approval-request', approvalId: id, toolCallId, ...descriptor });
    asked.set(id, true);
    this.#turn.approvals.ask(id);
  }

  #request(id: string): void {
    this.#send({ type: 'tool-approval-request', approvalId: id, toolCallId: approvalCallId(id) });
  }

  /** Whether it is told for the first time. */
  #isNew({ seq }: ChatEvent): boolean {
    return seq === undefined || seq > this.#story.head;
  }

  #own({ id, tool, params, title }: OwnCall): void {
    const head = { type: 'tool-input-available', toolCallId: id, toolName: tool, input: params };
    this.#send({ ...head, dynamic: true, providerExecuted: true, ...(title === undefined ? {} : { title }) });
  }

  #outcome({ begun, id, ok, output }: OwnOutcome): void {
    if (begun) this.#own(begun);
    const head = { toolCallId: id, dynamic: true, providerExecuted: true };
    if (ok) this.#send({ type: 'tool-output-available', ...head, output });
    else
      this.#send({
        type: 'tool-output-error',
        ...head,
        errorText: textOf(output, exactJson.stringify) || 'the tool failed',
      });
  }

  #beginText(kind: TextKind): string {
    this.#story.texts += 1;
    const id = String(this.#story.texts);
    this.#send({ type: `${kind}-start`, id });
    return id;
  }

  #finish(finishReason: string): void {
    this.#send({ type: 'finish', finishReason });
    this.#end();
  }

  #end(): void {
    this.#stream.send('[DONE]');
    this.#stream.end();
  }

  #send(part: Part): void {
    this.#stream.send(exactJson.stringify(part));
  }

  /** Sends what no event tells of, and keeps it for whoever comes back. */
  #mark(part: Part): void {
    this.#tell(this.#story.due(true));
    this.#stream.send(this.#story.mark(part));
  }

  #tell(parts: readonly string[]): void {
    if (parts.length > 0) this.#texts.close();
    for (const part of parts) this.#stream.send(part);
  }
}

const approvalCallId = (id: string): string => `approval:${id}`;

function isImage(content: unknown): content is { mimeType: string; data: string } {
  return (
    isObject(content) &&
    content.type === 'image' &&
    typeof content.data === 'string' &&
    /^image\/[\w.+-]+$/.test(String(content.mimeType))
  );
}

function finishReasonOf(reason: string): string {
  if (reason === 'stop' || reason === 'length') return reason;
  return reason === 'refusal' ? 'content-filter' : 'other';
}
