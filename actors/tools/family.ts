import { callbackMachine } from '../../machines/callback.machine.ts';
import { type Facts, listed } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tallies } from '../kernel/metric.ts';
import { callPrefix } from '../kernel/unique-ids.ts';
import type { Family } from '../requests/family.ts';
import { CALLBACK, callbackKind, cancelCallback } from './callback.ts';
import type { Callback } from './callback-record.ts';
import { toolsOf } from './client-tools.ts';
import { toolMethods, toolNotifications } from './methods.ts';
import { TOOLS, Tools } from './tools.ts';

/** Tools of hosts, and the calls of them (`wire.md` sections 3 and 7). */
export const tools: Family = {
  name: 'tools',
  charts: [
    {
      machine: callbackMachine,
      facts: ({ callback }, kernel) => factsOf(callback, kernel),
      turnOf: ({ callback }: { callback: Callback }) => callback.spec.turn,
    },
  ],
  install(kernel) {
    const book = kernel.put(TOOLS, new Tools(callPrefix(kernel)));
    kernel.put(CALLBACK, callbackKind(kernel));
    return {
      methods: toolMethods,
      notifications: toolNotifications,
      metrics: tallies('callbacks', 'Tool calls ended since the start, by how', () => kernel.counters.callbacks),
      connectionEnded(client) {
        for (const callback of [...toolsOf(client).direct]) cancelCallback(kernel, callback, 'host_disconnected');
      },
      drain() {
        for (const callback of [...book.direct.values()]) cancelCallback(kernel, callback, 'draining');
      },
      clientFacts: (client) => ({
        tools: listed(toolsOf(client).offered.keys(), toolsOf(client).offered.size),
        tool_requests: toolsOf(client).requested.size,
      }),
    };
  },
};

function factsOf({ id, spec, parameters, startedAt, approval, isAnswered }: Callback, kernel: Kernel): Facts {
  const fields = {
    request_id: id,
    tool: spec.tool,
    parameters: parameters,
    host: spec.host.id,
    turn: spec.turn?.id,
    session_id: spec.turn?.sessionId,
    timeout_ms: spec.timeoutMs,
    action_id: spec.actionId,
    attempt: spec.attempt,
    is_gated: spec.isGated,
    is_answered: isAnswered,
    approval: approval?.id,
  };
  return { label: spec.tool, startedAt: kernel.wall.of(startedAt), fields };
}
