import { readAbsent } from '../../protocol/absent.ts';
import { WireError } from '../../protocol/errors.ts';
import { type FactRow, keptFactRow } from '../../protocol/memory.ts';
import type { MemoryScope, NewFact } from '../../protocol/memory-provider.ts';
import { toMoment } from '../../protocol/moment.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { agentIdOf, principalOfAgent, tenantOf } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { NeighbourTalk } from '../kernel/neighbours.ts';
import { MEMORY } from './facts.ts';

/** Connections of agents that were removed. Another agent may have that id by now, and its facts are none of theirs. */
const disowned = new WeakSet<Client>();

/**
 * Whose facts a connection's are: its agent's, or its own (`wire.md` section 11).
 * @throws {WireError} `-32014` where its agent was removed.
 */
export function scopeOf(client: Client): MemoryScope {
  const { id, agentKey } = client;
  if (agentKey === undefined) return { kind: 'connection', id, principal: client.principal };
  if (disowned.has(client)) throw noOwner();
  return agentScope(agentKey);
}

/**
 * Whose facts a connection's are, while they have an owner. To be called right before the memory is: what is told to it
 * of a scope after {@link forgetScope}, nobody would ever forget.
 * @throws {WireError} `-32014` where the owner is gone: the connection, or the agent that nobody knows any more.
 */
export function ownedScope(kernel: Kernel, client: Client): MemoryScope {
  if (!client.isOpen && !isAgentThere(kernel, client.agentKey)) throw noOwner();
  return scopeOf(client);
}

const agentScope = (key: string): MemoryScope => ({
  kind: 'agent',
  id: key,
  principal: principalOfAgent(tenantOf(key), agentIdOf(key)),
});

function noOwner(): WireError {
  return WireError.notFound('owner of facts');
}

function isAgentThere(kernel: Kernel, agentKey: string | undefined): boolean {
  if (agentKey === undefined) return false;
  return kernel.get(AGENTS).has(agentKey) || kernel.attached.get(agentKey)?.isOpen === true;
}

/**
 * Keeps a fact for a connection, or its agent, whose facts the home broker has. See {@link ownedScope}.
 * @throws {WireError}
 * @throws {Error} where the home broker cannot be reached, or cannot keep it
 */
export async function keepFact(kernel: Kernel, client: Client, fact: NewFact): Promise<number> {
  const { keptBy, neighbours } = kernel;
  const scope = ownedScope(kernel, client);
  if (scope.kind === 'agent' && keptBy !== undefined) {
    const home = neighbours.named(keptBy);
    if (!home) throw new Error(`there is no link with broker ${keptBy}, which keeps what agents remember`);
    return checkedCount(parseJson(await home.ask(KEEP_FACT, writeJson({ agent: scope.id, fact }))));
  }
  return checkedCount(await kernel.get(MEMORY).store.addFact(ownedScope(kernel, client), fact));
}

const KEEP_FACT = 'memory.keep';

/** What other brokers have an agent remember: at home. */
export const memoryTalk = (kernel: Kernel): NeighbourTalk => ({
  asked(_from, method, body) {
    if (method !== KEEP_FACT) return undefined;
    const { agent, fact } = parseJson(body) as { agent: string; fact: NewFact };
    return keepAgents(kernel, agent, fact);
  },
});

async function keepAgents(kernel: Kernel, agent: string, fact: NewFact): Promise<string> {
  // It may be attached to another broker, and nowhere registered.
  if (!isAgentThere(kernel, agent) && !kernel.isElsewhere(agent)) throw new Error('that agent is gone');
  return writeJson(checkedCount(await kernel.get(MEMORY).store.addFact(agentScope(agent), fact)));
}

/** The owner is gone for good: so are its facts. Whatever the memory makes of that, nobody else notices. */
export function forgetScope(kernel: Kernel, scope: MemoryScope): void {
  kernel.attempt('a memory', () => forget(kernel, scope));
}

/**
 * An agent is about to be removed. Whoever has that id next reads nothing of its facts, from now on.
 * @throws what the memory throws at once: it could not note that, and the agent should stay.
 */
export function forgetAgent(kernel: Kernel, id: string): void {
  forget(kernel, agentScope(id));
  for (const client of kernel.clients.values()) if (client.agentKey === id) disowned.add(client);
}

function forget(kernel: Kernel, scope: MemoryScope): void {
  Promise.resolve(kernel.get(MEMORY).store.forget?.(scope)).catch((err: unknown) =>
    kernel.log.error({ err, scope: scope.kind }, 'a memory could not be forgotten'),
  );
}

/** A memory may be an embedder's own, and its answers are checked like anybody's. @throws {TypeError} */
export function checkedCount(count: unknown): number {
  if (Number.isSafeInteger(count) && (count as number) >= 0) return count as number;
  throw new TypeError('a memory counts in whole numbers');
}

/** See {@link checkedCount}: no more rows than were asked for, and of nothing but their own fields. */
export function checkedRows(rows: unknown, k: number): FactRow[] {
  if (!Array.isArray(rows)) throw new TypeError('a memory answers a query with an array');
  return rows.slice(0, k).map((row) => {
    const fact = keptFactRow.parse(readAbsent(keptFactRow, row));
    return { ...fact, created_at: toMoment(fact.created_at) };
  });
}
