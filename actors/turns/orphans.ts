import type { Turn } from './turn-record.ts';

/** Live turns whose agent has lost its connection and may come back, by that agent's key. */
export class Orphans {
  readonly #byAgent = new Map<string, Set<Turn>>();

  get size(): number {
    let size = 0;
    for (const turns of this.#byAgent.values()) size += turns.size;
    return size;
  }

  of(agentKey: string): readonly Turn[] {
    return [...(this.#byAgent.get(agentKey) ?? [])];
  }

  has(turn: Turn): boolean {
    return this.#byAgent.get(turn.agent.agentKey ?? '')?.has(turn) === true;
  }

  add(turn: Turn): void {
    const { agentKey = '' } = turn.agent;
    this.#byAgent.set(agentKey, (this.#byAgent.get(agentKey) ?? new Set()).add(turn));
  }

  /** One that is not among them is no error. */
  delete(turn: Turn): void {
    const { agentKey = '' } = turn.agent;
    const turns = this.#byAgent.get(agentKey);
    if (turns?.delete(turn) && turns.size === 0) this.#byAgent.delete(agentKey);
  }
}
