import { WireError } from '../../protocol/errors.ts';
import { isGuest } from '../../protocol/link.ts';
import { type BrokerStatus, type ConnectionRow, MAX_TOOL_NAMES } from '../../protocol/status.ts';
import { APPROVALS } from '../approvals/approvals.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Handler } from '../requests/dispatcher.ts';
import { sortedTools, toolsOf } from '../tools/client-tools.ts';
import { turnsOf } from '../turns/client-turns.ts';
import { pendingCallbacks } from '../turns/metrics.ts';
import { TURNS } from '../turns/turns.ts';

/** `broker.status` (`docs/protocol.md` section 12): everything is counted anyhow, and only put together here. */
export const brokerStatus: Handler<'broker.status'> = ({ kernel, params }) => {
  // Another one's word is asked for where that is (`named`).
  if (params.broker !== undefined && params.broker !== kernel.brokerId) throw WireError.notFound('broker');
  const { counters, vitals } = kernel;
  const { rss, heapUsed } = process.memoryUsage();
  const { rows, count, total, max } = connections(kernel, params.connections_limit, params.client_id);
  const tokens = counters.events.get('token') ?? 0;
  const events = [...counters.events.values()].reduce((sum, count) => sum + count, 0);
  return {
    version: kernel.version,
    pid: process.pid,
    started_at: Math.round(kernel.wall.of(kernel.startedAt)),
    uptime_ms: Math.round(kernel.clock.now() - kernel.startedAt),
    state: kernel.ref.getSnapshot().value as BrokerStatus['state'],
    inspect: false,
    connections: { total: count, rows },
    agents: { known: kernel.get(AGENTS).size, attached: kernel.attached.size },
    turns: kernel.get(TURNS).byState(),
    callbacks_pending: pendingCallbacks(kernel),
    approvals_pending: kernel.get(APPROVALS).pendingCount,
    totals: {
      connections: counters.connections,
      turns: counters.turns,
      requests: counters.requests,
      events,
      tokens,
      tokens_merged: vitals.mergedTokens(),
    },
    events: Object.fromEntries(counters.events),
    endings: Object.fromEntries(counters.endings),
    drops: Object.fromEntries(counters.drops),
    limited: Object.fromEntries(kernel.shared.reached),
    event_faults: kernel.eventFaults.rows(),
    queue_bytes: { total, max },
    routing_ms: kernel.routingTimes.quantiles(),
    event_loop_delay_ms: vitals.eventLoopDelay(),
    memory: { rss, heap_used: heapUsed },
    inspect_watchers: 0,
    inspect_dropped: 0,
    ...kernel.hooks.status(),
  };
};

/** Of this broker's own connections those that most bytes wait for, then the newest; or that one alone which is asked for. */
function connections(
  kernel: Kernel,
  limit: number,
  wanted: string | undefined,
): { rows: ConnectionRow[]; count: number; total: number; max: number } {
  let [total, max] = [0, 0];
  // Newest first: sorting keeps the order of equals.
  const own = [...kernel.clients.values()].filter(({ link }) => !isGuest(link));
  const all = own.reverse().map((client) => {
    const waiting = client.link.waitingBytes;
    total += waiting;
    max = Math.max(max, waiting);
    return { client, waiting };
  });
  if (wanted !== undefined) {
    const client = kernel.clients.get(wanted);
    return { rows: client ? [toWholeRow(kernel, client)] : [], count: all.length, total, max };
  }
  all.sort((one, other) => other.waiting - one.waiting);
  const rows = all.slice(0, limit).map(({ client, waiting }) => toRow(kernel, client, waiting));
  return { rows, count: all.length, total, max };
}

function toRow(kernel: Kernel, client: Client, waiting: number): ConnectionRow {
  const { broker } = client.link;
  return {
    client_id: client.id,
    role: client.role ?? 'unauthenticated',
    agent_id: client.agentId ?? null,
    via: client.link.kind,
    since: Math.round(kernel.wall.of(client.connectedAt)),
    waiting_bytes: waiting,
    turns: turnsOf(client).hosting.size + turnsOf(client).serving.size,
    tools: toolsOf(client).offered.size,
    principal: client.identity ? { sub: client.principal.sub, tenant: client.tenant } : null,
    ...(client.identity?.name !== undefined && { name: client.identity.name }),
    ...(broker !== undefined && { guest_of: { broker, client_id: client.origin } }),
  };
}

function toWholeRow(kernel: Kernel, client: Client): ConnectionRow {
  const names = sortedTools(client).map(({ name }) => name);
  return {
    ...toRow(kernel, client, client.link.waitingBytes),
    tool_names: names.slice(0, MAX_TOOL_NAMES),
    pending_calls: client.calls.size,
  };
}
