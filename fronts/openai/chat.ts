import type { ChatEvent } from '../../client/node.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { AskedCall } from '../core/asked-calls.ts';
import { FrontError, outcomeOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { Room } from '../core/room.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';
import { AnswerSoFar } from './answer.ts';
import { readChatMessages } from './chat-messages.ts';
import { type ChatHead, type ChatManner, ChatStream } from './chat-stream.ts';
import { SESSION_HEADER } from './conversation.ts';
import { finishReasonOf, usageOf } from './finish.ts';
import { readModel, refuseUnsupported } from './request.ts';
import { lineOf } from './tool-lines.ts';
import type { OpenAiTurns } from './turns.ts';

/** `POST /v1/chat/completions`. */
export async function completeChat(turns: OpenAiTurns, exchange: Exchange): Promise<void> {
  const { begun, manner, isStreamed } = await begin(turns, exchange);
  const { turn } = begun;
  const id = `chatcmpl-${crypto.randomUUID()}`;
  const head = { id, created: Math.floor(Date.now() / 1_000), model: turn.agentId };
  const headers = { [SESSION_HEADER]: turn.sessionId };
  const room = new Room(turn);
  const answer = new AnswerSoFar(room);
  let whole: WholeChat | undefined;
  let reader: TurnReader;
  if (isStreamed) reader = new ChatStream(exchange.stream(headers), turn, head, answer, manner);
  else {
    whole = new WholeChat(turn, answer, manner, { most: turns.core.limits.maxMessageBytes, room });
    reader = whole;
  }
  try {
    const left = await turn.read(reader, exchange.signal);
    if (left === 'parked') turns.core.parked.park(turn);
  } finally {
    // Also where its client has stopped it half way: it goes on from what it has seen.
    turns.keep(begun, answer);
  }
  if (whole) exchange.json(200, whole.body(head), headers);
}

/** By itself: for as long as the answer takes nothing is kept of the request, which may have megabytes. */
async function begin(turns: OpenAiTurns, exchange: Exchange) {
  const body = await exchange.read();
  const agentId = readModel(body);
  refuseUnsupported(body);
  const begun = await turns.begin(exchange, {
    agentId,
    body,
    messages: readChatMessages(body.messages),
    param: 'messages',
  });
  return { begun, manner: mannerOf(turns, body), isStreamed: body.stream === true };
}

function mannerOf({ core }: OpenAiTurns, { stream_options: options }: JsonObject): ChatManner {
  return {
    includeUsage: isObject(options) && options.include_usage === true,
    showTools: core.options.openai?.showTools ?? false,
  };
}

/** What an answer may take that is gathered. */
interface Bounds {
  /** Characters that it may have. */
  most: number;
  room: Room;
}

/** Gathers a turn as one chat completion. */
class WholeChat implements TurnReader {
  readonly #turn: FrontTurn;
  readonly #answer: AnswerSoFar;
  readonly #manner: ChatManner;
  readonly #bounds: Bounds;
  readonly #text: string[] = [];
  readonly #reasoning: string[] = [];
  #length = 0;
  #finish = 'stop';
  #failure: FrontError | undefined;

  constructor(turn: FrontTurn, answer: AnswerSoFar, manner: ChatManner, bounds: Bounds) {
    this.#turn = turn;
    this.#answer = answer;
    this.#manner = manner;
    this.#bounds = bounds;
  }

  event(event: ChatEvent): Step {
    const { kind, delta } = event as { kind: string; delta?: unknown };
    if (event.kind === 'token') this.#say(event.delta);
    else if (kind === 'reasoning' && typeof delta === 'string') this.#add(this.#reasoning, delta);
    else if (this.#manner.showTools) this.#add(this.#reasoning, lineOf(event) ?? '');
    return undefined;
  }

  calls(calls: readonly AskedCall[]): Step {
    for (const call of calls) this.#answer.call(call);
    this.#finish = 'tool_calls';
    return 'park';
  }

  ended(end: TurnEnd): void {
    const { failure, finishReason, text } = outcomeOf(end);
    // That it was too long has cancelled it.
    this.#failure ??= failure;
    if (!this.#turn.hasSpoken) this.#say(text);
    this.#finish = finishReasonOf(finishReason);
  }

  /** @throws {FrontError} where the turn failed */
  body({ id, created, model }: ChatHead) {
    if (this.#failure) throw this.#failure;
    const calls = this.#answer.calls.map(({ id, ...made }) => ({ id, type: 'function', function: made }));
    const message = {
      role: 'assistant',
      content: this.#text.length === 0 && calls.length > 0 ? null : this.#text.join(''),
      refusal: null,
      ...(this.#reasoning.length > 0 ? { reasoning_content: this.#reasoning.join('') } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    const choice = { index: 0, message, logprobs: null, finish_reason: this.#finish };
    return { id, object: 'chat.completion', created, model, choices: [choice], usage: usageOf(this.#turn.usage) };
  }

  #say(text: string): void {
    this.#answer.add(text);
    this.#add(this.#text, text);
  }

  #add(parts: string[], text: string): void {
    this.#length += text.length;
    if (this.#length <= this.#bounds.most && this.#bounds.room.add(text.length)) {
      if (text !== '') parts.push(text);
      return;
    }
    this.#failure ??= new FrontError(
      424,
      'answer_too_large',
      'the answer is longer than one response may be: stream it',
      {
        hasRun: true,
      },
    );
    this.#turn.cancel();
  }
}
