import { z } from 'zod';
import { anyId, list, listing, nameText, shortText } from './bounds.ts';
import { agentId } from './ids.ts';
import { tenantName } from './principal.ts';

const counts = z.record(nameText(), z.number());
const unixMs = z.number().meta({ description: 'Unix milliseconds' });

/** Names of tools of one connection that are told. */
export const MAX_TOOL_NAMES = 1_000;

export const statusParams = z.object({
  connections_limit: z.int().min(1).max(1_000).default(200).meta({ description: 'rows at most' }),
  client_id: anyId().optional().meta({ description: 'that connection alone, and more of it; none where it is gone' }),
  broker: nameText()
    .optional()
    .meta({ description: 'in a cluster: how that broker is, by its `id`; absent: the one that is asked' }),
});

/** One connection, as `broker.status` lists it. */
export const connectionRow = z.object({
  client_id: anyId(),
  role: z.enum(['unauthenticated', 'client', 'agent', 'host']),
  agent_id: agentId.nullable(),
  via: z.enum(['tcp', 'unix', 'upgrade', 'memory', 'peer']),
  since: unixMs,
  waiting_bytes: z.number().meta({ description: 'that wait to be written to it' }),
  turns: z.number().meta({ description: 'live ones that it opened or answers' }),
  tools: z.number(),
  principal: z
    .object({ sub: nameText(), tenant: tenantName })
    .nullable()
    .meta({ description: 'whose it is; null until it has said so' }),
  name: nameText().optional().meta({ description: 'what its key, or an embedder’s function, calls it' }),
  guest_of: z
    .object({ broker: nameText(), client_id: anyId() })
    .optional()
    .meta({ description: 'in a cluster: the connection at another broker that it stands for here' }),
  tool_names: list(nameText(), MAX_TOOL_NAMES)
    .optional()
    .meta({ description: 'of one that was asked for: the tools that it offers, sorted' }),
  pending_calls: z
    .number()
    .optional()
    .meta({ description: 'of one that was asked for: requests of the broker that it has not answered' }),
});
/** See {@link connectionRow}. */
export type ConnectionRow = z.infer<typeof connectionRow>;

/** What was wrong with an agent's events of one kind, as `broker.status` lists it. */
export const eventFaultRow = z.object({
  tenant: tenantName.meta({ description: 'the agent’s' }),
  agent_id: agentId,
  kind: nameText().meta({ description: 'of the event; `voice.event …` of one of voice; `other`' }),
  dropped: z.number().meta({ description: 'that could not go on' }),
  mended: z.number().meta({ description: 'that went on without a field, or with one that was put in' }),
  field: nameText().meta({ description: 'that was wrong last; empty where it was the event as a whole' }),
  why: nameText().nullable().meta({ description: 'the last one was not read at all, if it was not' }),
  session_id: nameText().nullable().meta({ description: 'of the last one, as far as it said so' }),
  last_at: unixMs,
});
/** See {@link eventFaultRow}. */
export type EventFaultRow = z.infer<typeof eventFaultRow>;

/** How another broker stands, as this one knows. */
export const brokerRow = z.object({
  id: nameText(),
  status: z.enum(['alive', 'suspect', 'dead']),
  link: z.boolean().meta({ description: 'whether there is a link with it' }),
  urls: list(shortText(), 8).meta({ description: 'where people reach it' }),
  turns: z.number().meta({ description: 'live ones' }),
  load: z.number().meta({ description: 'how much of one core it has used lately, 0 to 1' }),
});
/** The others of a broker's cluster. */
export const clusterStatus = z.object({
  id: nameText().meta({ description: 'this broker’s' }),
  home: nameText().optional().meta({ description: 'the broker that keeps what there is once' }),
  connected: z.boolean().meta({ description: 'whether what all know together can be written' }),
  urls: list(shortText(), 8).meta({ description: 'where people reach this broker' }),
  turns: z.number().meta({ description: 'live ones of this broker' }),
  load: z.number().meta({ description: 'how much of one core this broker has used lately, 0 to 1' }),
  brokers: list(brokerRow, 1_000).meta({ description: 'the others' }),
});

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
  limited: counts.meta({
    description:
      'what a limit of an identity, agent, tenant or key has refused or held up, by its name: those that are set',
  }),
  event_faults: listing(eventFaultRow).meta({
    description: 'events of agents that were not as they should be, the last first',
  }),
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
  cluster: clusterStatus.optional().meta({ description: 'where this broker is one of several' }),
});
/** `broker.status`'s answer. */
export type BrokerStatus = z.infer<typeof statusResult>;
