import { ResumeError } from '../../client/node.ts';
import { type FrontCore, KEPT_SESSION_MS, KEPT_SESSIONS } from '../core/core.ts';
import { FrontError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { ExpiringMap } from '../core/expiring-map.ts';
import { pastOf } from '../core/history.ts';
import { hashOf, namedSession } from '../core/ids.ts';
import { ChatTurn } from './chat-turn.ts';
import { answersIn, historyOf, imagesOf, instructionsOf, textOfMessage, wordsIn } from './messages.ts';
import { type Ask, readAsk } from './request.ts';

/** How long a turn waits for its window to come back, unless `--resume-window` says less. Milliseconds. */
export const WINDOW_MS = 60_000;
const PREFIX = 'ai';

/** The chats of the AI SDK's windows: one turn each. */
export class Chats {
  readonly #core: FrontCore;
  readonly #turns = new Map<string, ChatTurn>();
  /** Of chats that were begun anew the session. */
  readonly #sessions = new ExpiringMap<string>(KEPT_SESSIONS, KEPT_SESSION_MS);

  constructor(core: FrontCore) {
    this.#core = core;
  }

  /** `POST /ai/AGENT`. */
  async send(exchange: Exchange, agentId: string): Promise<void> {
    const answer = await this.#prepare(exchange, agentId);
    await answer();
  }

  /** `GET /ai/AGENT/CHAT/stream`. */
  async resume(exchange: Exchange, agentId: string, chatId: string): Promise<void> {
    this.#core.checkAgent(exchange, agentId);
    const turn = this.#turns.get(nameOf(exchange, agentId, chatId));
    if (!turn || !(await turn.isThere())) {
      nothing(exchange);
      return;
    }
    if (exchange.request.method === 'HEAD') {
      // Whoever only looks takes nothing from whoever reads.
      exchange.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end();
      return;
    }
    try {
      await turn.again(exchange);
    } catch (error) {
      if (!(error instanceof ResumeError)) throw error;
      nothing(exchange);
    }
  }

  /** `POST /ai/AGENT/CHAT/stop`. */
  async stop(exchange: Exchange, agentId: string, chatId: string): Promise<void> {
    this.#core.checkAgent(exchange, agentId);
    await this.#turns.get(nameOf(exchange, agentId, chatId))?.cancel(exchange);
    nothing(exchange);
  }

  /** By itself: for as long as the answer takes nothing is kept of the request, which may have megabytes. */
  async #prepare(exchange: Exchange, agentId: string): Promise<() => Promise<void>> {
    const ask = readAsk(await exchange.read());
    this.#core.checkAgent(exchange, agentId);
    return ask.last.role === 'assistant' ? this.#goOn(exchange, agentId, ask) : this.#begin(exchange, agentId, ask);
  }

  async #goOn(exchange: Exchange, agentId: string, { chatId, last }: Ask): Promise<() => Promise<void>> {
    const turn = this.#turns.get(nameOf(exchange, agentId, chatId));
    const front = turn?.parked;
    if (turn && !front) throw new FrontError(409, 'session_busy', 'this chat is being answered');
    const answers = answersIn(last);
    const words = wordsIn(last);
    const answered = [...answers].filter(([id]) => front?.awaits(id));
    const decided = [...words].filter(([id]) => front?.approvals.awaits(id));
    if (!turn || !front || answered.length + decided.length === 0)
      throw new FrontError(404, 'not_found', 'nothing waits for what this message answers');
    this.#core.parked.take(front.owner, front.agentId, (parked) => parked === front);
    front.answer(answers, 'wait');
    const decisions = await Promise.all(
      decided.map(async ([id, { approved, reason }]) => {
        const answer = reason === undefined ? undefined : { reason };
        return [id, await front.decide(id, approved, answer)] as const;
      }),
    );
    const reader = turn.goOn(exchange, last.id);
    for (const [id, answer] of answered) reader.answered(id, answer);
    for (const [id, decision] of decisions) if (decision) reader.decided(id, decision === 'approved');
    return () => turn.read(exchange, reader);
  }

  async #begin(exchange: Exchange, agentId: string, ask: Ask): Promise<() => Promise<void>> {
    const { chatId, messages, last, tools, isRewound } = ask;
    const name = nameOf(exchange, agentId, chatId);
    const images = imagesOf(last, `messages[${messages.length - 1}]`);
    const before = this.#turns.get(name);
    // What it waits for is not wanted any more; of what was taken back nothing is.
    if (before && (isRewound || before.parked)) await before.cancel(exchange);
    // Its agent remembers what was said in a session, and what was taken back was not said.
    if (isRewound) this.#sessions.set(name, `${PREFIX}:${crypto.randomUUID()}`);
    const sessionId = this.#sessions.get(name) ?? namedSession(PREFIX, chatId);
    const past = this.#core.knows(exchange.owner, { agentId, sessionId })
      ? {}
      : pastOf({ instructions: instructionsOf(messages), history: historyOf(messages) });
    const spec = {
      agentId,
      sessionId,
      prompt: textOfMessage(last),
      tools,
      context: past,
      ...(images.length > 0 ? { attachments: images } : {}),
      resumeWindowMs: Math.min(WINDOW_MS, this.#core.limits.resumeWindowMs),
    };
    const turn: ChatTurn = new ChatTurn(this.#core, exchange.owner, spec, () => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    });
    this.#turns.set(name, turn);
    try {
      await turn.open(exchange, spec);
    } catch (error) {
      // What was there is there still.
      if (before && !before.isOver && !this.#turns.has(name)) this.#turns.set(name, before);
      throw error;
    }
    return () => turn.read(exchange, turn.begin(exchange));
  }
}

/** A chat is its principal's, and an agent's: of others it is another. */
function nameOf({ owner }: Exchange, agentId: string, chatId: string): string {
  return hashOf(owner, agentId, chatId);
}

function nothing({ response }: Exchange): void {
  response.writeHead(204, { 'cache-control': 'no-store' }).end();
}
