import { type ChatEvent, isChatEvent } from '../protocol/events.ts';
import { isObject } from '../protocol/json.ts';
import type { Chat, ChatAck, ChatOptions } from './chat.ts';
import { ChatRun } from './chat-run.ts';
import type { SwitchboardError } from './errors.ts';
import { newSessionId } from './ids.ts';
import type { Peer } from './peer.ts';

/** See `bufferLimit` of `ChatOptions`. Characters. */
const DEFAULT_BUFFER_LIMIT = 16 * 1024 * 1024;

/** The chats that one connection has opened: each event finds its own by the turn's id. */
export class Chats {
  readonly #live = new Map<string, ChatRun>();

  /** Opens a turn. Never throws: a refusal shows on the chat. */
  open(peer: Peer, agentId: string, prompt: string, options: ChatOptions = {}): Chat {
    const { signal, bufferLimit = DEFAULT_BUFFER_LIMIT, ...wire } = options;
    const ownSession = wire.session_id === undefined;
    const sessionId = wire.session_id ?? newSessionId();
    const run = new ChatRun({ peer, agentId, sessionId, ownSession, bufferLimit, signal });
    if (signal?.aborted) {
      run.failed(signal.reason);
      return run;
    }
    peer.call(
      'agents.chat',
      { ...wire, agent_id: agentId, prompt, session_id: sessionId },
      {
        // The route is laid in the very moment in which the ack arrives: the first event may be in the same packet
        // (`wire.md` section 6, 3), and a promise's `then` would come after it.
        result: (value) => {
          const ack = value as ChatAck;
          this.#live.set(ack.turn_id, run);
          run.accepted(ack);
        },
        error: (error) => run.failed(error),
      },
    );
    return run;
  }

  /** `agents.chat.event`. An event of a turn that is not live here is nobody's. */
  event(params: unknown, size: number): void {
    if (!isObject(params) || typeof params.turn_id !== 'string' || !isChatEvent(params)) return;
    const run = this.#live.get(params.turn_id as string);
    if (run?.event(params as unknown as ChatEvent, size)) this.#live.delete(params.turn_id as string);
  }

  /** The connection is over. */
  ended(error: SwitchboardError): void {
    const runs = [...this.#live.values()];
    this.#live.clear();
    for (const run of runs) run.failed(error);
  }
}
