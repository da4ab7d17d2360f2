import { isObject, type JsonObject } from '../../protocol/json.ts';
import { RequestError } from '../../sdks/acp.ts';
import { isText } from '../core/values.ts';
import { invalid, type Prompt, promptOf } from './prompt-blocks.ts';

/*
 * What a client asks, as far as it is read. ACP's own schemas say of each of a hundred thousand blocks what is wrong with it:
 * that takes seconds, and ten times as many bytes.
 */

/** The longest path that a client may work in. Characters. */
export const MAX_CWD = 4_096;

/** What `initialize` says; the SDK checks the rest of it. */
export function greeting(params: unknown): unknown {
  if (!isObject(params)) return params;
  const { protocolVersion, clientCapabilities } = params;
  const session = isObject(clientCapabilities) ? clientCapabilities.session : undefined;
  const showsNotices = isObject(session) && isObject(session.notices);
  return { protocolVersion, clientCapabilities: showsNotices ? { session: { notices: {} } } : {} };
}

/** @throws {RequestError} -32602 */
export function newSession(params: unknown): { cwd: string } {
  const { cwd } = objectOf(params);
  if (!isText(cwd)) throw invalid('cwd is a path');
  if (cwd.length > MAX_CWD) throw invalid(`cwd has ${MAX_CWD} characters at most`);
  return { cwd };
}

/** @throws {RequestError} -32602 */
export function namedSession(params: unknown): { sessionId: string } {
  const { sessionId } = objectOf(params);
  if (!isText(sessionId)) throw invalid('sessionId is a text');
  return { sessionId };
}

/** @throws {RequestError} -32602 */
export function promptedSession(params: unknown): { sessionId: string; prompt: Prompt } {
  const { sessionId } = namedSession(params);
  return { sessionId, prompt: promptOf(objectOf(params).prompt) };
}

/** Of a notification: nobody could be told what is wrong with it. */
export function cancelledSession(params: unknown): { sessionId: string } {
  const { sessionId } = isObject(params) ? params : {};
  return { sessionId: isText(sessionId) ? sessionId : '' };
}

function objectOf(params: unknown): JsonObject {
  if (!isObject(params)) throw RequestError.invalidParams();
  return params;
}
