import { ErrorCode, WireError } from '../../protocol/errors.ts';
import { isObject } from '../../protocol/json.ts';
import type { Client } from '../kernel/client.ts';
import type { HeldCalls } from './held-calls.ts';
import type { QueuedChat } from './sessions.ts';

/** A turn that an agent names, and this broker does not know. */
export interface Wanted {
  readonly turn_id: string;
  readonly session_id: string;
  /** It can be put together from what its agent has, where nobody else has it. */
  hasTicket(): boolean;
}

/** Other brokers, which may have turns that an agent goes on with here. */
export interface Elsewhere {
  /**
   * Has what an agent names, and this broker does not know, brought here. Resolves when that is done, or nobody has it; gives
   * those that have ended, and those with a ticket whose broker is gone: their sessions are this broker's then.
   */
  fetch(client: Client, wanted: readonly Wanted[]): Promise<ReadonlyMap<string, 'ended' | 'lost'>>;
  /** What waits for a turn of one of these sessions that is on its way from one broker to another. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined;
  /** An agent's connection has named all that it goes on with: what waits for it elsewhere ends. */
  unnamed(client: Client): void;
  /** An agent goes on here with a turn that was here: another broker may have been given it. */
  resumed(client: Client, turn: Pick<Wanted, 'turn_id' | 'session_id'>): void;
  /** What became of one that was lost. To be called for each of them. @param isThere - it goes on here */
  rebuilt(client: Client, turn: Pick<Wanted, 'turn_id' | 'session_id'>, isThere: boolean): void;
  /** Turns from before a restart are taken up: some may go on elsewhere. */
  recovered(): void;
}

/** Where chats are carried out whose agents are attached to other brokers. */
export interface ChatsElsewhere {
  /** The broker that an agent is attached to, if that is another one. */
  brokerOf(agentKey: string): string | undefined;
  /** Has a chat that has waited here carried out there. */
  passOn(chat: QueuedChat, broker: string): void;
}

const ELSEWHERE = 'chat_elsewhere';

/** A chat is another broker's to carry out, which has its session or its agent: brokers say so to each other, no client hears it. */
export const chatElsewhere = (broker: string): WireError =>
  new WireError(ErrorCode.AgentNotAttached, `this chat is for broker ${broker}`, { reason: ELSEWHERE, broker });

/** See {@link chatElsewhere}: which broker that is. */
export function brokerMeant({ code, data }: { code?: unknown; data?: unknown }): string | undefined {
  if (code !== ErrorCode.AgentNotAttached || !isObject(data) || data.reason !== ELSEWHERE) return undefined;
  return typeof data.broker === 'string' ? data.broker : undefined;
}
