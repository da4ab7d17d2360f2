import type { ErrorCode } from '../protocol/errors.ts';

/** What a person who writes a client has to know of one error code. */
export interface ErrorMeaning {
  when: string;
  /** Members of `data`, where there are any. */
  data?: string;
  /** The part of the broker that will send it; until then nobody does. */
  reservedFor?: string;
}

/** Every error code explained (`docs/protocol.md` section 2). A code without an explanation does not compile. */
export const ERROR_MEANINGS: Record<keyof typeof ErrorCode, ErrorMeaning> = {
  ParseError: { when: 'The text is not JSON. `id` is `null`.' },
  InvalidRequest: { when: 'JSON, but no JSON-RPC 2.0 request, notification or response.' },
  MethodNotFound: { when: 'No such method, or one for the host role from another role.' },
  InvalidParams: {
    when: 'Parameters of the wrong shape.',
    data: '`issues: [{path, message}]`, the offending fields, twenty at most',
  },
  InternalError: {
    when: 'A fault of the broker, its detail logged and never sent; from `session.auth` and `session.refresh`: a wrong token.',
  },
  AuthRequired: {
    when: 'Another method before `session.auth`. The connection is then closed with 4401.',
    data: '`resource_metadata?`, where it is said who gives tokens',
  },
  ApprovalDenied: {
    when: 'An approval was denied, or nobody decided in time.',
    data: '`reason`: `denied` or `timeout`; `approval_id`',
  },
  DeadlineExceeded: {
    when: 'The broker gave up waiting, for a method that an embedder added, for a memory, or for an agent to take an answer (`agent.chat.approve`). The outcome is unknown: read before retrying.',
  },
  HandshakeRequired: { when: '`host.subscribe` before `server.handshake`.' },
  VersionMismatch: { when: 'A protocol version that is not supported, or none.', data: '`supported`' },
  SessionBusy: { when: 'This `session_id` has a live turn.' },
  AgentNotAttached: {
    when: 'The agent is not connected, or no provider of voice is.',
    data: '`agent_id`; for voice `capability` too, and `agent_id` is null where nobody was named',
  },
  AgentRejected: {
    when: 'The agent answered `agent.chat` or `agent.chat.approve` with an error, or with what is no answer to it.',
    data: '`agent_error`',
  },
  AgentAckTimeout: { when: 'The agent did not answer `agent.chat` in time.' },
  NotFound: { when: 'No such session or agent, or a turn that keeps no log (section 8).' },
  Forbidden: {
    when: 'The session, agent or approval exists and belongs to somebody else.',
    data: '`reason: "taken_over"` where a turn was taken over (section 8)',
  },
  ApprovalNotPending: {
    when: 'The approval is decided, is being answered by somebody else, or never was.',
    data: '`resolution`, the row’s status, where known; `taken`, `approve` or `deny`, while the agent is asked',
  },
  ToolTimeout: { when: 'The host did not answer a tool call in time.' },
  ToolCancelled: { when: 'A tool call that will get no answer.', data: '`reason`, as in section 7' },
  ToolUnavailable: { when: 'The host has not registered such a tool, or the turn has no host just now.' },
  LimitExceeded: { when: 'A limit was reached.', data: '`limit: {name, value}`, `retry_after_ms` where it helps' },
  Draining: { when: 'The broker is stopping and takes no new chats.' },
};
