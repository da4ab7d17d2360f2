import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AgentSpec } from '../../protocol/agents.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { key } from '../kernel/key.ts';
import type { AgentRecord, AgentStore } from './agent-store.ts';

/** A fresh token: 32 random bytes, base64url, 43 characters (`wire.md` section 3). */
export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 in hexadecimal: what is kept of a token. It is random, so nothing slower is needed. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Whether `token` is the one that `hash` was made of, in a time that depends on neither. */
export function tokenMatches(token: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashToken(token), 'hex'), Buffer.from(hash, 'hex'));
}

/** Compared with where there is no such agent, so that an unknown id takes as long as a wrong token. */
const NOBODY = hashToken(createToken());

/** The known agents of a broker. */
export const AGENTS = key<AgentRegistry>('the known agents');

/** The agents that the broker knows, attached or not (`wire.md` section 4). */
export class AgentRegistry {
  readonly #store: AgentStore;
  readonly #records = new Map<string, AgentRecord>();
  /** Known for this run only: never handed to the store. */
  readonly #ephemeral = new Set<string>();

  constructor(store: AgentStore) {
    this.#store = store;
    for (const record of store.load()) this.#records.set(record.id, record);
  }

  get size(): number {
    return this.#records.size;
  }

  has(id: string): boolean {
    return this.#records.has(id);
  }

  /** What an agent was said to be able to do; nothing where nobody knows it. */
  capabilitiesOf(id: string): readonly string[] {
    return this.#records.get(id)?.capabilities ?? [];
  }

  specs(): AgentSpec[] {
    return [...this.#records.values()].map(toSpec);
  }

  /** Creates or changes an agent. What is left out keeps its value; a token comes at creation and rotation only. */
  upsert(params: ParamsOf<'agents.upsert'>, ephemeral = false): { spec: AgentSpec; token?: string } {
    const before = this.#records.get(params.id);
    const token = !before || params.rotate_token ? createToken() : undefined;
    const record: AgentRecord = {
      id: params.id,
      name: params.name ?? before?.name ?? params.id,
      capabilities: params.capabilities ?? before?.capabilities ?? [],
      metadata: params.metadata ?? before?.metadata ?? {},
      token_hash: token === undefined ? (before?.token_hash ?? NOBODY) : hashToken(token),
    };
    const wasEphemeral = this.#ephemeral.has(params.id);
    if (ephemeral) this.#ephemeral.add(params.id);
    else this.#ephemeral.delete(params.id);
    this.#change(
      () => this.#records.set(record.id, record),
      () => {
        if (before) this.#records.set(record.id, before);
        else this.#records.delete(record.id);
        if (wasEphemeral) this.#ephemeral.add(params.id);
        else this.#ephemeral.delete(params.id);
      },
    );
    return token === undefined ? { spec: toSpec(record) } : { spec: toSpec(record), token };
  }

  /** Forgets an agent; false if there was none. */
  remove(id: string): boolean {
    const before = this.#records.get(id);
    if (!before) return false;
    this.#change(
      () => this.#records.delete(id),
      () => this.#records.set(id, before),
    );
    this.#ephemeral.delete(id);
    return true;
  }

  /** Whether this is that agent's own token. In constant time, for an unknown agent too. */
  verify(id: string, token: string): boolean {
    const record = this.#records.get(id);
    return tokenMatches(token, record?.token_hash ?? NOBODY) && record !== undefined;
  }

  /** What could not be kept did not happen. */
  #change(apply: () => void, undo: () => void): void {
    apply();
    try {
      this.#store.save([...this.#records.values()].filter((record) => !this.#ephemeral.has(record.id)));
    } catch (error) {
      undo();
      throw error;
    }
  }
}

function toSpec({ id, name, capabilities, metadata }: AgentRecord): AgentSpec {
  return { id, name, capabilities, metadata };
}
