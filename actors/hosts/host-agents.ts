import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { HostAgent } from '../../protocol/host.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { LazySet } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import { turnsOf } from '../turns/client-turns.ts';

interface Registered {
  agent: HostAgent;
  owner: Client;
  /** Of what the client chose freely, as JSON. */
  bytes: number;
}

const registered = slot(() => new LazySet<string>());
/** Ids of agents that a connection has registered to be listed. */
export const registeredBy = (client: Client): LazySet<string> => registered.of(client);

/** The registry of hosts of a broker. */
export const HOST_AGENTS = key<HostAgents>('the registry of hosts');

/** Agents that connections have registered to be listed. Only its owner changes one; it goes when its owner goes. */
export class HostAgents {
  readonly #kernel: Kernel;
  readonly #registered = new Map<string, Registered>();
  #bytes = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Registered ones, and attached ones that registered nothing. */
  list(): HostAgent[] {
    const listed = [...this.#registered.values()].map(({ agent }) => agent);
    for (const [id, client] of this.#kernel.attached)
      if (!this.#registered.has(id)) listed.push(attachedRow(id, client));
    return listed;
  }

  /** What an agent has registered of itself; what others registered in its name does not count. */
  ownCapabilitiesOf(id: string): readonly string[] {
    const entry = this.#registered.get(id);
    return entry && entry.owner === this.#kernel.attached.get(id) ? entry.agent.capabilities : [];
  }

  /** @throws {WireError} `-32015` where the id is somebody else's, `-32020` */
  register(owner: Client, params: ParamsOf<'host.register_agent'>, bytes: number): HostAgent {
    const { id = uuid(), capabilities, metadata, ...rest } = params;
    const before = this.#registered.get(id);
    // A known agent's id is that agent's own, attached or not.
    const isForeign = before ? before.owner !== owner : owner.agentId !== id && this.#isAgents(id);
    if (isForeign) throw WireError.forbidden('agent');
    const { maxRegisteredAgents, maxRegisteredBytes } = this.#kernel.limits;
    if (!before && registeredBy(owner).size >= maxRegisteredAgents) {
      throw WireError.limitExceeded('max_registered_agents', maxRegisteredAgents);
    }
    const total = this.#bytes - (before?.bytes ?? 0) + bytes;
    if (total > maxRegisteredBytes) throw WireError.limitExceeded('max_registered_bytes', maxRegisteredBytes);
    this.#bytes = total;
    const agent: HostAgent = {
      ...rest,
      id,
      capabilities,
      metadata: metadata ?? {},
      status: before?.agent.status ?? 'idle',
      current_task: before?.agent.current_task ?? null,
      updated_at: Math.floor(this.#kernel.clock.now()),
    };
    this.#registered.set(id, { agent, owner, bytes });
    registeredBy(owner).add(id);
    this.#kernel.events.emit({
      kind: 'agent.registered',
      agentId: id,
      message: `agent ${id} registered`,
      payload: agent,
    });
    return agent;
  }

  /** @throws {WireError} `-32014`, `-32015` */
  unregister(owner: Client, id: string): void {
    this.#own(owner, id);
    this.#remove(owner, id);
  }

  /** @throws {WireError} `-32014`, `-32015` */
  setStatus(owner: Client, params: ParamsOf<'host.set_status'>, bytes: number): HostAgent {
    const { agent: before, bytes: size } = this.#own(owner, params.agent_id);
    const agent: HostAgent = {
      ...before,
      status: params.status,
      current_task: params.current_task ?? null,
      updated_at: Math.floor(this.#kernel.clock.now()),
    };
    this.#registered.set(agent.id, { agent, owner, bytes: size });
    this.#kernel.events.emit({
      kind: 'agent.status_changed',
      agentId: agent.id,
      message: params.message ?? `agent ${agent.id} is ${agent.status}`,
      payload: params.payload ?? { status: agent.status, current_task: agent.current_task },
      bytes,
    });
    return agent;
  }

  /** An agent has attached: a row that somebody else registered under its id, when nobody knew it, goes. */
  evictForeign(id: string, agent: Client): void {
    const entry = this.#registered.get(id);
    if (entry && entry.owner !== agent && entry.owner.agentId !== id) this.#remove(entry.owner, id);
  }

  /** The owner is gone, and its agents with it. */
  removeOwnedBy(owner: Client): void {
    for (const id of [...registeredBy(owner)]) this.#remove(owner, id);
  }

  #own(owner: Client, id: string): Registered {
    const entry = this.#registered.get(id);
    if (entry) {
      if (entry.owner !== owner) throw WireError.forbidden('agent');
      return entry;
    }
    throw this.#kernel.attached.has(id) ? WireError.forbidden('agent') : WireError.notFound('agent');
  }

  #isAgents(id: string): boolean {
    return this.#kernel.get(AGENTS).has(id) || this.#kernel.attached.has(id);
  }

  #remove(owner: Client, id: string): void {
    this.#bytes -= this.#registered.get(id)?.bytes ?? 0;
    this.#registered.delete(id);
    registeredBy(owner).delete(id);
    this.#kernel.events.emit({ kind: 'agent.unregistered', agentId: id, message: `agent ${id} unregistered` });
  }
}

function attachedRow(id: string, client: Client): HostAgent {
  return {
    id,
    name: id,
    kind: 'attached',
    capabilities: [],
    metadata: {},
    status: turnsOf(client).serving.size > 0 ? 'running' : 'idle',
    current_task: null,
    updated_at: Math.floor(client.connectedAt),
  };
}
