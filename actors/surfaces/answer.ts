import { type A2aAnswer, A2aError } from '../../protocol/a2a-client.ts';
import { WireError } from '../../protocol/errors.ts';
import { isObject, unwritable } from '../../protocol/json.ts';
import { type A2aRouteAuth, withoutCredentials } from '../../protocol/route-auth.ts';
import type { ActionRoute } from '../../protocol/surfaces.ts';
import type { BrokerState } from '../broker-state.ts';
import { commitChanges } from './commit.ts';
import { type Author, draftChanges } from './draft.ts';
import { findEnvelopes } from './envelopes.ts';
import type { Outcome, PendingAction, SurfaceOwner } from './owner-record.ts';
import { loadedSchemas } from './schemas.ts';

/** How many characters of what an agent says go to whoever acted. */
const MAX_TEXT = 2_048;

/** What whoever acted is told of an action's way; envelopes in the answer are applied first. */
export function routeOf(
  state: BrokerState,
  owner: SurfaceOwner,
  pending: PendingAction,
  outcome: Outcome,
): ActionRoute {
  if ('error' in outcome) return failureOf(state, pending, outcome.error);
  const { answer } = outcome;
  // A client of the embedder's may hand over anything.
  if (!isAnswer(answer)) return failureOf(state, pending, new TypeError('what the A2A client gave is no answer'));
  const { protocol, taskId, contextId, state: taskState, text } = answer;
  const route: ActionRoute = {
    status: 'sent',
    protocol,
    ...(taskId === undefined ? {} : { taskId: shown(pending, taskId) }),
    ...(contextId === undefined ? {} : { contextId: shown(pending, contextId) }),
    ...(taskState === undefined ? {} : { state: shown(pending, taskState) }),
    ...(text === undefined ? {} : { text: shown(pending, text) }),
  };
  try {
    return { ...route, applied: ingestAnswer(state, owner, pending, answer.payload) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { ...route, applied: [], reason: 'envelopes', message: shown(pending, error.message) };
  }
}

function isAnswer(answer: unknown): answer is A2aAnswer {
  if (!isObject(answer)) return false;
  const { protocol, taskId, contextId, state, text } = answer;
  const isKnown = protocol === '1.0' || protocol === '0.3';
  return isKnown && [taskId, contextId, state, text].every((field) => field === undefined || typeof field === 'string');
}

/** Applies the envelopes in an answer, all or none; gives the surfaces that they changed. @throws {WireError} */
function ingestAnswer(state: BrokerState, owner: SurfaceOwner, pending: PendingAction, answer: unknown): string[] {
  const { maxEnvelopes } = state.limits;
  // Before anything else: what follows goes as deep as the answer does.
  const reason = unwritable(answer);
  if (reason !== undefined) throw WireError.invalidParams([{ path: 'payload', message: reason }]);
  const payload = withoutCredentials(credentialsOf(pending), answer);
  const envelopes = findEnvelopes(payload, maxEnvelopes);
  if (envelopes.length > maxEnvelopes) throw WireError.limitExceeded('max_envelopes', maxEnvelopes);
  const schemas = loadedSchemas();
  if (envelopes.length === 0 || !schemas) return [];
  const author: Author = {
    agentId: owner.agentId,
    // An agent out there changes what is its own: surfaces whose actions go to it, and new ones.
    mayChange: ({ surfaceId }) => state.surfaces.ownerOf(surfaceId) === owner,
    route: (before) => before?.route ?? pending.route,
  };
  const changes = draftChanges(state, schemas, author, envelopes);
  commitChanges(state, changes, owner);
  return changes.map(({ surfaceId }) => surfaceId);
}

function failureOf(state: BrokerState, pending: PendingAction, error: unknown): ActionRoute {
  if (error instanceof A2aError) {
    return { status: 'failed', reason: error.reason, message: shown(pending, error.message) };
  }
  // Whatever it says may have the request in it, and so the credentials.
  state.log.error({ action: pending.id, error: error instanceof Error ? error.name : typeof error }, 'A2A failed');
  return { status: 'failed', reason: 'internal', message: 'internal error' };
}

function credentialsOf({ route }: PendingAction): A2aRouteAuth {
  return route.auth?.open() ?? { type: 'none' };
}

/** What an agent says, as it may be shown: not for ever, and without the credentials, should it write them back. */
function shown(pending: PendingAction, text: string): string {
  const plain = String(withoutCredentials(credentialsOf(pending), text));
  return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain;
}
