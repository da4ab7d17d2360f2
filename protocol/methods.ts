import { z } from 'zod';
import * as agents from './agents.ts';
import * as chat from './chat.ts';
import type { ErrorCode } from './errors.ts';
import { agentChatEvent } from './events.ts';
import type { MethodSpec } from './method.ts';
import * as session from './session.ts';

const none = z.object({});

type ErrorName = keyof typeof ErrorCode;
type Spec = MethodSpec & { errors?: readonly ErrorName[] };

/** Every message that the broker understands or sends. What is not here answers `-32601`. */
export const methods = {
  'session.auth': {
    direction: 'in',
    kind: 'request',
    role: 'unauthenticated',
    section: 3,
    summary: 'The first request of every connection: proves who is calling.',
    params: session.authParams,
    result: session.authResult,
    errors: ['InternalError', 'InvalidRequest'],
  },
  'server.handshake': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 3,
    summary: 'Agrees on a protocol version and tells the limits. Idempotent.',
    params: session.handshakeParams,
    result: session.handshakeResult,
    errors: ['VersionMismatch'],
  },
  'agents.upsert': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    section: 4,
    summary: 'Creates an agent or changes it; what is left out keeps its value. The token is shown once.',
    params: agents.upsertParams,
    result: agents.upsertResult,
    errors: ['LimitExceeded'],
  },
  'agents.remove': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    section: 4,
    summary: 'Forgets an agent; an attached one is closed with 4403.',
    params: agents.removeParams,
    result: agents.removeResult,
  },
  'agents.list': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 4,
    summary: 'Every known and every attached agent.',
    params: none,
    result: z.array(agents.agentRow),
  },
  'agents.chat': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 6,
    summary: 'Opens a turn with an attached agent. Answered once the agent has accepted; its events follow.',
    params: chat.chatParams,
    result: chat.chatResult,
    errors: [
      'AgentNotAttached',
      'SessionBusy',
      'AgentRejected',
      'AgentAckTimeout',
      'Forbidden',
      'LimitExceeded',
      'Draining',
    ],
  },
  'agents.chat.cancel': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 6,
    summary: 'Ends a turn. For its originator and the host role.',
    params: chat.cancelParams,
    result: chat.cancelResult,
    errors: ['NotFound', 'Forbidden'],
  },
  'agents.chat.sessions': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 6,
    summary: "Live turns: the caller's own; all of them for the host role.",
    params: none,
    result: chat.sessionsResult,
  },
  'agent.chat.event': {
    direction: 'in',
    kind: 'notification',
    role: 'agent',
    section: 6,
    summary: 'One event of a turn, streamed by its agent.',
    params: agentChatEvent,
  },
  'agent.chat': {
    direction: 'out',
    kind: 'request',
    role: 'agent',
    section: 6,
    summary: 'A turn for the agent, which answers {accepted: true} and then streams events.',
    params: chat.agentChatParams,
    result: chat.agentChatResult,
  },
  'agent.chat.cancel': {
    direction: 'out',
    kind: 'notification',
    role: 'agent',
    section: 6,
    summary: 'The turn is over for the host; stop working on it.',
    params: chat.agentChatCancelParams,
  },
  'agents.chat.event': {
    direction: 'out',
    kind: 'notification',
    role: 'any',
    section: 6,
    summary: "An agent's event, stamped with agent_id, turn_id and seq, for the host that opened the turn.",
    params: agentChatEvent,
  },
} as const satisfies Record<string, Spec>;

type Methods = typeof methods;
type WithResult = { [K in keyof Methods]: Methods[K] extends { result: z.ZodType } ? K : never }[keyof Methods];

/** Requests that a client may send. */
export type RequestMethod = { [K in WithResult]: Methods[K]['direction'] extends 'in' ? K : never }[WithResult];
/** A method's parameters as the broker sees them, defaults filled in. */
export type ParamsOf<K extends keyof Methods> = z.output<Methods[K]['params']>;
/** A method's parameters as a client writes them. */
export type InputOf<K extends keyof Methods> = z.input<Methods[K]['params']>;
/** A request's result. */
export type ResultOf<K extends WithResult> = z.output<Methods[K]['result']>;

/** The requests that a client may send, by name. A Map, so that a name like `__proto__` is just unknown. */
export const requests: ReadonlyMap<string, MethodSpec> = new Map(
  Object.entries<MethodSpec>(methods).filter(([, spec]) => spec.direction === 'in' && spec.kind === 'request'),
);
