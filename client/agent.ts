import type { ReconnectOptions } from './backoff.ts';
import type { Chat, ChatOptions } from './chat.ts';
import type { JwtSource } from './connection.ts';
import type { SwitchboardError } from './errors.ts';
import type { ConnectionStatus } from './kept-connection.ts';
import type { MemoryAccess } from './memory.ts';
import type { RequestFunction } from './request.ts';
import type { TurnHandlers } from './turns.ts';
import type { VoiceHandlers } from './voice-jobs.ts';

/** Where an agent stands. */
export type AgentStatus = ConnectionStatus;

/** How to connect an agent, wherever its broker is. */
export interface AgentOptions extends TurnHandlers, VoiceHandlers {
  agentId: string;
  /** The agent's own token, from `agents.upsert`. May be left out where authentication is off. */
  token?: string | undefined;
  /**
   * A JWT in place of a token, of the issuer that the broker trusts, with a scope for this agent. A function is asked anew at each connection, and by
   * itself a minute before the one that it gave ends: the connection then goes on by the next.
   */
  jwt?: JwtSource | undefined;
  /** How to come back after a lost connection; false: not at all. Default: it does, as `ReconnectOptions` says. */
  reconnect?: ReconnectOptions | boolean | undefined;
  /** Keeps trying when the very first connection fails, instead of rejecting. Default false. */
  waitForBroker?: boolean | undefined;
  /** How long connecting and authenticating may take together. Milliseconds, default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** Hears of each change. Default: nobody does. */
  onStatus?: ((status: AgentStatus) => void) | undefined;
}

/**
 * A connected agent. It comes back after a lost connection by itself, but not after the broker has refused
 * its token, removed it (4403) or replaced it by a newer connection (4409).
 */
export interface Agent {
  readonly agentId: string;
  /** Where it stands now. */
  readonly status: AgentStatus['status'];
  /** Resolves when it is over for good, with why; `ConnectionClosedError` after {@link Agent.close}. */
  readonly closed: Promise<SwitchboardError>;
  /** Opens a turn with another agent: whoever does so is that turn's host. */
  chat(agentId: string, prompt: string, options?: ChatOptions): Chat;
  /** This agent's own facts, which outlive it. */
  readonly memory: MemoryAccess;
  readonly request: RequestFunction;
  /** Disconnects for good; running turns are cancelled. Resolves when the socket is closed. */
  close(): Promise<void>;
  /** {@link Agent.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
