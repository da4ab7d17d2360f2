import type { InitializeResponse } from '@agentclientprotocol/sdk';
import type { AgentEvent } from '../../client/node.ts';
import { ErrorCode } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';
import { StartError } from '../join.ts';
import { messageOf } from '../words.ts';
import { AgentGone } from './connection.ts';

/** ACP's code for a client that has to authenticate first. */
const AUTH_REQUIRED = -32000;
/** Longest detail of an error that is told. */
const MAX_DETAIL = 500;

/** The terminal of a turn that failed. @param about what the program said of itself, once it has. */
export function failure(error: unknown, about: InitializeResponse | undefined): AgentEvent {
  if (error instanceof AgentGone)
    return { kind: 'error', code: 'agent_exited', retryable: true, error: messageOf(error) };
  if (error instanceof StartError) {
    const words = `the agent cannot be started: ${messageOf(error)}`;
    return { kind: 'error', code: 'agent_exited', retryable: true, error: words };
  }
  if (isAuthRequired(error)) return { kind: 'auth_required', reason: 'agent', message: authWords(error, about) };
  return { kind: 'error', code: 'agent_error', error: wordsOf(error) };
}

/** Whether an agent wants its user to sign in first. */
export function isAuthRequired(error: unknown): boolean {
  return isObject(error) && error.code === AUTH_REQUIRED;
}

/** What an agent that wants to be signed in says, and the ways that it offers. */
export function authWords(error: unknown, about: InitializeResponse | undefined): string {
  const methods = (about?.authMethods ?? []).map(({ id, name }) => `${id} (${name})`);
  return methods.length === 0 ? messageOf(error) : `${messageOf(error)}; it offers: ${messageOf(methods.join(', '))}`;
}

/** An agent's own message, and its detail where the message is only that something is wrong. */
export function wordsOf(error: unknown): string {
  const message = messageOf(error);
  const data: unknown = isObject(error) && error.code === ErrorCode.InternalError ? error.data : undefined;
  const detail = isObject(data) ? (data.details ?? data.message) : data;
  return typeof detail === 'string' && detail !== ''
    ? `${message}: ${messageOf(detail).slice(0, MAX_DETAIL)}`
    : message;
}
