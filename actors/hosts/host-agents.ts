import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { HostAgent } from '../../protocol/host.ts';
import { isEmpty } from '../../protocol/json.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { toMoment } from '../../protocol/moment.ts';
import { agentKey, isSamePrincipal, LOCAL, principalKey } from '../../protocol/principal.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import { atBroker } from '../kernel/at-broker.ts';
import { type Audience, forOwner, forUsersOf, isFor } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { LazySet } from '../kernel/lazy.ts';
import { attachedFor, mayUse, sees } from '../kernel/sight.ts';
import { slot } from '../kernel/slots.ts';
import { Tally } from '../kernel/tally.ts';
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
  /** How many of each tenant. */
  readonly #sizes = new Tally();
  #bytes = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Registered ones, and attached ones that registered nothing: those that exist for this client. */
  list(from: Client): HostAgent[] {
    const listed = [];
    for (const { agent, owner } of this.#registered.values())
      if (isFor(audienceOf(owner, agent.id), from)) listed.push(agent);
    for (const [id, client] of this.#kernel.attached) {
      if (this.#registered.has(id) || client.tenant !== from.tenant || !mayUse(from, client.agentId ?? '')) continue;
      listed.push(attachedRow(from, client, this.#kernel));
    }
    return listed;
  }

  /** What an agent has registered of itself; what others registered in its name does not count. */
  ownCapabilitiesOf(key: string): readonly string[] {
    const entry = this.#registered.get(key);
    return entry && entry.owner === this.#kernel.attached.get(key) ? entry.agent.capabilities : [];
  }

  /** @throws {WireError} `-32015` where the id is somebody else's, `-32020` */
  register(owner: Client, params: ParamsOf<'host.register_agent'>, bytes: number): HostAgent {
    const { id = uuid(), capabilities, metadata, ...rest } = params;
    const key = rowKey(owner, id);
    const before = this.#registered.get(key);
    // A known agent's id is that agent's own, attached or not.
    const isForeign = before ? before.owner !== owner : owner.agentId !== id && this.#isAgents(owner, id);
    if (isForeign) throw WireError.forbidden('agent');
    const { maxRegisteredAgents, maxRegisteredBytes } = this.#kernel.limits;
    if (!before && registeredBy(owner).size >= maxRegisteredAgents) {
      throw WireError.limitExceeded('max_registered_agents', maxRegisteredAgents);
    }
    if (!before) this.#kernel.shared.demandPlace('listed', owner, this.#sizes.of(owner.tenant));
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
      updated_at: toMoment(this.#kernel.wall.now()),
      ...atBroker(this.#kernel),
    };
    this.#registered.set(key, { agent, owner, bytes });
    if (!before) this.#sizes.add(owner.tenant, 1);
    registeredBy(owner).add(id);
    this.#kernel.events.emit({
      tenant: owner.tenant,
      kind: 'agent.registered',
      agentId: id,
      message: `agent ${id} registered`,
      payload: agent,
      audience: audienceOf(owner, id),
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
      updated_at: toMoment(this.#kernel.wall.now()),
    };
    this.#registered.set(rowKey(owner, agent.id), { agent, owner, bytes: size });
    this.#kernel.events.emit({
      tenant: owner.tenant,
      kind: 'agent.status_changed',
      agentId: agent.id,
      message: params.message ?? `agent ${agent.id} is ${agent.status}`,
      payload: params.payload ?? { status: agent.status, current_task: agent.current_task },
      bytes,
      audience: audienceOf(owner, agent.id),
    });
    return agent;
  }

  /** An agent has attached: a row that somebody else registered under its id, when nobody knew it, goes. */
  evictForeign(key: string, agent: Client): void {
    const entry = this.#registered.get(key);
    if (entry && entry.owner !== agent && entry.owner.agentKey !== key) this.#remove(entry.owner, entry.agent.id);
  }

  /** The owner is gone, and its agents with it. */
  removeOwnedBy(owner: Client): void {
    for (const id of [...registeredBy(owner)]) this.#remove(owner, id);
  }

  #own(owner: Client, id: string): Registered {
    const entry = this.#registered.get(rowKey(owner, id));
    if (entry) {
      if (entry.owner !== owner) throw WireError.forbidden('agent');
      return entry;
    }
    throw attachedFor(this.#kernel, owner, id) ? WireError.forbidden('agent') : WireError.notFound('agent');
  }

  /** Whether that is the id of an agent that exists for this client, or would be taken for one. */
  #isAgents(owner: Client, id: string): boolean {
    const key = agentKey(owner.tenant, id);
    const { attached, isElsewhere } = this.#kernel;
    return mayUse(owner, id) && (this.#kernel.get(AGENTS).has(key) || attached.has(key) || isElsewhere(key));
  }

  #remove(owner: Client, id: string): void {
    const key = rowKey(owner, id);
    this.#bytes -= this.#registered.get(key)?.bytes ?? 0;
    if (this.#registered.delete(key)) this.#sizes.add(owner.tenant, -1);
    registeredBy(owner).delete(id);
    this.#kernel.events.emit({
      tenant: owner.tenant,
      kind: 'agent.unregistered',
      agentId: id,
      message: `agent ${id} unregistered`,
      audience: audienceOf(owner, id),
    });
  }
}

/**
 * What a row is kept under. What agents and the daemon's own windows register stands beside the agents of the tenant, and what
 * another principal registers is that principal's alone.
 */
const rowKey = (owner: Client, id: string): string =>
  owner.agentId !== undefined || isSamePrincipal(owner.principal, LOCAL)
    ? agentKey(owner.tenant, id)
    : `${principalKey(owner.principal)}/${id}`;

/** For whom a row that this client registered exists: of an agent all that may use it, else whoever sees the client's things. */
const audienceOf = (owner: Client, id: string): Audience =>
  owner.agentId === undefined ? forOwner(owner.principal, id) : forUsersOf(owner.tenant, id);

/** A row without what its agent chose to say of itself, which may be long; itself where there is nothing of that. */
export function toListed(agent: HostAgent): HostAgent {
  const { display, metadata, ...listed } = agent;
  return display === undefined && isEmpty(metadata) ? agent : { ...listed, metadata: {} };
}

/** Whether an agent answers a turn that exists for this client, or the client is that agent. */
function isBusyFor(from: Client, agent: Client): boolean {
  for (const { owner, agentId } of turnsOf(agent).serving)
    if (from === agent || sees(from, owner, agentId)) return true;
  return false;
}

function attachedRow(from: Client, client: Client, kernel: Kernel): HostAgent {
  const { agentId: id = '' } = client;
  return {
    id,
    name: id,
    kind: 'attached',
    capabilities: [],
    metadata: {},
    status: isBusyFor(from, client) ? 'running' : 'idle',
    current_task: null,
    updated_at: toMoment(kernel.wall.of(client.connectedAt)),
    ...atBroker(kernel),
  };
}
