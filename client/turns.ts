import type { ChatApproveParams } from '../protocol/approvals.ts';
import type { AgentChatParams, CancelReason } from '../protocol/chat.ts';
import { isObject } from '../protocol/json.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { WireError } from '../protocol/wire-error.ts';
import { toErrorObject } from './error-object.ts';
import { RpcError } from './errors.ts';
import type { Peer, Reply } from './peer.ts';
import { quietly } from './quietly.ts';
import { misfits, type Shape } from './shape.ts';
import type { OnChat, Turn } from './turn.ts';
import { KeptBytes } from './turn-line.ts';
import { TurnRun } from './turn-run.ts';
import { ToolCalls } from './turn-tools.ts';
import { wordOf } from './word-of.ts';

/** What is read of the broker's requests. What else is in them is the agent's to read, from `params`. */
const CHAT: Shape<AgentChatParams> = { session_id: 'string', turn_id: 'string', prompt: 'string', context: 'object' };
const APPROVE: Shape<ChatApproveParams> = { session_id: 'string', approval_id: 'string' };

/** Longest that a timer waits. Milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const REASONS: Readonly<Record<CancelReason, true>> = {
  host_cancelled: true,
  host_disconnected: true,
  replaced: true,
  stale: true,
  draining: true,
  slow_consumer: true,
  ack_timeout: true,
  agent_replaced: true,
};

/** What an agent does with its turns. */
export interface TurnHandlers {
  onChat: OnChat;
  /** Refuses a turn by throwing, before it is accepted. Default: each is accepted. */
  accept?: ((params: AgentChatParams) => void | Promise<void>) | undefined;
  /** Hears what `onChat` threw; the host is told its message. Default: nobody does. */
  onError?: ((error: unknown, turn: Turn) => void) | undefined;
}

/** How many turns one `agent.resume` may name. */
const MOST_NAMED = 1_000;

/** Of text that only another broker needs so much is said in one `agent.resume`: it is one message. Characters. */
const MOST_SPARE_TEXT = 4 * 1024 * 1024;

/** The turns of an agent. Where the broker lets them wait for it, they outlive its connections. */
export class Turns {
  readonly #handlers: TurnHandlers;
  /** Those that run, and those of which the broker does not have everything yet. */
  readonly #live = new Map<string, TurnRun>();
  readonly #toolCalls = new ToolCalls();
  readonly #kept = new KeptBytes();
  /** How long the broker's turns wait for this agent. Milliseconds. Undefined: not at all. */
  #windowMs: number | undefined;
  /** Ends the turns to which the agent does not come back in time. */
  #patience: ReturnType<typeof setTimeout> | undefined;

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
    else if (method === 'agent.chat.ack') this.#acked(params);
    else if (method === 'agent.chat.rewind') this.#rewind(params);
    else if (method === 'tools.progress') this.#toolCalls.progress(params);
  }

  /**
   * There is a connection. The turns of the last one go on, as far as the broker knows them still.
   * @param windowMs how long its turns wait for this agent. Milliseconds; undefined: they end with their connection.
   */
  attached(peer: Peer, windowMs: number | undefined): void {
    this.#windowMs = windowMs;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    const away = [...this.#live.values()];
    if (windowMs === undefined) {
      for (const turn of away) this.#giveUp(turn);
      return;
    }
    // Also where there are none: the broker then knows that nobody goes on with what it keeps.
    for (let from = 0; from <= away.length; from += MOST_NAMED) {
      this.#resume(peer, away.slice(from, from + MOST_NAMED));
    }
  }

  /** The connection is over, and with it all of its turns, but for those that wait for the next one. */
  lost(): void {
    for (const turn of this.#live.values()) {
      if (turn.line.isKept && turn.isAccepted) turn.line.away();
      else this.#giveUp(turn);
    }
    // The broker's time runs from when it has noticed; it says then what is over.
    if (this.#windowMs !== undefined && this.#live.size > 0) {
      this.#patience ??= setTimeout(() => this.close(), Math.min(2 * this.#windowMs, MAX_TIMER_MS));
    }
  }

  /** There will be no other connection, or too late. */
  close(): void {
    clearTimeout(this.#patience);
    for (const turn of [...this.#live.values()]) this.#giveUp(turn);
  }

  #giveUp(turn: TurnRun): void {
    turn.line.close();
    turn.cancel('connection_lost');
    this.#forget(turn);
  }

  /** It has ended, and the broker has all of it. */
  #forget(turn: TurnRun): void {
    if (turn.isFinished && turn.line.isEmpty && this.#live.get(turn.turnId) === turn) this.#live.delete(turn.turnId);
  }

  /** `agent.resume`: at once, and its answer in the moment in which it comes. */
  #resume(peer: Peer, turns: readonly TurnRun[]): void {
    let room = MOST_SPARE_TEXT;
    const claims = turns.map((turn) => {
      const claim = turn.claim(room);
      room -= claim.text?.length ?? 0;
      return claim;
    });
    peer.call(
      'agent.resume',
      { turns: claims },
      {
        result: (value) => this.#resumed(peer, isObject(value) && Array.isArray(value.turns) ? value.turns : []),
        error: (error) => {
          // Of a lost connection nothing is to be learned.
          if (error instanceof RpcError) for (const turn of turns) this.#giveUp(turn);
        },
      },
    );
  }

  #resumed(peer: Peer, rows: ResultOf<'agent.resume'>['turns']): void {
    for (const { turn_id, status, after, released, cancel } of rows) {
      const turn = this.#live.get(turn_id);
      if (!turn) continue;
      if (status !== 'resumed') this.#giveUp(turn);
      else {
        turn.line.back(peer, after, released);
        if (cancel) turn.cancel(cancel.reason);
        this.#forget(turn);
      }
    }
  }

  #acked(params: unknown): void {
    const acks = isObject(params) && Array.isArray(params.acks) ? params.acks : [];
    for (const row of acks) {
      const [turnId, received, released] = Array.isArray(row) ? row : [];
      const turn = this.#live.get(turnId);
      if (!turn || typeof released !== 'number') continue;
      turn.line.release(released);
      if (typeof received === 'number') turn.line.received(received);
      this.#forget(turn);
    }
  }

  #rewind(params: unknown): void {
    if (!isObject(params) || typeof params.after !== 'number') return;
    this.#live.get(params.turn_id as string)?.line.rewind(params.after);
  }

  /** `agent.chat`: accepted first, then run, so that no event overtakes the ack. */
  #start(input: unknown, reply: Reply, peer: Peer): void {
    const issues = misfits(input, CHAT);
    if (issues.length > 0) {
      reply.error(WireError.invalidParams(issues).toObject());
      return;
    }
    const kept = this.#windowMs === undefined ? undefined : this.#kept;
    const turn = new TurnRun(peer, input as AgentChatParams, this.#toolCalls, kept);
    this.#live.set(turn.turnId, turn);
    this.#work(turn, reply).finally(() => {
      turn.isFinished = true;
      this.#forget(turn);
    });
  }

  /** `agent.chat.approve`. One that nothing waits for any more is nothing unusual. */
  #approve(input: unknown, reply: Reply): void {
    const params = input as ChatApproveParams;
    const turns = misfits(input, APPROVE).length > 0 ? [] : [...this.#live.values()];
    const asked = turns.filter((turn) => turn.sessionId === params.session_id);
    if (!asked.some((turn) => turn.resolveApproval(params, reply))) reply.result({ resolved: false });
  }

  /** `agent.chat.cancel`. One for a turn that has ended meanwhile is nothing unusual. */
  #cancel(input: unknown): void {
    if (!isObject(input)) return;
    const reason = wordOf(input.reason);
    // One that a newer broker has is a cancel, too.
    const known = Object.hasOwn(REASONS, reason) ? (reason as CancelReason) : 'host_cancelled';
    this.#live.get(input.turn_id as string)?.cancel(known);
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
    turn.isAccepted = true;
    await turn.run(onChat, (error) => quietly(() => onError?.(error, turn)));
  }
}
