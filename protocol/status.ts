import { z } from 'zod';
import { anyId, listing, nameText } from './bounds.ts';
import { agentId } from './ids.ts';

const counts = z.record(nameText(), z.number());
const unixMs = z.number().meta({ description: 'Unix milliseconds' });

export const statusParams = z.object({
  connections_limit: z.int().min(1).max(1_000).default(200).meta({ description: 'rows at most' }),
});

/** One connection, as `broker.status` lists it. */
export const connectionRow = z.object({
  client_id: anyId(),
  role: z.enum(['unauthenticated', 'client', 'agent', 'host']),
  agent_id: agentId.nullable(),
  via: z.enum(['tcp', 'unix', 'upgrade', 'memory']),
  since: unixMs,
  waiting_bytes: z.number().meta({ description: 'that wait to be written to it' }),
  turns: z.number().meta({ description: 'live ones that it opened or answers' }),
  tools: z.number(),
});
/** See {@link connectionRow}. */
export type ConnectionRow = z.infer<typeof connectionRow>;

/** How the broker is, in numbers. What grows is counted since the start. */
export const statusResult = z.object({
  version: nameText(),
  pid: z.number(),
  started_at: unixMs,
  uptime_ms: z.number(),
  state: z.enum(['accepting', 'draining', 'closing', 'stopped']),
  inspect: z.boolean().meta({ description: 'whether inspect.subscribe works: --inspect' }),
  connections: z.object({
    total: z.number(),
    rows: listing(connectionRow).meta({
      description: 'those that most bytes wait for first, then the newest; not all, where there are many',
    }),
  }),
  agents: z.object({ known: z.number(), attached: z.number() }),
  turns: counts.meta({ description: 'live ones by state' }),
  callbacks_pending: z.number(),
  approvals_pending: z.number(),
  totals: z.object({
    connections: z.number(),
    turns: z.number(),
    requests: z.number(),
    events: z.number(),
    tokens: z.number(),
    tokens_merged: z.number(),
  }),
  events: counts.meta({ description: 'sent to hosts, by kind' }),
  endings: counts.meta({ description: 'of turns, by how' }),
  drops: counts.meta({ description: 'frames that went nowhere, by reason' }),
  queue_bytes: z.object({ total: z.number(), max: z.number() }),
  routing_ms: z
    .object({ p50: z.number(), p99: z.number(), max: z.number(), samples: z.number() })
    .meta({ description: 'from an event’s arrival to the host’s queue, of one frame in 64, over the last 10 s' }),
  event_loop_delay_ms: z
    .object({ p50: z.number(), p99: z.number(), max: z.number() })
    .meta({ description: 'over the last 5 to 10 s' }),
  memory: z.object({ rss: z.number(), heap_used: z.number() }).meta({ description: 'bytes' }),
  inspect_watchers: z.number(),
  inspect_dropped: z.number(),
});
/** `broker.status`'s answer. */
export type BrokerStatus = z.infer<typeof statusResult>;
