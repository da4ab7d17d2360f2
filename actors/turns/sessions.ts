import type { ChatParams } from '../../protocol/chat.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Client } from '../kernel/client.ts';
import { turnsOf } from './client-turns.ts';
import type { Turn } from './turn-record.ts';

/** An `agents.chat` that waits until its session's live turn has ended (`wire.md` section 6, `on_busy`). */
export interface QueuedChat {
  from: Client;
  id: RpcId | undefined;
  sessionId: string;
  params: ChatParams;
  /** Lets go of the room that it takes while it waits. */
  release?: () => void;
}

/**
 * Which turn is live in which session, and what waits behind it. A Map, so that `__proto__` and `constructor` are
 * ordinary session ids.
 */
export class Sessions {
  readonly #live = new Map<string, Turn>();
  readonly #waiting = new Map<string, QueuedChat[]>();

  live(sessionId: string): Turn | undefined {
    return this.#live.get(sessionId);
  }

  start(turn: Turn): void {
    this.#live.set(turn.sessionId, turn);
  }

  /** Frees the session of this turn. No other can have taken its place: the next one starts when it is free. */
  end(turn: Turn): void {
    this.#live.delete(turn.sessionId);
  }

  waitingCount(sessionId: string): number {
    return this.#waiting.get(sessionId)?.length ?? 0;
  }

  enqueue(chat: QueuedChat, where: 'front' | 'back'): void {
    turnsOf(chat.from).queued.add(chat);
    const queue = this.#waiting.get(chat.sessionId);
    if (!queue) this.#waiting.set(chat.sessionId, [chat]);
    else if (where === 'front') queue.unshift(chat);
    else queue.push(chat);
  }

  /** Takes the next chat of a session that has become free. */
  dequeue(sessionId: string): QueuedChat | undefined {
    const next = this.#waiting.get(sessionId)?.[0];
    if (next) this.remove(next);
    return next;
  }

  remove(chat: QueuedChat): void {
    chat.release?.();
    turnsOf(chat.from).queued.delete(chat);
    const queue = this.#waiting.get(chat.sessionId);
    if (!queue) return;
    const left = queue.filter((other) => other !== chat);
    if (left.length > 0) this.#waiting.set(chat.sessionId, left);
    else this.#waiting.delete(chat.sessionId);
  }

  /** Empties every queue. */
  takeAllWaiting(): QueuedChat[] {
    const all = [...this.#waiting.values()].flat();
    for (const chat of all) {
      chat.release?.();
      turnsOf(chat.from).queued.delete(chat);
    }
    this.#waiting.clear();
    return all;
  }
}
