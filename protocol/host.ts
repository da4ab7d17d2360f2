import { z } from 'zod';
import { clampedInt, passedInt } from './any-int.ts';
import { approvalRow } from './approvals.ts';
import { anyId, list, listing, longText, nameText, shortText, truncated } from './bounds.ts';
import { agentId } from './ids.ts';
import { jsonNumber } from './json-number.ts';
import { jsonObject } from './json-object.ts';
import { moment } from './moment.ts';
import { SURFACE_EVENT_KINDS } from './surfaces.ts';

/** What a registered agent is doing (`wire.md` section 4). */
export const hostAgentStatus = z.enum([
  'idle',
  'running',
  'waiting_for_approval',
  'paused',
  'completed',
  'errored',
  'stopped',
]);

/** An agent as hosts list it: registered by some connection, or just attached (`kind: "attached"`). */
export const hostAgent = z.object({
  id: agentId,
  name: nameText(),
  kind: nameText(),
  capabilities: list(nameText(), 256),
  project: shortText().optional(),
  pid: jsonNumber.optional(),
  display: z.unknown().optional(),
  metadata: jsonObject,
  status: hostAgentStatus,
  current_task: shortText().nullable(),
  updated_at: moment().meta({ description: 'RFC 3339' }),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker that has it' }),
});
/** See {@link hostAgent}. */
export type HostAgent = z.infer<typeof hostAgent>;

/** The kinds that the broker itself emits. */
export const HOST_EVENT_KINDS = [
  'agent.registered',
  'agent.unregistered',
  'agent.status_changed',
  'agent.attached',
  'agent.detached',
  'approval.requested',
  'approval.resolved',
  'host.notification',
  'chat.started',
  'chat.ended',
  'journal.degraded',
  'journal.ok',
  'cluster.events_missed',
  ...SURFACE_EVENT_KINDS,
] as const;
/** See {@link HOST_EVENT_KINDS}. */
export type HostEventKind = (typeof HOST_EVENT_KINDS)[number];

/** `host.event`: `sequence` grows by one, daemon-wide. */
export const hostEvent = z.object({
  id: anyId(),
  sequence: z.number(),
  timestamp: nameText().meta({ description: 'ISO 8601' }),
  kind: nameText(),
  agent_id: agentId.optional(),
  message: longText(),
  payload: z.unknown(),
});
/** See {@link hostEvent}. */
export type HostEvent = z.infer<typeof hostEvent>;

export const subscribeResult = z.object({
  subscribed: z.literal(true),
  agents: listing(hostAgent),
  devices: list(z.never(), 0),
  approvals: listing(approvalRow),
  events: listing(hostEvent),
  event_sequence: z.number(),
  events_epoch: anyId().optional().meta({ description: 'whose numbers these are: those of another begin anew' }),
  identity: z.object({ version: nameText(), pid: z.number() }),
  truncated,
});

export const eventsParams = z.object({
  limit: z.int().min(1).max(500).default(100),
  before: clampedInt(1).optional().meta({ description: 'only events with a smaller `sequence`' }),
});
export const eventsResult = z.object({ events: listing(hostEvent), truncated });
export const approvalsResult = z.object({ approvals: listing(approvalRow), truncated });

const short = z.string().min(1).max(256);

export const registerAgentParams = z.object({
  id: agentId.optional(),
  name: short,
  kind: short,
  capabilities: list(z.string().min(1).max(128), 256).default([]),
  project: shortText().optional(),
  pid: passedInt(0).optional(),
  display: z.unknown().optional(),
  metadata: jsonObject.optional(),
});
export const unregisterAgentParams = z.object({ agent_id: agentId });
export const okResult = z.object({ ok: z.literal(true) });
export const setStatusParams = z.object({
  agent_id: agentId,
  status: hostAgentStatus,
  current_task: shortText().optional(),
  message: shortText().optional(),
  payload: z.unknown().optional(),
});
export const notifyParams = z.object({
  kind: short.default('host.notification'),
  agent_id: agentId.optional(),
  message: shortText().default(''),
  payload: z.unknown().optional(),
});
