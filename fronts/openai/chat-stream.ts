import type { ChatEvent } from '../../client/node.ts';
import type { AskedCall } from '../core/asked-calls.ts';
import { Deltas } from '../core/deltas.ts';
import { type FrontError, outcomeOf } from '../core/errors.ts';
import type { EventStream } from '../core/event-stream.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';
import type { AnswerSoFar } from './answer.ts';
import { errorBody } from './error-body.ts';
import { finishReasonOf, usageOf } from './finish.ts';
import { lineOf } from './tool-lines.ts';

/** What all chunks of one completion have. */
export interface ChatHead {
  id: string;
  created: number;
  model: string;
}

/** How a completion is written. */
export interface ChatManner {
  includeUsage: boolean;
  showTools: boolean;
}

/** Writes a turn as the chunks of a chat completion. */
export class ChatStream implements TurnReader {
  readonly #stream: EventStream;
  readonly #turn: FrontTurn;
  readonly #answer: AnswerSoFar;
  readonly #manner: ChatManner;
  readonly #deltas: Deltas<'content' | 'reasoning_content'>;
  /** What stands before a chunk's delta, and behind it: the same for all of them, and most of their bytes. */
  readonly #before: string;
  readonly #after = ',"finish_reason":null}]}';

  constructor(stream: EventStream, turn: FrontTurn, head: ChatHead, answer: AnswerSoFar, manner: ChatManner) {
    this.#stream = stream;
    this.#turn = turn;
    this.#answer = answer;
    this.#manner = manner;
    const { id, created, model } = head;
    const shared = JSON.stringify({ id, object: 'chat.completion.chunk', created, model });
    this.#before = `${shared.slice(0, -1)},"choices":[{"index":0,"delta":`;
    this.#deltas = new Deltas(stream, (kind, text) => this.#delta(`{"${kind}":${JSON.stringify(text)}}`));
    this.#delta('{"role":"assistant","content":""}');
  }

  event(event: ChatEvent): Step {
    if (event.kind === 'token') {
      this.#answer.add(event.delta);
      this.#deltas.push('content', event.delta);
      return undefined;
    }
    const { kind, delta } = event as { kind: string; delta?: unknown };
    if (kind === 'reasoning' && typeof delta === 'string') this.#deltas.push('reasoning_content', delta);
    else if (this.#manner.showTools) this.#deltas.push('reasoning_content', lineOf(event) ?? '');
    return undefined;
  }

  calls(calls: readonly AskedCall[]): Step {
    this.#deltas.flush();
    for (const [index, asked] of calls.entries()) {
      const { id, name, arguments: args } = this.#answer.call(asked);
      this.#delta(
        JSON.stringify({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: args } }] }),
      );
    }
    this.#finish('tool_calls');
    return 'park';
  }

  ended(end: TurnEnd): void {
    const { failure, finishReason, text } = outcomeOf(end);
    if (failure) {
      this.#fail(failure);
      return;
    }
    if (!this.#turn.hasSpoken) {
      this.#answer.add(text);
      this.#deltas.push('content', text);
    }
    this.#deltas.flush();
    this.#finish(finishReasonOf(finishReason));
  }

  /** Neither a finish nor a `[DONE]`: both make clients take what there is for the whole. */
  #fail(error: FrontError): void {
    this.#deltas.flush();
    this.#stream.send(JSON.stringify(errorBody(error)));
    this.#stream.end();
  }

  #finish(reason: string): void {
    const head = this.#before.slice(0, -'"delta":'.length);
    this.#stream.send(`${head}"delta":{},"finish_reason":"${reason}"}]}`);
    if (this.#manner.includeUsage) {
      const shared = this.#before.slice(0, this.#before.indexOf('"choices":'));
      this.#stream.send(`${shared}"choices":[],"usage":${JSON.stringify(usageOf(this.#turn.usage))}}`);
    }
    this.#stream.send('[DONE]');
    this.#stream.end();
  }

  #delta(delta: string): void {
    this.#stream.send(`${this.#before}${delta}${this.#after}`);
  }
}
