import { type A2aAnswer, A2aError, isA2aFailure } from '../../protocol/a2a-client.ts';
import { WireError } from '../../protocol/errors.ts';
import { isObject, unwritable } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { type A2aRouteAuth, withoutCredentials } from '../../protocol/route-auth.ts';
import type { ActionRoute } from '../../protocol/surfaces.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { commitChanges } from './commit.ts';
import { type Author, draftChanges } from './draft.ts';
import { findEnvelopes } from './envelopes.ts';
import type { Outcome, PendingAction, SurfaceOwner } from './owner-record.ts';
import { placeIn, surfaceIdFor } from './rooms.ts';
import { loadedSchemas } from './schemas.ts';
import type { Route } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/** How many characters of what an agent says go to whoever acted. */
const MAX_TEXT = 2_048;

/** What whoever acted is told of an action's way; envelopes in the answer are applied first. */
export function routeOf(kernel: Kernel, owner: SurfaceOwner, pending: PendingAction, outcome: Outcome): ActionRoute {
  if ('error' in outcome) return failureOf(kernel, pending, outcome.error);
  let answer: A2aAnswer;
  try {
    answer = readAnswer(outcome.answer);
  } catch (error) {
    return failureOf(kernel, pending, error);
  }
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
    return { ...route, applied: ingestAnswer(kernel, owner, pending, answer.payload) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { ...route, applied: [], reason: 'envelopes', message: shown(pending, error.message) };
  }
}

/** An answer that is one: a client of the embedder's may hand over anything. @throws {TypeError} */
function readAnswer(answer: unknown): A2aAnswer {
  if (!isObject(answer)) throw new TypeError('what the A2A client gave is no answer');
  const { protocol, taskId, contextId, state, text, payload } = answer as Partial<A2aAnswer>;
  const isKnown = protocol === '1.0' || protocol === '0.3';
  const areTexts = [taskId, contextId, state, text].every((field) => field === undefined || typeof field === 'string');
  if (!isKnown || !areTexts) throw new TypeError('what the A2A client gave is no answer');
  return { protocol, taskId, contextId, state, text, payload };
}

/** A payload as JSON has it, and no larger than an ingest: of the embedder's it may be anything. @throws {WireError} */
function readPayload({ limits }: Kernel, payload: unknown): unknown {
  let text: string | undefined;
  try {
    text = writeJson(payload);
  } catch {
    throw WireError.invalidParams([{ path: 'payload', message: 'is no JSON' }]);
  }
  if (text === undefined) return undefined;
  const { maxIngestBytes } = limits;
  if (Buffer.byteLength(text) > maxIngestBytes) throw WireError.limitExceeded('max_ingest_bytes', maxIngestBytes);
  const read: unknown = parseJson(text);
  // Before anything else: what follows goes as deep as the answer does.
  const reason = unwritable(read);
  if (reason !== undefined) throw WireError.invalidParams([{ path: 'payload', message: reason }]);
  return read;
}

/** Applies the envelopes in an answer, all or none; gives the surfaces that they changed. @throws {WireError} */
function ingestAnswer(kernel: Kernel, owner: SurfaceOwner, pending: PendingAction, answer: unknown): string[] {
  const { maxEnvelopes } = kernel.limits;
  const payload = withoutCredentials(credentialsOf(pending), readPayload(kernel, answer));
  const envelopes = findEnvelopes(payload, maxEnvelopes);
  if (envelopes.length > maxEnvelopes) throw WireError.limitExceeded('max_envelopes', maxEnvelopes);
  const schemas = loadedSchemas();
  if (envelopes.length === 0 || !schemas) return [];
  const inherited = inheritedRoute(kernel, owner, pending);
  const author: Author = {
    agentId: owner.of.agentId,
    author: owner.of.author,
    place: (surfaceId) => placeIn(owner.of.room, surfaceId),
    // An agent out there changes what is its own: surfaces whose actions go to it, and new ones.
    mayChange: ({ key }) => kernel.get(SURFACES).ownerOf(key) === owner,
    route: (before) => before?.route ?? inherited,
  };
  const changes = draftChanges(kernel, schemas, author, envelopes);
  commitChanges(kernel, changes, owner);
  // To delete what is not there changes nothing.
  return changes.filter(({ before, after }) => before || after).map((change) => surfaceIdFor(pending.client, change));
}

/**
 * The route of a new surface in an answer: that of the surface that was acted on, while its actions still go there. Once
 * they do not, or it is gone, so are its credentials.
 */
function inheritedRoute(kernel: Kernel, owner: SurfaceOwner, { route, surfaceKey }: PendingAction): Route {
  const now = kernel.get(SURFACES).get(surfaceKey)?.route;
  if (now && kernel.get(SURFACES).ownerOf(surfaceKey) === owner) return now;
  const { endpoint, taskId, contextId } = route;
  return { endpoint, taskId, contextId };
}

function failureOf(kernel: Kernel, pending: PendingAction, error: unknown): ActionRoute {
  try {
    if (error instanceof A2aError) {
      // A client of the embedder's may have any reason, and it becomes a metric's label.
      const reason = isA2aFailure(error.reason) ? error.reason : 'internal';
      return { status: 'failed', reason, message: shown(pending, String(error.message)) };
    }
    // Whatever it says may have the request in it, and so the credentials.
    kernel.log.error({ action: pending.id, error: error instanceof Error ? error.name : typeof error }, 'A2A failed');
  } catch {
    // What was thrown is such that it cannot be looked at.
    kernel.log.error({ action: pending.id }, 'A2A failed');
  }
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
