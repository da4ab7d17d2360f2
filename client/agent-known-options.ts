import type { AgentOptions } from './agent.ts';
import type { Names } from './known-options.ts';
import type { ApprovalRequest } from './turn-approvals.ts';
import type { ToolCallOptions } from './turn-tools.ts';

/** What connects an agent. */
export const AGENT_OPTIONS: Names<AgentOptions> = {
  agentId: true,
  token: true,
  jwt: true,
  reconnect: true,
  waitForBroker: true,
  connectTimeoutMs: true,
  onStatus: true,
  onChat: true,
  accept: true,
  onError: true,
  onTranscribe: true,
  onSpeak: true,
  onVoiceError: true,
};

/** What goes with a tool call. */
export const TOOL_CALL: Names<ToolCallOptions> = {
  timeoutMs: true,
  signal: true,
  actionId: true,
  attempt: true,
  onProgress: true,
};

/** What a person is asked with. */
export const APPROVAL_REQUEST: Names<ApprovalRequest> = {
  approvalId: true,
  params: true,
  details: true,
  deadline: true,
  timeoutMs: true,
  tool: true,
  action: true,
};
