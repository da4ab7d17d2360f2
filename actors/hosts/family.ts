import { AGENTS } from '../connection/agent-registry.ts';
import { AUTH_FAULTS } from '../connection/auth-fault.ts';
import { KEY_CHANGES } from '../connection/key-changes.ts';
import { KEYS } from '../connection/key-ring.ts';
import { listed } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { metric } from '../kernel/metric.ts';
import type { Family } from '../requests/family.ts';
import { agentMethods } from './agent-methods.ts';
import { HOST_AGENTS, HostAgents, registeredBy } from './host-agents.ts';
import { keyMethods } from './key-methods.ts';
import { changesByEmbedder, closeEnded } from './manage-keys.ts';
import { hostMethods } from './methods.ts';
import { brokerStatus } from './status.ts';

/** Nobody waits for it, and a store that fails at it has lost a date. */
function keepUse(kernel: Kernel): void {
  const failed = (err: unknown) => kernel.log.warn({ err }, 'when keys were last used could not be kept');
  try {
    kernel.get(KEYS).keepUse()?.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** What hosts are told of the daemon: agents, events, status (`wire.md` section 4). */
export const hosts: Family = {
  name: 'hosts',
  install(kernel) {
    kernel.put(KEY_CHANGES, changesByEmbedder(kernel));
    const registry = kernel.put(HOST_AGENTS, new HostAgents(kernel));
    return {
      methods: { ...hostMethods, ...agentMethods, ...keyMethods, 'broker.status': brokerStatus },
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
        metric('gauge', 'keys', 'Keys of people and programs.', () => kernel.get(KEYS).size),
        metric(
          'counter',
          'auth_refusals_total',
          'Who was refused, by what was wrong.',
          () => Object.keys(AUTH_FAULTS).map((fault) => [fault, kernel.counters.authRefusals.get(fault) ?? 0] as const),
          'why',
        ),
      ],
      sweep() {
        closeEnded(kernel, kernel.get(KEYS).sweep());
        keepUse(kernel);
      },
      agentAttached: (agentId, client) => registry.evictForeign(agentId, client),
      capabilitiesOf: (agentId) => registry.ownCapabilitiesOf(agentId),
      answered() {
        return [kernel.get(AGENTS).kept, kernel.get(KEYS).kept].flatMap((kept) => kept ?? []);
      },
      connectionEnded: (client) => registry.removeOwnedBy(client),
      clientFacts: (client) => ({
        registered_agents: listed(registeredBy(client), registeredBy(client).size),
      }),
    };
  },
};
