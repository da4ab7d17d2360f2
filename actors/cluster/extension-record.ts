import type { StreamToken } from '../../link/entries.ts';
import type { Identity } from '../../machines/connection.machine.ts';
import type { ExtensionEvent, ExtensionFacts } from '../../machines/extension.machine.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Client } from '../kernel/client.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { Lane } from './lanes.ts';

/** How the other broker has answered. */
export type GuestAnswer = { result: unknown } | { error: JsonObject };

/** A request for the other broker. */
export interface Asked {
  readonly method: string;
  readonly params: unknown;
  /** Called once, with the answer; or with the error that there is none. */
  settle(answer: GuestAnswer, source: Extension): void;
}

/** A frame of the other broker's: as it came, and decoded unless it goes on as it is. */
export type GuestFrame =
  | { kind: 'notification'; text: string; method: string; params: JsonObject }
  | { kind: 'request'; text: string; id: RpcId; method: string }
  | { kind: 'answer'; bytes: number; id: RpcId; answer: GuestAnswer };

/** A turn at the other broker whose host the connection is. */
export interface HostedTurn {
  readonly turnId: string;
  readonly agentId: string;
  readonly sessionId: string;
  /** It may be resumed: by this token, and from after this number. */
  readonly resumeToken: string | undefined;
  /** It has come from another broker: without a window it would have ended there. */
  readonly hasWindow?: boolean | undefined;
  /** Whether the connection is the turn's host, and what it has called itself then. */
  readonly role: 'controller' | 'observer';
  readonly claim: string | undefined;
  /** It has opened the turn, and nobody has taken that over since. */
  readonly isOpener: boolean;
  seq: number;
  /** It was cancelled with grace, which ends then, in the clock's milliseconds: whoever takes the turn up does not know that. */
  graceEndsAt?: number | undefined;
  /** It was told that the agent is away, and not that it is back. */
  isAgentAway?: boolean;
}

/** Whether it may be taken up again where its way is lost: all but those that were opened without a window. */
export const mayBeResumed = ({ isOpener, resumeToken, hasWindow }: HostedTurn): boolean =>
  !isOpener || resumeToken !== undefined || hasWindow === true;

/** The records of an extension's chart. */
export interface ExtensionHolds {
  extension: Extension;
  request: Asked;
  frame: GuestFrame;
  token: StreamToken;
}

/** What one connection has at another broker. */
export class Extension implements ExtensionFacts {
  readonly id: string;
  readonly client: Client;
  /** The other broker. */
  readonly peer: string;
  readonly stream: number;
  readonly way: Lane;
  /** As whom the guest speaks. */
  identity: Identity | undefined;
  /** What that broker was told of it last, as a hash. */
  told = '';
  ref: ActorOf<ExtensionEvent<ExtensionHolds>> | undefined;
  isOpen = true;
  /** What was asked and not answered, by the number that it was asked with. */
  readonly asked = new Map<number, Asked>();
  /** Requests of the other broker's that the connection has not answered. */
  readonly calls = new Set<RpcId>();
  readonly turns = new Map<string, HostedTurn>();
  /** What tokens begin with, and the turn that they are of, by their stream. */
  readonly tokens = new Map<number, { head: string; turnId: string }>();
  #asks = 0;

  constructor(client: Client, peer: string, stream: number, way: Lane) {
    this.client = client;
    this.peer = peer;
    this.stream = stream;
    this.way = way;
    this.identity = client.identity;
    this.id = `${client.id}@${peer}`;
  }

  nextAsk(): number {
    this.#asks += 1;
    return this.#asks;
  }
}
