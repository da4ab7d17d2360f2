import type { Limits } from '../../protocol/limits.ts';
import { agentKey } from '../../protocol/principal.ts';
import type { Client } from '../kernel/client.ts';
import type { QueuedChat } from './sessions.ts';

/** What a chat's agent is kept under. */
const keyOf = ({ from, params }: QueuedChat) => agentKey(from.tenant, params.agent_id);

/**
 * Agents that have gone a moment ago, and the chats that wait for them to come back (`wire.md` section 6): each at the head of
 * its session's queue, which is where it counts and from where it is dropped.
 */
export class AgentWaits {
  readonly #limits: Limits;
  /** When each of them went, in the clock's milliseconds. The longest ago first. */
  readonly #goneAt = new Map<string, number>();
  /** By the agent's key, in the order in which they came. */
  readonly #waiting = new Map<string, Set<QueuedChat>>();
  /** Connections of agents that were removed: nobody waits for those. */
  readonly #removed = new WeakSet<Client>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Chats that wait. */
  get size(): number {
    let size = 0;
    for (const chats of this.#waiting.values()) size += chats.size;
    return size;
  }

  /** An agent is not there (any more). @param client its connection, where it had one */
  gone(agent: string, now: number, client?: Client): void {
    if (this.#limits.agentWaitMs === 0 || (client && this.#removed.has(client))) return;
    this.#goneAt.delete(agent);
    this.#goneAt.set(agent, now);
    for (const [oldest, at] of this.#goneAt) {
      if (this.#goneAt.size <= this.#limits.maxAgents && now - at < this.#limits.agentWaitMs) return;
      this.#goneAt.delete(oldest);
    }
  }

  /** It is back, or will never be: whoever waits for it. */
  settle(agent: string): QueuedChat[] {
    this.#goneAt.delete(agent);
    return [...(this.#waiting.get(agent) ?? [])];
  }

  /** An agent was removed, with its connection if it has one. */
  removed(agent: string, client: Client | undefined): QueuedChat[] {
    if (client) this.#removed.add(client);
    return this.settle(agent);
  }

  /** Whether an agent that is not there may be back in a moment. */
  isExpected(agent: string, now: number): boolean {
    const at = this.#goneAt.get(agent);
    return at !== undefined && now - at < this.#limits.agentWaitMs;
  }

  isWaiting(chat: QueuedChat): boolean {
    return this.#waiting.get(keyOf(chat))?.has(chat) ?? false;
  }

  /** Has a chat wait, until the function that it gives is called. */
  add(chat: QueuedChat): () => void {
    const agent = keyOf(chat);
    const chats = this.#waiting.get(agent) ?? new Set();
    this.#waiting.set(agent, chats.add(chat));
    return () => {
      chats.delete(chat);
      if (chats.size === 0 && this.#waiting.get(agent) === chats) this.#waiting.delete(agent);
    };
  }
}
