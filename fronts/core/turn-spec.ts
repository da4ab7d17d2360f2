import type { ChatHandle, Host } from '../../client/node.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';

/** How a turn is opened. */
export interface TurnSpec {
  agentId: string;
  sessionId: string;
  /** What the person wrote last, and nothing else. */
  prompt: string;
  /** The client's own, which the agent may call. Default: none. */
  tools?: readonly ToolDefinition[];
  /** For the agent; `front` is added. Default: nothing. */
  context?: JsonObject;
  /** Pictures that go with the prompt, as on the wire. */
  attachments?: NonNullable<Parameters<Host['chat']>[2]>['attachments'];
  /** What happens where the session has a turn already. Default: it is refused. */
  onBusy?: NonNullable<Parameters<Host['chat']>[2]>['onBusy'];
  /** How long it waits for its host where its client's going is a disconnect. Milliseconds, default 0: it is a cancel. */
  resumeWindowMs?: number;
  /** A turn that was left, to go on with from its first event. Default: a new one. */
  from?: ChatHandle;
  /** Cancels it when it aborts, at whatever moment. Default: nothing does but its client's going. */
  stop?: AbortSignal;
  /**
   * Approvals that nobody can be asked for through this front are denied after so many milliseconds. Default: its reader
   * decides.
   */
  denyAfterMs?: number;
}
