import { z } from 'zod';
import { approvalRow } from './approvals.ts';
import { agentId } from './ids.ts';
import { jsonObject } from './json.ts';
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
  name: z.string(),
  kind: z.string(),
  capabilities: z.array(z.string()),
  project: z.string().optional(),
  pid: z.number().optional(),
  display: z.unknown().optional(),
  metadata: jsonObject,
  status: hostAgentStatus,
  current_task: z.string().nullable(),
  updated_at: z.number().meta({ description: 'Unix milliseconds' }),
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
  ...SURFACE_EVENT_KINDS,
] as const;
/** See {@link HOST_EVENT_KINDS}. */
export type HostEventKind = (typeof HOST_EVENT_KINDS)[number];

/** `host.event`: `sequence` grows by one, daemon-wide. */
export const hostEvent = z.object({
  id: z.string(),
  sequence: z.number(),
  timestamp: z.string().meta({ description: 'ISO 8601' }),
  kind: z.string(),
  agent_id: z.string().optional(),
  message: z.string(),
  payload: z.unknown(),
});
/** See {@link hostEvent}. */
export type HostEvent = z.infer<typeof hostEvent>;

export const subscribeResult = z.object({
  subscribed: z.literal(true),
  agents: z.array(hostAgent),
  devices: z.array(z.never()),
  approvals: z.array(approvalRow),
  events: z.array(hostEvent),
  event_sequence: z.number(),
  identity: z.object({ version: z.string(), pid: z.number() }),
});

export const eventsParams = z.object({ limit: z.int().min(1).max(500).default(100) });
export const eventsResult = z.object({ events: z.array(hostEvent) });
export const approvalsResult = z.object({ approvals: z.array(approvalRow) });

const short = z.string().min(1).max(256);

export const registerAgentParams = z.object({
  id: agentId.optional(),
  name: short,
  kind: short,
  capabilities: z.array(z.string().min(1).max(128)).max(256).default([]),
  project: z.string().max(4096).optional(),
  pid: z.int().min(0).optional(),
  display: z.unknown().optional(),
  metadata: jsonObject.optional(),
});
export const unregisterAgentParams = z.object({ agent_id: agentId });
export const okResult = z.object({ ok: z.literal(true) });
export const setStatusParams = z.object({
  agent_id: agentId,
  status: hostAgentStatus,
  current_task: z.string().max(4096).optional(),
  message: z.string().max(4096).optional(),
  payload: z.unknown().optional(),
});
export const notifyParams = z.object({
  kind: short.default('host.notification'),
  agent_id: agentId.optional(),
  message: z.string().max(4096).default(''),
  payload: z.unknown().optional(),
});
