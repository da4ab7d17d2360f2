import { AGENTS } from '../connection/agent-registry.ts';
import { listed } from '../kernel/facts.ts';
import { metric } from '../kernel/metric.ts';
import type { Family } from '../requests/family.ts';
import { agentMethods } from './agent-methods.ts';
import { HOST_AGENTS, HostAgents, registeredBy } from './host-agents.ts';
import { hostMethods } from './methods.ts';
import { brokerStatus } from './status.ts';

/** What hosts are told of the daemon: agents, events, status (`wire.md` section 4). */
export const hosts: Family = {
  name: 'hosts',
  install(kernel) {
    const registry = kernel.put(HOST_AGENTS, new HostAgents(kernel));
    return {
      methods: { ...hostMethods, ...agentMethods, 'broker.status': brokerStatus },
      metrics: [
        metric(
          'gauge',
          'agents',
          'Agents that are known, and those that are attached.',
          () => [
            ['known', kernel.get(AGENTS).size],
            ['attached', kernel.attached.size],
          ],
          'which',
        ),
      ],
      agentAttached: (agentId, client) => registry.evictForeign(agentId, client),
      capabilitiesOf: (agentId) => registry.ownCapabilitiesOf(agentId),
      connectionEnded: (client) => registry.removeOwnedBy(client),
      clientFacts: (client) => ({
        registered_agents: listed(registeredBy(client), registeredBy(client).size),
      }),
    };
  },
};
