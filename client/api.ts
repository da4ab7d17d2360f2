/** What both entries of the SDK export. */
export type { AgentRow, AgentSpec } from '../protocol/agents.ts';
export type { ApprovalRow, ApprovalStatus } from '../protocol/approvals.ts';
export type { AudioFormat } from '../protocol/audio-frame.ts';
export type { AgentChatParams, CancelReason, SessionRow } from '../protocol/chat.ts';
export { CloseCode } from '../protocol/close-codes.ts';
export type { ChatEvent } from '../protocol/events.ts';
export type { GoalState } from '../protocol/goals.ts';
export type { HostAgent, HostEvent } from '../protocol/host.ts';
export type { MeetingGetResult, MeetingRow, MeetingStatus, MeetingStopResult } from '../protocol/meetings.ts';
export type { FactRow } from '../protocol/memory.ts';
export type { InputOf, RequestMethod, ResultOf } from '../protocol/methods.ts';
export type { A2aRouteAuth } from '../protocol/route-auth.ts';
export type {
  ActionRoute,
  Applied,
  SurfaceAction,
  SurfaceEvent,
  SurfaceRow,
  SurfaceView,
} from '../protocol/surfaces.ts';
export type { ToolCancelReason, ToolDefinition } from '../protocol/tools.ts';
export type { TranscriptSegment } from '../protocol/voice.ts';
export type {
  OnSpeak,
  OnTranscribe,
  SpeakJob,
  SpeechPart,
  TranscribeJob,
  TranscriptPart,
} from '../protocol/voice-provider.ts';
export { ErrorCode, type Issue, WireError } from '../protocol/wire-error.ts';
export type { Agent, AgentStatus } from './agent.ts';
export type { ReconnectOptions } from './backoff.ts';
export type {
  ApproveOptions,
  CancelOptions,
  Chat,
  ChatAck,
  ChatOptions,
  Interruption,
  ResumeOptions,
} from './chat.ts';
export type { ChatHandle } from './chat-handle.ts';
export type { JwtSource } from './connection.ts';
export {
  AuthError,
  BufferOverflowError,
  ConnectionClosedError,
  ConnectionError,
  ConnectionLostError,
  type ErrorName,
  NoDaemonError,
  type NoDaemonReason,
  ProtocolError,
  RequestTimeoutError,
  ResumeError,
  type ResumeFailure,
  RpcError,
  SwitchboardError,
  type TerminalEvent,
  TurnError,
} from './errors.ts';
export { exactJson } from './exact-json.ts';
export type { Frame, OnFrame } from './frame-tap.ts';
export type { Goals } from './goals.ts';
export type { Host, HostStatus } from './host.ts';
export type { HostSnapshot, HostSubscription, SubscribeOptions } from './host-events.ts';
export type { OnToolError } from './host-tools.ts';
export { McpError, type McpOptions, type McpServer, type McpTransport } from './mcp.ts';
export type { MeetingOptions, Meetings } from './meetings.ts';
export type { MemoryAccess } from './memory.ts';
export type { JsonCodec } from './place.ts';
export type { RequestFunction, RequestOptions } from './request.ts';
export { Resampler } from './resampler.ts';
export { ApprovalDeniedError } from './rpc-error.ts';
export type { JsonSchema, OutputOf, StandardSchema } from './standard-schema.ts';
export type { Envelope, IngestOptions, SurfaceSubscription, Surfaces } from './surfaces.ts';
export { type HostTool, type ToolCall, ToolCallCancelled, type ToolHandler, type ToolOptions } from './tool.ts';
export { ToolCancelledError, ToolTimeoutError, ToolUnavailableError } from './tool-errors.ts';
export { type AgentEvent, type OnChat, RejectChat, type Turn, TurnCancelled, TurnEnded } from './turn.ts';
export type { ApprovalOutcome, ApprovalRequest } from './turn-approvals.ts';
export type { ToolCallOptions, ToolProgress, TurnTools } from './turn-tools.ts';
export {
  type SpeakOptions,
  type Speech,
  type TranscribeOptions,
  type TranscriptEvent,
  type Transcription,
  VoiceError,
} from './voice.ts';
export type { VoiceHandlers } from './voice-jobs.ts';
