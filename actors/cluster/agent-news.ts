import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { endOrphans } from '../turns/agent-resume.ts';
import type { Turn } from '../turns/turn-record.ts';
import type { Cluster } from './cluster.ts';
import { leaveOlder } from './older-connections.ts';

export const HERE = 'turn.here';
export const UNNAMED = 'agent.unnamed';

/** An agent has named all that it goes on with, by a connection with that place in the order. */
export interface Unnamed {
  agent: string;
  revision: number;
}

/** A turn goes on at whoever says so, by such a connection. */
export interface Here extends Unnamed {
  turn: string;
  session: string;
}

/** What a connection is about to tell others. */
interface Unsaid {
  readonly turns: Pick<Here, 'turn' | 'session'>[];
  isUnnamed: boolean;
}

/**
 * What all brokers are told of turns that an agent goes on with: once its connection's place in the order is known, since
 * without that it might be about an older one than others know of.
 */
export class AgentNews {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** The places in the order of connections that there were here. */
  readonly #revisions = new WeakMap<Client, number>();
  readonly #unsaid = new WeakMap<Client, Unsaid>();
  /** Connections that have named all that they go on with. */
  readonly #complete = new WeakSet<Client>();

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  isHere(client: Client, said: Pick<Here, 'turn' | 'session'>): void {
    this.#unsaidOf(client).turns.push(said);
    this.#say(client);
  }

  unnamed(client: Client): void {
    this.#complete.add(client);
    this.#unsaidOf(client).isUnnamed = true;
    this.#say(client);
  }

  /** The same for a broker that may not have heard it: of which of these agents it was said. */
  said(agentKeys: Iterable<string>): Unnamed[] {
    return [...agentKeys].flatMap((agent) => {
      const client = this.#kernel.attached.get(agent);
      const revision = client && this.#revisions.get(client);
      return client && revision !== undefined && this.#complete.has(client) ? [{ agent, revision }] : [];
    });
  }

  /** Where an agent is has become known. */
  placed(agentKey: string): void {
    const client = this.#kernel.attached.get(agentKey);
    const revision = client && this.#cluster.places.ownRevision(agentKey, client.id);
    if (!client || revision === undefined) return;
    this.#revisions.set(client, revision);
    this.#say(client);
  }

  /**
   * An agent has named elsewhere what it goes on with: what waits for it here ends. That may come late: what has had a newer
   * connection since waits for the next one.
   */
  isUnnamed({ agent, revision }: Unnamed): void {
    const { places } = this.#cluster;
    // Where it is here by a newer connection, it names them here.
    if (leaveOlder(this.#kernel, places, agent, revision)) return;
    const place = places.of(agent);
    if (place && place.revision > revision) return;
    const isOlder = (turn: Turn) => (this.#revisions.get(turn.agent) ?? 0) < revision;
    endOrphans(this.#kernel, agent, 'agent_replaced', isOlder);
  }

  #unsaidOf(client: Client): Unsaid {
    const unsaid = this.#unsaid.get(client) ?? { turns: [], isUnnamed: false };
    this.#unsaid.set(client, unsaid);
    return unsaid;
  }

  #say(client: Client): void {
    const revision = this.#revisions.get(client);
    const unsaid = this.#unsaid.get(client);
    if (revision === undefined || !unsaid) return;
    this.#unsaid.delete(client);
    const { agentKey: agent = '' } = client;
    for (const said of unsaid.turns) this.#cluster.tellAll(HERE, { ...said, agent, revision } satisfies Here);
    if (unsaid.isUnnamed) this.#cluster.tellAll(UNNAMED, { agent, revision } satisfies Unnamed);
  }
}
