import * as agents from './agents.ts';
import { listing } from './bounds.ts';
import { type MethodTable, none } from './method.ts';
import * as session from './session.ts';

/** Opening a connection, and known agents (`wire.md` sections 3 and 4). */
export const sessionMethods = {
  'session.auth': {
    direction: 'in',
    kind: 'request',
    reads: true,
    role: 'unauthenticated',
    section: 3,
    summary: 'The first request of every connection: proves who is calling.',
    params: session.authParams,
    result: session.authResult,
    errors: ['InternalError', 'InvalidRequest', 'LimitExceeded'],
  },
  'session.refresh': {
    direction: 'in',
    kind: 'request',
    reads: true,
    audited: true,
    role: 'any',
    section: 3,
    summary: 'A new JWT in the place of the one that this connection came by: of the same `sub` and tenant.',
    params: session.refreshParams,
    result: session.refreshResult,
    errors: ['InternalError', 'InvalidRequest', 'LimitExceeded'],
  },
  'session.expiring': {
    direction: 'out',
    kind: 'notification',
    role: 'any',
    section: 3,
    summary:
      'The JWT of this connection ends in a minute. Without `session.refresh` it is closed with 4401, 25 s after that.',
    params: session.expiringParams,
  },
  'server.handshake': {
    direction: 'in',
    kind: 'request',
    reads: true,
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
    audited: true,
    role: 'host',
    place: 'home',
    section: 4,
    summary: 'Creates an agent or changes it; what is left out keeps its value. The token is shown once.',
    params: agents.upsertParams,
    result: agents.upsertResult,
    errors: ['LimitExceeded'],
  },
  'agents.remove': {
    direction: 'in',
    kind: 'request',
    audited: true,
    role: 'host',
    place: 'home',
    section: 4,
    summary:
      'Forgets an agent, with its facts and its meetings; an attached one is closed with 4403. Another one of that id finds nothing of it.',
    params: agents.removeParams,
    result: agents.removeResult,
  },
  'agents.list': {
    direction: 'in',
    kind: 'request',
    reads: true,
    role: 'any',
    place: 'all',
    section: 4,
    summary: 'Every known and every attached agent.',
    params: none,
    result: listing(agents.agentRow),
    answer: 'large',
  },
} as const satisfies MethodTable;
