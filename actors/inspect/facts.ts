import type { AnyMachineSnapshot } from 'xstate';
import type { JsonObject } from '../../protocol/json.ts';
import type { Approval } from '../approvals/approval-record.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import type { Meeting } from '../meetings/meeting-record.ts';
import { publicEndpoint } from '../surfaces/endpoint.ts';
import type { SurfaceOwner } from '../surfaces/owner-record.ts';
import type { Callback } from '../tools/callback-record.ts';
import type { Turn } from '../turns/turn-record.ts';
import type { VoiceStream } from '../voice/stream-record.ts';
import { type View, viewOf } from './view.ts';

/** How much is shown of what an actor knows, in bytes of JSON. */
const MAX_CONTEXT_BYTES = 16 * 1024;
/** Ids and names listed of one kind. */
const MAX_LISTED = 50;

/** What is told of an actor besides its state. */
export interface Facts {
  label: string | undefined;
  /** Unix milliseconds. */
  startedAt: number;
  fields: JsonObject;
}

/** What an actor knows, read from the record that its chart's context holds. */
export function factsOf(state: BrokerState, { machine, context }: AnyMachineSnapshot): Facts {
  switch (machine.id) {
    case 'broker':
      return ofBroker(state);
    case 'connection':
      return ofConnection(context.client);
    case 'turn':
      return ofTurn(context.turn);
    case 'callback':
      return ofCallback(context.callback);
    case 'approval':
      return ofApproval(context.approval);
    case 'voiceStream':
      return ofVoiceStream(context.stream);
    case 'meeting':
      return ofMeeting(context.meeting);
    case 'surfaceOwner':
      return ofSurfaceOwner(context.owner);
    default:
      return { label: undefined, startedAt: 0, fields: {} };
  }
}

/** The same, as watchers may see it. */
export function contextView({ fields }: Facts): View {
  return viewOf(fields, MAX_CONTEXT_BYTES);
}

function ofBroker(state: BrokerState): Facts {
  const fields = {
    version: state.version,
    connections: state.clients.size,
    agents_attached: listed(state.attached.keys(), state.attached.size),
    turns: state.turns.size,
    approvals_pending: state.approvals.pendingCount,
    voice_streams: state.voice.size,
    surfaces: state.surfaces.size,
    draining: state.isDraining,
  };
  return { label: undefined, startedAt: state.startedAt, fields };
}

function ofConnection(client: Client): Facts {
  const fields = {
    role: client.role ?? 'unauthenticated',
    agent_id: client.agentId ?? null,
    via: client.link.kind,
    is_open: client.isOpen,
    wrong_tokens: client.authFailures,
    waiting_bytes: client.link.waitingBytes,
    turns: ids(client.turns, client.turns.size),
    serving: ids(client.serving, client.serving.size),
    queued_chats: client.queued.size,
    pending_calls: client.calls.size,
    tools: listed(client.tools.keys(), client.tools.size),
    tool_requests: client.toolRequests.size,
    approvals: ids(client.approvals, client.approvals.size),
    registered_agents: listed(client.registeredAgents, client.registeredAgents.size),
    voice_streams: client.voiceStreams.size,
    voice_jobs: client.voiceJobs.size,
    has_handshaken: client.hasHandshaken,
  };
  return { label: client.agentId ?? client.role ?? 'unauthenticated', startedAt: client.connectedAt, fields };
}

function ofTurn(turn: Turn): Facts {
  const { params } = turn;
  const fields = {
    session_id: turn.sessionId,
    turn_id: turn.id,
    agent_id: turn.agentId,
    host: turn.host?.id ?? null,
    observers:
      turn.log &&
      listed(
        [...turn.observers].map(({ id }) => id),
        turn.observers.size,
      ),
    log_bytes: turn.log?.bytes,
    resume_window_ms: turn.log?.windowMs,
    agent: turn.agent.id,
    prompt: params.prompt,
    conversation_id: params.conversation_id,
    model: params.model,
    seq: turn.seq,
    is_accepted: turn.isAccepted,
    is_ending: turn.isEnding,
    is_terminated: turn.isTerminated,
    held: turn.held.length,
    held_bytes: turn.heldBytes,
    held_terminal: turn.heldTerminal,
    pending_approvals: listed(turn.pendingApprovals.keys(), turn.pendingApprovals.size),
    callbacks: listed(turn.callbacks.keys(), turn.callbacks.size),
  };
  return { label: turn.agentId, startedAt: turn.createdAt, fields };
}

function ofCallback({ id, spec, startedAt, approval, isSettled }: Callback): Facts {
  const fields = {
    request_id: id,
    tool: spec.tool,
    parameters: spec.parameters,
    host: spec.host.id,
    turn: spec.turn?.id,
    session_id: spec.turn?.sessionId,
    timeout_ms: spec.timeoutMs,
    action_id: spec.actionId,
    attempt: spec.attempt,
    is_gated: spec.isGated,
    is_settled: isSettled,
    approval: approval?.id,
  };
  return { label: spec.tool, startedAt, fields };
}

function ofApproval(approval: Approval): Facts {
  const { action, agentId, details, hidden, options } = approval.subject;
  const fields = {
    kind: approval.kind,
    action,
    agent_id: agentId,
    status: approval.status,
    resolution: approval.resolution,
    is_taken: approval.taken !== undefined,
    options,
    details: { ...details, ...hidden },
  };
  return { label: action, startedAt: approval.createdAt, fields };
}

function ofVoiceStream(stream: VoiceStream): Facts {
  const { task, startResult } = stream.spec;
  const fields = {
    kind: task.kind,
    id: stream.id,
    provider: stream.provider.id,
    providers_id: stream.providerId,
    client: stream.client.id,
    ...(task.kind === 'transcribe'
      ? { audio_source: task.source, finals: stream.transcript.size }
      : { text: task.text, voice_id: task.voiceId, binary_frames: task.binaryFrames, pieces: stream.nextChunkSeq }),
    is_meeting: startResult !== undefined,
    waiting_bytes: stream.provider.waitingBytes(stream),
    is_dropping: stream.isDropping,
    is_stop_asked: stream.isStopAsked,
    stoppers: stream.stoppers.length,
  };
  return { label: stream.provider.id, startedAt: stream.startedAt, fields };
}

function ofMeeting(meeting: Meeting): Facts {
  const { head, client, stream, summarizer } = meeting;
  const fields = {
    id: head.id,
    title: head.title,
    client: client.id,
    stream: stream?.providerId,
    summarizer,
    bytes: meeting.bytes,
    is_truncated: meeting.isTruncated,
    ingesting: meeting.ingesting,
    stoppers: meeting.stoppers.length,
  };
  return { label: head.title ?? head.id, startedAt: head.started_at, fields };
}

/** Its actions on their way are told by their ids alone: a route holds credentials. */
function ofSurfaceOwner(owner: SurfaceOwner): Facts {
  const { agentId, endpoint, surfaceIds, pending, startedAt } = owner;
  const fields = {
    agent_id: agentId ?? null,
    endpoint: endpoint === undefined ? undefined : publicEndpoint(endpoint),
    surfaces: listed(surfaceIds, surfaceIds.size),
    pending_actions: listed(pending.keys(), pending.size),
  };
  return { label: agentId ?? 'hosts', startedAt, fields };
}

function ids(records: Iterable<{ id: string }>, size: number): string[] {
  return listed(
    (function* () {
      for (const { id } of records) yield id;
    })(),
    size,
  );
}

/** The first few, and how many more there are. */
function listed(names: Iterable<string>, size: number): string[] {
  const shown: string[] = [];
  for (const name of names) {
    if (shown.length === MAX_LISTED) return [...shown, `… ${size - MAX_LISTED} more`];
    shown.push(name);
  }
  return shown;
}
