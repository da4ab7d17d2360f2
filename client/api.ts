/** What both entries of the SDK export. */
export type { AgentRow, AgentSpec } from '../protocol/agents.ts';
export type { AgentChatParams, CancelReason, SessionRow } from '../protocol/chat.ts';
export { CloseCode } from '../protocol/close-codes.ts';
export { ErrorCode } from '../protocol/errors.ts';
export type { ChatEvent } from '../protocol/events.ts';
export type { InputOf, RequestMethod, ResultOf } from '../protocol/methods.ts';
export type { Agent, AgentStatus } from './agent.ts';
export type { ReconnectOptions } from './backoff.ts';
export type { CancelOptions, Chat, ChatAck, ChatOptions } from './chat.ts';
export {
  AuthError,
  BufferOverflowError,
  ConnectionClosedError,
  ConnectionError,
  ConnectionLostError,
  type ErrorName,
  NoDaemonError,
  RequestTimeoutError,
  RpcError,
  SwitchboardError,
  type TerminalEvent,
  TurnError,
} from './errors.ts';
export type { Host } from './host.ts';
export type { RequestFunction, RequestOptions } from './request.ts';
export { type AgentEvent, type OnChat, RejectChat, type Turn, TurnCancelled } from './turn.ts';
