import type { Memory } from '../../protocol/memory-provider.ts';
import { metric } from '../kernel/metric.ts';
import type { Family } from '../requests/family.ts';
import { Facts, MEMORY } from './facts.ts';
import { memoryMethods } from './methods.ts';
import { forgetAgent, forgetScope, memoryTalk, scopeOf } from './scope.ts';

/** Memory: facts that are remembered for agents and connections (`wire.md` section 11). */
export const memory: Family<{ memory: Memory }> = {
  name: 'memory',
  install(kernel, options) {
    kernel.neighbours.talks.push(memoryTalk(kernel));
    const facts = kernel.put(MEMORY, new Facts(options.memory));
    return {
      methods: memoryMethods,
      metrics: [
        metric(
          'counter',
          'memory_operations_total',
          'What the memory was asked to do since the start, by operation; what meetings tell it too.',
          () => facts.operations,
          'operation',
        ),
      ],
      connectionEnded(client) {
        if (client.agentId === undefined) forgetScope(kernel, scopeOf(client));
      },
      // An agent that has lost its facts can be removed later, and one that is removed cannot lose them later.
      agentRemoving: (agentId) => forgetAgent(kernel, agentId),
      answered: () => [...facts.answering],
    };
  },
};
