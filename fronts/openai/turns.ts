import type { JsonObject } from '../../protocol/json.ts';
import type { FrontCore } from '../core/core.ts';
import { FrontError, frontErrorOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { pastOf } from '../core/history.ts';
import type { FrontTurn } from '../core/turn.ts';
import type { AnswerSoFar } from './answer.ts';
import { Conversations } from './conversation.ts';
import { answersOf, historyOf, instructionsOf, lastOfUser, type Message, type Told } from './messages.ts';
import { noSuchModel, readTools, samplingOf } from './request.ts';
import { Transcript } from './transcripts.ts';

/** What is asked, by either API. */
export interface Ask {
  agentId: string;
  body: JsonObject;
  messages: readonly Message[];
  /** What the messages are called in the request. */
  param: 'messages' | 'input';
  /** The session, where the API has a way of its own to name it. @throws {FrontError} 400 */
  named?(): string | undefined;
}

/** A turn that is begun, and what was said up to its answer: of the request nothing else is kept. */
export interface Begun {
  turn: FrontTurn;
  said: Transcript;
}

/** The turns of the OpenAI front: begun, or gone on with. */
export class OpenAiTurns {
  readonly core: FrontCore;
  readonly #conversations: Conversations;

  constructor(core: FrontCore) {
    this.core = core;
    this.#conversations = new Conversations(core);
  }

  /**
   * The turn that answers a request: the one that waits for what it brings, else a new one.
   * @throws {FrontError} @throws {ClientGone} @throws what `frontErrorOf` knows
   */
  async begin(exchange: Exchange, ask: Ask): Promise<Begun> {
    const { agentId, messages } = ask;
    const { owner } = exchange;
    try {
      this.core.checkAgent(exchange, agentId);
      const answers = answersOf(messages);
      const last = lastOfUser(messages);
      const said = new Transcript(owner, agentId);
      await said.addAll(messages.slice(0, Math.max(0, last)));
      const before = said.hash;
      await said.addAll(messages.slice(Math.max(0, last)));
      const parked =
        answers.size > 0 ? this.core.parked.take(owner, agentId, (turn) => turn.awaitsAny(answers)) : undefined;
      parked?.answer(answers);
      return { turn: parked ?? (await this.#open(exchange, ask, { messages, last }, before)), said };
    } catch (error) {
      throw frontErrorOf(error)?.code === 'agent_not_found' ? noSuchModel(agentId) : error;
    }
  }

  /** An answer was given, or the part of one that its client has seen. */
  keep({ turn, said }: Begun, answer: AnswerSoFar): void {
    if (!answer.isWhole) return;
    said.add(answer.message);
    this.#conversations.keep(turn.sessionId, said);
  }

  async #open(exchange: Exchange, ask: Ask, told: Told, before: string): Promise<FrontTurn> {
    const { agentId, body, messages, param } = ask;
    const { last } = told;
    const prompt = messages[last];
    if (!prompt) throw FrontError.badRequest(`${param} has no message of a user`, param);
    const tools = readTools(body);
    const { owner } = exchange;
    const place = await this.#conversations.place(exchange, agentId, body, told, before, () => ask.named?.());
    const { sessionId } = place;
    const past = this.core.knows(owner, { agentId, sessionId })
      ? {}
      : pastOf({ instructions: instructionsOf(messages), history: historyOf(told) });
    const { approvals = 'wait' } = this.core.options.openai ?? {};
    try {
      return await this.core.openTurn(exchange, {
        agentId,
        sessionId,
        prompt: prompt.text,
        tools,
        context: { ...past, ...samplingOf(body) },
        ...(prompt.images.length > 0 ? { attachments: prompt.images } : {}),
        denyAfterMs: approvals === 'deny' ? 0 : this.core.approvalTimeoutMs,
      });
    } catch (error) {
      place.refused();
      throw error;
    }
  }
}
