import type { BrokerStatus, ConnectionRow } from '../../protocol/status.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import type { Handler } from '../requests/dispatcher.ts';

/** `broker.status` (`docs/protocol.md` section 12): everything is counted anyhow, and only put together here. */
export const brokerStatus: Handler<'broker.status'> = ({ state, params }) => {
  const { counters, inspection, vitals } = state;
  const { rss, heapUsed } = process.memoryUsage();
  const { rows, total, max } = connections(state, params.connections_limit);
  const tokens = counters.events.get('token') ?? 0;
  const events = [...counters.events.values()].reduce((sum, count) => sum + count, 0);
  return {
    version: state.version,
    pid: process.pid,
    started_at: Math.round(state.startedAt),
    uptime_ms: Math.round(state.clock.now() - state.startedAt),
    state: state.ref.getSnapshot().value as BrokerStatus['state'],
    inspect: inspection !== undefined,
    connections: { total: state.clients.size, rows },
    agents: { known: state.agents.size, attached: state.attached.size },
    turns: state.turnsByState(),
    callbacks_pending: state.pendingCallbacks(),
    approvals_pending: state.approvals.pendingCount,
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
    queue_bytes: { total, max },
    routing_ms: state.routingTimes.quantiles(),
    event_loop_delay_ms: vitals.eventLoopDelay(),
    memory: { rss, heap_used: heapUsed },
    inspect_watchers: inspection?.watchers ?? 0,
    inspect_dropped: counters.inspectDropped,
  };
};

/** The connections that most bytes wait for, then the newest. */
function connections(state: BrokerState, limit: number): { rows: ConnectionRow[]; total: number; max: number } {
  let [total, max] = [0, 0];
  // Newest first: sorting keeps the order of equals.
  const all = [...state.clients.values()].reverse().map((client) => {
    const waiting = client.link.waitingBytes;
    total += waiting;
    max = Math.max(max, waiting);
    return { client, waiting };
  });
  all.sort((one, other) => other.waiting - one.waiting);
  return { rows: all.slice(0, limit).map(({ client, waiting }) => toRow(client, waiting)), total, max };
}

function toRow(client: Client, waiting: number): ConnectionRow {
  return {
    client_id: client.id,
    role: client.role ?? 'unauthenticated',
    agent_id: client.agentId ?? null,
    via: client.link.kind,
    since: Math.round(client.connectedAt),
    waiting_bytes: waiting,
    turns: client.turns.size + client.serving.size,
    tools: client.tools.size,
  };
}
