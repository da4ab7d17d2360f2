import { chatApproveParams } from '../protocol/approvals.ts';
import { type AgentChatParams, agentChatParams, cancelReason } from '../protocol/chat.ts';
import { isObject } from '../protocol/json.ts';
import { parseParams } from '../protocol/params.ts';
import type { Peer, Reply } from './peer.ts';
import { quietly } from './quietly.ts';
import { type OnChat, type Turn, toErrorObject } from './turn.ts';
import { TurnRun } from './turn-run.ts';
import { ToolCalls } from './turn-tools.ts';

/** What an agent does with its turns. */
export interface TurnHandlers {
  onChat: OnChat;
  /** Refuses a turn by throwing, before it is accepted. Default: each is accepted. */
  accept?: ((params: AgentChatParams) => void | Promise<void>) | undefined;
  /** Hears what `onChat` threw; the host is told its message. Default: nobody does. */
  onError?: ((error: unknown, turn: Turn) => void) | undefined;
}

/** The turns that run on one connection of an agent. */
export class Turns {
  readonly #handlers: TurnHandlers;
  readonly #live = new Map<string, TurnRun>();
  readonly #toolCalls = new ToolCalls();

  constructor(handlers: TurnHandlers) {
    this.#handlers = handlers;
  }

  /** Answers a request of the broker's; false for one that is not known. */
  request(method: string, params: unknown, reply: Reply, peer: Peer): boolean {
    if (method === 'agent.chat') this.#start(params, reply, peer);
    else if (method === 'agent.chat.approve') this.#approve(params, reply);
    else return false;
    return true;
  }

  /** Takes a notification of the broker's. */
  notification(method: string, params: unknown): void {
    if (method === 'agent.chat.cancel') this.#cancel(params);
    else if (method === 'tools.progress') this.#toolCalls.progress(params);
  }

  /** The connection is over, and with it all of its turns. */
  lost(): void {
    for (const turn of this.#live.values()) turn.cancel('connection_lost');
  }

  /** `agent.chat`: accepted first, then run, so that no event overtakes the ack. */
  #start(input: unknown, reply: Reply, peer: Peer): void {
    try {
      parseParams(agentChatParams, input);
    } catch (error) {
      reply.error(toErrorObject(error));
      return;
    }
    // Not what the schema made of it: that would lose what a newer broker adds.
    const turn = new TurnRun(peer, input as AgentChatParams, this.#toolCalls);
    this.#live.set(turn.turnId, turn);
    this.#work(turn, reply).finally(() => {
      if (this.#live.get(turn.turnId) === turn) this.#live.delete(turn.turnId);
    });
  }

  /** `agent.chat.approve`. One that nothing waits for any more is nothing unusual. */
  #approve(input: unknown, reply: Reply): void {
    const { success, data: params } = chatApproveParams.safeParse(input);
    const turns = success ? [...this.#live.values()].filter((turn) => turn.sessionId === params.session_id) : [];
    if (!turns.some((turn) => params && turn.resolveApproval(params, reply))) reply.result({ resolved: false });
  }

  /** `agent.chat.cancel`. One for a turn that has ended meanwhile is nothing unusual. */
  #cancel(input: unknown): void {
    if (!isObject(input)) return;
    const reason = cancelReason.safeParse(input.reason);
    this.#live.get(String(input.turn_id))?.cancel(reason.success ? reason.data : 'host_cancelled');
  }

  async #work(turn: TurnRun, reply: Reply): Promise<void> {
    const { accept, onChat, onError } = this.#handlers;
    if (accept) {
      try {
        await accept(turn.params);
      } catch (error) {
        return reply.error(toErrorObject(error));
      }
      // Cancelled while it was thinking: the broker has answered the host already.
      if (turn.signal.aborted) return reply.result({ accepted: false });
    }
    reply.result({ accepted: true });
    await turn.run(onChat, (error) => quietly(() => onError?.(error, turn)));
  }
}
