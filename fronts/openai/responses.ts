import { exactJson } from '../../client/node.ts';
import { isObject, isThere, type JsonObject } from '../../protocol/json.ts';
import { FrontError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { ExpiringMap } from '../core/expiring-map.ts';
import { sessionIdOf } from '../core/ids.ts';
import { Room } from '../core/room.ts';
import { AnswerSoFar } from './answer.ts';
import { PREFIX, SESSION_HEADER } from './conversation.ts';
import { readInput } from './input-items.ts';
import type { Message } from './messages.ts';
import { readModel, refuseUnsupported } from './request.ts';
import { ResponseWriter } from './response-writer.ts';
import { KEPT_TRANSCRIPT_MS, KEPT_TRANSCRIPTS } from './transcripts.ts';
import type { OpenAiTurns } from './turns.ts';

/** Items of one response by which its session is known, the last ones: who goes on repeats all of them. */
const MAX_NAMED = 16;
/** What of a request a response repeats, in characters of JSON for each member: it is sent three times. */
const MAX_REPEATED = 256 * 1024;
/** A streamed answer is repeated four times at its end, and a character may have three bytes: so much less than is cut it has. */
const STREAM_SHARE = 16;

/** `POST /v1/responses`. */
export class Responses {
  readonly #turns: OpenAiTurns;
  /** Sessions by the ids of responses and of what was in them. */
  readonly #sessions = new ExpiringMap<string>(KEPT_TRANSCRIPTS, KEPT_TRANSCRIPT_MS);

  constructor(turns: OpenAiTurns) {
    this.#turns = turns;
  }

  async create(exchange: Exchange): Promise<void> {
    const id = `resp_${crypto.randomUUID().replaceAll('-', '')}`;
    const { begun, base, isStreamed } = await this.#begin(exchange, id);
    const { turn } = begun;
    const headers = { [SESSION_HEADER]: turn.sessionId };
    const stream = isStreamed ? exchange.stream(headers) : undefined;
    const room = new Room(turn);
    const answer = new AnswerSoFar(room);
    const { core } = this.#turns;
    const { maxMessageBytes, cutBytes } = core.limits;
    const writer = new ResponseWriter(turn, base, answer, {
      stream,
      room,
      showTools: core.options.openai?.showTools ?? false,
      most: isStreamed ? Math.min(maxMessageBytes, Math.floor(cutBytes / STREAM_SHARE)) : maxMessageBytes,
    });
    try {
      const left = await turn.read(writer, exchange.signal);
      if (left === 'parked') core.parked.park(turn);
    } finally {
      this.#turns.keep(begun, answer);
      for (const made of [id, ...writer.output.slice(-MAX_NAMED).map((item) => item.id)])
        this.#sessions.set(nameOf(exchange, turn.agentId, made), turn.sessionId);
    }
    if (!stream) exchange.json(200, writer.whole(), headers);
  }

  /** By itself: for as long as the answer takes nothing is kept of the request but what the answer repeats. */
  async #begin(exchange: Exchange, id: string) {
    const body = await exchange.read();
    const agentId = readModel(body);
    refuseUnsupported(body);
    const { messages, references } = readInput(body.input);
    const begun = await this.#turns.begin(exchange, {
      agentId,
      body,
      messages: [...instructing(body), ...messages],
      param: 'input',
      named: () => this.#named(exchange, agentId, body, references),
    });
    return { begun, base: baseOf(id, agentId, body), isStreamed: body.stream === true };
  }

  /** The session that a request names as this API does. @throws {FrontError} 400 */
  #named(exchange: Exchange, agentId: string, body: JsonObject, references: readonly string[]): string | undefined {
    const { previous_response_id: previous, conversation } = body;
    if (isThere(previous)) {
      const found = this.#sessions.get(nameOf(exchange, agentId, String(previous)));
      if (found !== undefined) return found;
      throw new FrontError(400, 'previous_response_not_found', 'there is no such response (any more)', {
        param: 'previous_response_id',
      });
    }
    const id = isObject(conversation) ? conversation.id : conversation;
    if (typeof id === 'string' && id !== '') return sessionIdOf(PREFIX, agentId, id);
    const known = references.map((made) => this.#sessions.get(nameOf(exchange, agentId, made)));
    return known.findLast((found) => found !== undefined);
  }
}

/** What the agent is told, as the message that it is in the other API. */
function instructing({ instructions }: JsonObject): Message[] {
  if (typeof instructions !== 'string' || instructions === '') return [];
  return [{ role: 'system', text: instructions, images: [], calls: [] }];
}

const nameOf = ({ owner }: Exchange, agentId: string, id: string): string => `${owner}\n${agentId}\n${id}`;

const REPEATED = [
  'instructions',
  'max_output_tokens',
  'previous_response_id',
  'temperature',
  'top_p',
  'metadata',
  'tools',
  'tool_choice',
  'text',
  'store',
  'parallel_tool_calls',
  'conversation',
] as const;

function isSmall(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= MAX_REPEATED;
  return value !== undefined && exactJson.stringify(value).length <= MAX_REPEATED;
}

/** What is repeated of a request, where it has it; else what the API has for it. */
function baseOf(id: string, model: string, body: JsonObject): JsonObject {
  const repeated = Object.fromEntries(REPEATED.map((name) => [name, body[name]]).filter(([, value]) => isSmall(value)));
  const {
    instructions = null,
    max_output_tokens = null,
    previous_response_id = null,
    temperature = null,
    top_p = null,
    metadata = {},
    tools = [],
    tool_choice = 'auto',
    text = { format: { type: 'text' } },
    store = true,
    parallel_tool_calls = true,
    conversation,
  } = repeated as JsonObject;
  return {
    id,
    object: 'response',
    created_at: Math.floor(Date.now() / 1_000),
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions,
    max_output_tokens,
    model,
    output: [],
    parallel_tool_calls,
    previous_response_id,
    reasoning: { effort: null, summary: null },
    store,
    temperature,
    text,
    tool_choice,
    tools,
    top_p,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata,
    ...(isThere(conversation) ? { conversation: isObject(conversation) ? conversation : { id: conversation } } : {}),
  };
}
