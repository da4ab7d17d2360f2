import { sessionId as sessionIdSchema } from '../../protocol/ids.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { FrontCore } from '../core/core.ts';
import type { Exchange } from '../core/exchange.ts';
import { hashOf, sessionIdOf } from '../core/ids.ts';
import { answeredBeforeLast, type Told } from './messages.ts';
import { type Transcript, Transcripts } from './transcripts.ts';

/** The header by which a client says, and is told, which session it is. */
export const SESSION_HEADER = 'x-switchboard-session';
/** What stands before the ids of sessions that this front makes. */
export const PREFIX = 'openai';

/** Where a turn goes. */
export interface Place {
  sessionId: string;
  /** The turn was refused: what was taken for it is given back. */
  refused(): void;
}

/** Which session a request means: by what it says, else by what was said before. */
export class Conversations {
  readonly #core: FrontCore;
  readonly #transcripts = new Transcripts();

  constructor(core: FrontCore) {
    this.#core = core;
  }

  /**
   * The session of a new turn; whatever waits there for its client is cancelled, for the client has gone on without it.
   * @param before what was said before the person's last message, as {@link Transcript.hash}
   * @param named what the API itself says of it, where neither header nor metadata names it.
   */
  async place(
    exchange: Exchange,
    agentId: string,
    body: JsonObject,
    told: Told,
    before: string,
    named: () => string | undefined,
  ): Promise<Place> {
    const { owner } = exchange;
    const { parked } = this.#core;
    const answered = answeredBeforeLast(told);
    const left = parked.take(owner, agentId, (turn) => turn.awaitsAny(answered));
    left?.cancel();
    const place = namedIn(exchange, agentId, body) ?? named();
    if (place !== undefined) {
      await parked.drop(owner, agentId, place);
      return { sessionId: place, refused: () => {} };
    }
    const isAnswered = told.messages.slice(0, told.last).some(({ role }) => role === 'assistant');
    const found = isAnswered ? this.#transcripts.take(before) : undefined;
    if (found === undefined) return { sessionId: `${PREFIX}:${crypto.randomUUID()}`, refused: () => {} };
    await parked.drop(owner, agentId, found);
    return { sessionId: found, refused: () => this.#transcripts.keep(before, found) };
  }

  /** An answer was given: whoever repeats all that was said goes on in its session. */
  keep(sessionId: string, said: Transcript): void {
    this.#transcripts.keep(said.hash, sessionId);
  }
}

/** What a request itself calls its conversation. The agent is part of it: a page may ask two in one conversation at once. */
function namedIn(exchange: Exchange, agentId: string, { metadata }: JsonObject): string | undefined {
  const own = exchange.header(SESSION_HEADER);
  // What this header says is a session's own id, as the response has told it.
  if (own !== undefined) return sessionIdSchema.safeParse(own).success ? own : `${PREFIX}:${hashOf(own)}`;
  const named = exchange.header('x-openwebui-chat-id') ?? (isObject(metadata) ? metadata.session_id : undefined);
  return typeof named === 'string' && named !== '' ? sessionIdOf(PREFIX, agentId, named) : undefined;
}
