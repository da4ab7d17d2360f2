import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AgentSpec } from '../../protocol/agents.ts';
import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { agentIdOf, tenantOf } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { key } from '../kernel/key.ts';
import { Tally } from '../kernel/tally.ts';
import type { AgentRecord, AgentStore } from './agent-store.ts';
import { GatheredSaves } from './gathered-saves.ts';

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

/** What is known of an agent, and whether for this run only: then the store is never told. */
interface Known {
  readonly record: AgentRecord;
  readonly isEphemeral: boolean;
  /** Of the record, as JSON. */
  readonly bytes: number;
}

/** The agents that the broker knows, attached or not (`wire.md` section 4); each under its `agentKey`. */
export class AgentRegistry {
  readonly #known = new Map<string, Known>();
  /** What the agent is kept under whose token has this hash. */
  readonly #byHash = new Map<string, string>();
  /** In how many tenants there is an agent of an id. */
  readonly #tenants = new Tally();
  /** How many there are in each tenant. */
  readonly #sizes = new Tally();
  readonly #saves: GatheredSaves<Known | undefined>;
  /** Called with what an agent is kept under when it was changed here; `kept` says whether that holds. Never throws. */
  changed: (id: string) => void = () => {};
  #bytes = 0;

  constructor(store: AgentStore) {
    for (const record of store.load()) this.#put(record.id, known(record, false));
    this.#saves = new GatheredSaves(
      () => store.save([...this.#known.values()].flatMap(({ record, isEphemeral }) => (isEphemeral ? [] : record))),
      (id, before) => this.#put(id, before),
    );
  }

  get size(): number {
    return this.#known.size;
  }

  /** How many there are in one tenant. */
  sizeOf(tenant: string): number {
    return this.#sizes.of(tenant);
  }

  /**
   * Resolves once the store has kept all that has been changed; rejects where it could not, and then it is undone. Undefined:
   * it has.
   */
  get kept(): Promise<void> | undefined {
    return this.#saves.kept;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Whether there is an agent of that id in any tenant: who has no token of one's names none. */
  hasInAny(agentId: string): boolean {
    return this.#tenants.of(agentId) > 0;
  }

  /** What an agent was said to be able to do; nothing where nobody knows it. */
  capabilitiesOf(id: string): readonly string[] {
    return this.#known.get(id)?.record.capabilities ?? [];
  }

  /** What is kept of an agent. */
  record(id: string): AgentRecord | undefined {
    return this.#known.get(id)?.record;
  }

  /** The broker that keeps the agents of a cluster says what there is of one, or that there is none: no store is told. */
  learn(id: string, record: AgentRecord | undefined): void {
    this.#put(id, record && known(record, true));
  }

  /** What all of them are kept under. */
  keys(): Iterable<string> {
    return this.#known.keys();
  }

  /** Those of one tenant. */
  specs(tenant: string): AgentSpec[] {
    return [...this.#known.values()].flatMap(({ record }) => (tenantOf(record.id) === tenant ? toSpec(record) : []));
  }

  /**
   * Creates or changes an agent. What is left out keeps its value; a token comes at creation and rotation only. It is so
   * from now on, unless the store cannot keep it: see {@link kept}.
   * @param maxBytes Of all agents, as JSON.
   * @throws {WireError} `-32020`. @throws what the store throws at once
   */
  upsert(
    params: ParamsOf<'agents.upsert'>,
    isEphemeral = false,
    maxBytes = Number.POSITIVE_INFINITY,
  ): { spec: AgentSpec; token?: string } {
    const before = this.#known.get(params.id)?.record;
    const token = !before || params.rotate_token ? createToken() : undefined;
    const record: AgentRecord = {
      id: params.id,
      name: params.name ?? before?.name ?? agentIdOf(params.id),
      capabilities: params.capabilities ?? before?.capabilities ?? [],
      metadata: params.metadata ?? before?.metadata ?? {},
      token_hash: token === undefined ? (before?.token_hash ?? NOBODY) : hashToken(token),
    };
    this.#change(params.id, known(record, isEphemeral), maxBytes);
    return token === undefined ? { spec: toSpec(record) } : { spec: toSpec(record), token };
  }

  /** Forgets an agent, as {@link upsert} changes one; false if there was none. */
  remove(id: string): boolean {
    if (!this.#known.has(id)) return false;
    this.#change(id, undefined, Number.POSITIVE_INFINITY);
    return true;
  }

  /**
   * The tenant in which this is the own token of an agent of that id; undefined where it is nobody's. Compared in constant
   * time, for an unknown agent too: it is looked up by a hash, and nobody can choose how that begins.
   */
  tenantOfToken(id: string, token: string): string | undefined {
    const key = this.#byHash.get(hashToken(token)) ?? id;
    const record = this.#known.get(key)?.record;
    const isIts = tokenMatches(token, record?.token_hash ?? NOBODY);
    return isIts && record && agentIdOf(key) === id ? tenantOf(key) : undefined;
  }

  #change(id: string, after: Known | undefined, maxBytes: number): void {
    const before = this.#known.get(id);
    const grows = (after?.bytes ?? 0) - (before?.bytes ?? 0);
    if (grows > 0 && this.#bytes + grows > maxBytes) throw WireError.limitExceeded('max_known_agent_bytes', maxBytes);
    this.#put(id, after);
    const isToldOf = (agent: Known | undefined) => agent !== undefined && !agent.isEphemeral;
    if (isToldOf(before) || isToldOf(after)) this.#saves.changed(id, before);
    this.changed(id);
  }

  #put(id: string, agent: Known | undefined): void {
    const before = this.#known.get(id);
    this.#bytes += (agent?.bytes ?? 0) - (before?.bytes ?? 0);
    if (before && this.#byHash.get(before.record.token_hash) === id) this.#byHash.delete(before.record.token_hash);
    if (agent) {
      this.#known.set(id, agent);
      this.#byHash.set(agent.record.token_hash, id);
    } else this.#known.delete(id);
    const more = (agent ? 1 : 0) - (before ? 1 : 0);
    this.#tenants.add(agentIdOf(id), more);
    this.#sizes.add(tenantOf(id), more);
  }
}

function known(record: AgentRecord, isEphemeral: boolean): Known {
  return { record, isEphemeral, bytes: Buffer.byteLength(writeJson(record)) };
}

function toSpec({ id, name, capabilities, metadata }: AgentRecord): AgentSpec {
  return { id: agentIdOf(id), name, capabilities, metadata };
}
