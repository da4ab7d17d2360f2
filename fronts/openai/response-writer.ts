import { type ChatEvent, exactJson } from '../../client/node.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { AskedCall } from '../core/asked-calls.ts';
import { Deltas } from '../core/deltas.ts';
import { FrontError, outcomeOf } from '../core/errors.ts';
import type { EventStream } from '../core/event-stream.ts';
import type { Room } from '../core/room.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';
import type { AnswerSoFar } from './answer.ts';
import { responseUsageOf } from './finish.ts';
import {
  callItem,
  messageItem,
  newItemId,
  type OutputItem,
  reasoningItem,
  summaryPart,
  textPart,
} from './response-items.ts';
import { lineOf } from './tool-lines.ts';

type Kind = 'message' | 'reasoning';

/** Items of one response: what an agent thinks and what it says, by turns, are each an item of its own. */
const MAX_ITEMS = 4_096;

/** An item that is being written. */
interface OpenItem {
  kind: Kind;
  id: string;
  /** What all its deltas say beside their number and their text. */
  place: string;
  parts: string[];
}

/** How a response is written. */
export interface ResponseManner {
  /** Undefined: as a whole. */
  stream: EventStream | undefined;
  room: Room;
  showTools: boolean;
  /** Characters that a response may have: what is written of it is repeated at its end. */
  most: number;
}

/** Writes a turn as a response: its items one after the other, each closed before the next opens. */
export class ResponseWriter implements TurnReader {
  readonly output: OutputItem[] = [];
  readonly #turn: FrontTurn;
  readonly #base: JsonObject;
  readonly #answer: AnswerSoFar;
  readonly #manner: ResponseManner;
  readonly #deltas: Deltas<Kind> | undefined;
  #open: OpenItem | undefined;
  #length = 0;
  #sequence = 0;
  #end: JsonObject = {};
  #failure: FrontError | undefined;

  /** @param base what a response has from its beginning to its end. */
  constructor(turn: FrontTurn, base: JsonObject, answer: AnswerSoFar, manner: ResponseManner) {
    this.#turn = turn;
    this.#base = base;
    this.#answer = answer;
    this.#manner = manner;
    this.#deltas = manner.stream && new Deltas(manner.stream, (kind, text) => this.#write(kind, text));
    const response = this.#response({ status: 'in_progress' });
    this.#tell('response.created', { response });
    this.#tell('response.in_progress', { response });
  }

  /** The whole of it. @throws {FrontError} where the turn failed */
  whole(): JsonObject {
    if (this.#failure) throw this.#failure;
    return this.#response(this.#end);
  }

  event(event: ChatEvent): Step {
    const { kind, delta } = event as { kind: string; delta?: unknown };
    if (event.kind === 'token') this.#say(event.delta);
    else if (kind === 'reasoning' && typeof delta === 'string') this.#push('reasoning', delta);
    else if (this.#manner.showTools) this.#push('reasoning', lineOf(event) ?? '');
    return undefined;
  }

  calls(calls: readonly AskedCall[]): Step {
    this.#close();
    for (const asked of calls) {
      const call = this.#answer.call(asked);
      const id = newItemId('call');
      const place = { item_id: id, output_index: this.output.length };
      this.#tell('response.output_item.added', { output_index: this.output.length, item: callItem(id, call, false) });
      this.#tell('response.function_call_arguments.delta', { ...place, delta: call.arguments });
      this.#tell('response.function_call_arguments.done', { ...place, name: call.name, arguments: call.arguments });
      this.#done(callItem(id, call, true));
    }
    this.#finish('response.completed', { status: 'completed' });
    return 'park';
  }

  ended(end: TurnEnd): void {
    const { failure, finishReason, text } = outcomeOf(end);
    if (!this.#turn.hasSpoken) this.#say(text);
    // That it was too long has cancelled it.
    this.#failure ??= failure;
    if (this.#failure) {
      this.#fail(this.#failure);
      return;
    }
    this.#close();
    this.#finish(...endOf(finishReason));
  }

  #say(text: string): void {
    this.#answer.add(text);
    this.#push('message', text);
  }

  #push(kind: Kind, text: string): void {
    this.#length += text.length;
    const { most, room } = this.#manner;
    if (this.#length > most || this.output.length > MAX_ITEMS || !room.add(text.length)) {
      const message = 'the answer is longer than one response may be';
      this.#failure ??= new FrontError(424, 'answer_too_large', message, { hasRun: true });
      this.#turn.cancel();
    } else if (this.#deltas) this.#deltas.push(kind, text);
    else this.#write(kind, text);
  }

  #write(kind: Kind, text: string): void {
    if (text === '') return;
    if (this.#open?.kind !== kind) {
      this.#closeItem();
      this.#openItem(kind);
    }
    const open = this.#open as unknown as OpenItem;
    open.parts.push(text);
    const type = kind === 'message' ? 'response.output_text.delta' : 'response.reasoning_summary_text.delta';
    this.#manner.stream?.send(
      `{"type":"${type}","sequence_number":${this.#sequence++},${open.place},"delta":${JSON.stringify(text)}}`,
      type,
    );
  }

  #openItem(kind: Kind): void {
    const id = newItemId(kind);
    const index = this.output.length;
    const at = kind === 'message' ? { content_index: 0 } : { summary_index: 0 };
    const place = JSON.stringify({ item_id: id, output_index: index, ...at }).slice(1, -1);
    const logprobs = kind === 'message' ? ',"logprobs":[]' : '';
    this.#open = { kind, id, place: `${place}${logprobs}`, parts: [] };
    const item = kind === 'message' ? messageItem(id) : reasoningItem(id);
    this.#tell('response.output_item.added', { output_index: index, item });
    const of = { item_id: id, output_index: index, ...at };
    if (kind === 'message') this.#tell('response.content_part.added', { ...of, part: textPart('') });
    else this.#tell('response.reasoning_summary_part.added', { ...of, part: summaryPart('') });
  }

  /** Sends what waits, and closes what is open. */
  #close(): void {
    this.#deltas?.flush();
    this.#closeItem();
  }

  #closeItem(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const { id, kind } = open;
    const text = open.parts.join('');
    const of = { item_id: id, output_index: this.output.length };
    if (kind === 'message') {
      this.#tell('response.output_text.done', { ...of, content_index: 0, text, logprobs: [] });
      this.#tell('response.content_part.done', { ...of, content_index: 0, part: textPart(text) });
      this.#done(messageItem(id, text));
    } else {
      this.#tell('response.reasoning_summary_text.done', { ...of, summary_index: 0, text });
      this.#tell('response.reasoning_summary_part.done', { ...of, summary_index: 0, part: summaryPart(text) });
      this.#done(reasoningItem(id, text));
    }
  }

  #done(item: OutputItem): void {
    this.#tell('response.output_item.done', { output_index: this.output.length, item });
    this.output.push(item);
  }

  #fail({ code, message }: FrontError): void {
    this.#close();
    this.#finish('response.failed', { status: 'failed', error: { code: code ?? 'server_error', message } });
  }

  #finish(type: string, end: JsonObject): void {
    this.#end = { ...end, usage: responseUsageOf(this.#turn.usage) };
    this.#tell(type, { response: this.#response(this.#end) });
    this.#manner.stream?.end();
  }

  #response(more: JsonObject): JsonObject {
    return { ...this.#base, ...more, output: [...this.output] };
  }

  #tell(type: string, fields: JsonObject): void {
    const { stream } = this.#manner;
    if (!stream) return;
    stream.send(exactJson.stringify({ type, sequence_number: this.#sequence++, ...fields }), type);
  }
}

/** How a turn finished, as the last event says it and the response. */
function endOf(finishReason: string): [type: string, end: JsonObject] {
  const reason = finishReason === 'length' ? 'max_output_tokens' : 'content_filter';
  if (finishReason !== 'length' && finishReason !== 'refusal') return ['response.completed', { status: 'completed' }];
  return ['response.incomplete', { status: 'incomplete', incomplete_details: { reason } }];
}
