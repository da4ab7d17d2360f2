import type { AnyActorRef } from 'xstate';
import type { SurfaceOwnerEvent, SurfaceOwnerFacts } from '../../machines/surface-owner.machine.ts';
import type { A2aAnswer } from '../../protocol/a2a-client.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { SurfaceAction } from '../../protocol/surfaces.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import { key } from '../kernel/key.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { Change, Route } from './surface.ts';

/** How the way to an endpoint ended. */
export type Outcome = { answer: A2aAnswer } | { error: unknown };

/** One action on its way to an A2A endpoint. */
export interface PendingAction {
  readonly id: string;
  readonly client: Client;
  readonly requestId: RpcId | undefined;
  readonly action: SurfaceAction;
  /** As it was when somebody acted: what the surface is given later does not go along. */
  readonly route: Route & { endpoint: string };
  readonly abort: AbortController;
  deadline?: Deadline;
  outcome?: Outcome;
}

/** The records that an owner's chart holds and is told of. */
export interface OwnerHolds {
  owner: SurfaceOwner;
  change: Change;
}

/** Everything that an owner hears. */
export type OwnerHears = SurfaceOwnerEvent<OwnerHolds>;

/** Who surfaces belong to: what its actor and the registry share. */
export class SurfaceOwner implements SurfaceOwnerFacts {
  readonly id: string;
  /** What tells owners apart. */
  readonly key: string;
  /** None: all clients that are no agents. */
  readonly agentId: string | undefined;
  /** Where actions on its surfaces go. */
  readonly endpoint: string | undefined;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly surfaceIds = new Set<string>();
  readonly pending = new Map<string, PendingAction>();
  ref: (AnyActorRef & ActorOf<OwnerHears>) | undefined;

  constructor(id: string, key: string, agentId: string | undefined, endpoint: string | undefined, now: number) {
    this.id = id;
    this.key = key;
    this.agentId = agentId;
    this.endpoint = endpoint;
    this.startedAt = now;
  }

  get surfaceCount(): number {
    return this.surfaceIds.size;
  }
  get pendingCount(): number {
    return this.pending.size;
  }
  get isLive(): boolean {
    return this.ref?.getSnapshot().status === 'active';
  }
}

/** What an owner of surfaces is to the broker's actor. */
export const SURFACE_OWNER = key<ChildKind<SurfaceOwner>>('owner of surfaces');
