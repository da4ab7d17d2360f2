import type { ChatParams } from '../../protocol/chat.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { Accounts } from '../kernel/accounts.ts';
import type { Client } from '../kernel/client.ts';
import type { Asker } from './askers.ts';
import { turnsOf } from './client-turns.ts';
import type { Opening } from './resume/opening.ts';
import type { Turn } from './turn-record.ts';
import type { TurnSpans } from './turn-spans.ts';

/** An `agents.chat` that waits until its session's live turn has ended (`wire.md` section 6, `on_busy`), or its agent is back. */
export interface QueuedChat {
  /** Its host: who has asked last. */
  from: Client;
  /** Everybody who is to be answered. */
  readonly askers: Asker[];
  sessionId: string;
  /** The session as the broker and its agent know it: see `agentSessionId`. */
  sessionKey: string;
  params: ChatParams;
  /** Of whoever asked, as it was then. */
  accounts: Accounts | undefined;
  /** Where its host has chosen the secret itself. */
  opening: Opening | undefined;
  /** What its host has said of the trace that it belongs to. */
  trace: TraceContext | undefined;
  spans?: TurnSpans | undefined;
  /** Lets go of the room that it takes while it waits. */
  release?: () => void;
}

/** Sessions whose last turn is remembered. What is said late is said within seconds. */
const MAX_LAST = 5_000;

/**
 * Which turn is live in which session, and what waits behind it. A Map, so that `__proto__` and `constructor` are
 * ordinary session ids.
 */
export class Sessions {
  /** By {@link Turn.sessionKey}, as everything here. */
  readonly #live = new Map<string, Turn>();
  /** Which connection of an agent's had the last turn of a session, the newest last: those that are there still. */
  readonly #last = new Map<string, Client>();
  readonly #waiting = new Map<string, QueuedChat[]>();

  live(sessionKey: string): Turn | undefined {
    return this.#live.get(sessionKey);
  }

  start(turn: Turn): void {
    turn.accounts?.add('turns', 1);
    this.#live.set(turn.sessionKey, turn);
  }

  /** Frees the session of this turn. No other can have taken its place: the next one starts when it is free. */
  end(turn: Turn): void {
    const { sessionKey, agent } = turn;
    if (this.#live.delete(sessionKey)) turn.accounts?.add('turns', -1);
    this.#forget(sessionKey);
    if (!agent.isOpen) return;
    this.#last.set(sessionKey, agent);
    turnsOf(agent).served.add(sessionKey);
    if (this.#last.size <= MAX_LAST) return;
    for (const oldest of this.#last.keys()) {
      this.#forget(oldest);
      return;
    }
  }

  /** Sessions of which is known who had their last turn. */
  get servedCount(): number {
    return this.#last.size;
  }

  /** A connection says nothing any more: what it has served need not be known. */
  gone(agent: Client): void {
    for (const sessionKey of [...turnsOf(agent).served]) this.#forget(sessionKey);
  }

  #forget(sessionKey: string): void {
    const agent = this.#last.get(sessionKey);
    if (!agent) return;
    this.#last.delete(sessionKey);
    turnsOf(agent).served.delete(sessionKey);
  }

  /** Whether the turn before in this session was this connection's, too: it may still say something about that one. */
  wasServedBy(sessionKey: string, agent: Client): boolean {
    return this.#last.get(sessionKey) === agent;
  }

  /** The chats in a session's queue, in order. */
  waiting(sessionKey: string): readonly QueuedChat[] {
    return this.#waiting.get(sessionKey) ?? [];
  }

  enqueue(chat: QueuedChat, where: 'front' | 'back'): void {
    chat.accounts?.add('turns', 1);
    turnsOf(chat.from).queued.add(chat);
    const queue = this.#waiting.get(chat.sessionKey);
    if (!queue) this.#waiting.set(chat.sessionKey, [chat]);
    else if (where === 'front') queue.unshift(chat);
    else queue.push(chat);
  }

  /** The chat that is first in a session's queue. With no live turn in that session it waits for its agent. */
  next(sessionKey: string): QueuedChat | undefined {
    return this.#waiting.get(sessionKey)?.[0];
  }

  remove(chat: QueuedChat): void {
    letGo(chat);
    const queue = this.#waiting.get(chat.sessionKey);
    if (!queue) return;
    const left = queue.filter((other) => other !== chat);
    if (left.length > 0) this.#waiting.set(chat.sessionKey, left);
    else this.#waiting.delete(chat.sessionKey);
  }

  /** Empties every queue. */
  takeAllWaiting(): QueuedChat[] {
    const all = [...this.#waiting.values()].flat();
    for (const chat of all) letGo(chat);
    this.#waiting.clear();
    return all;
  }
}

/** It waits no more. */
function letGo(chat: QueuedChat): void {
  chat.release?.();
  if (turnsOf(chat.from).queued.delete(chat)) chat.accounts?.add('turns', -1);
}
