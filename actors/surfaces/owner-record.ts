import type { AnyActorRef } from 'xstate';
import type { SurfaceOwnerEvent, SurfaceOwnerFacts } from '../../machines/surface-owner.machine.ts';
import type { A2aAnswer } from '../../protocol/a2a-client.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Principal } from '../../protocol/principal.ts';
import type { SurfaceAction } from '../../protocol/surfaces.ts';
import type { TraceContext } from '../../protocol/trace.ts';
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
  /** The surface that was acted on. */
  readonly surfaceKey: string;
  /** What whoever acted calls it. */
  readonly surfaceId: string;
  readonly action: SurfaceAction;
  /** As it was when somebody acted: what the surface is given later does not go along. */
  readonly route: Route & { endpoint: string };
  readonly trace: TraceContext | undefined;
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

/** What tells owners apart. */
export interface OwnedBy {
  /** In whose room their surfaces are. */
  readonly room: Principal;
  /** None: all clients of the room that are no agents. */
  readonly agentId: string | undefined;
  /** That agent's principal. */
  readonly author: Principal | undefined;
  /** Where actions on its surfaces go. */
  readonly endpoint: string | undefined;
}

/** Who surfaces belong to: what its actor and the registry share. */
export class SurfaceOwner implements SurfaceOwnerFacts {
  readonly id: string;
  /** What tells owners apart, as a text. */
  readonly key: string;
  readonly of: OwnedBy;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Of its surfaces: see `SurfaceLabel.key`. */
  readonly surfaceKeys = new Set<string>();
  readonly pending = new Map<string, PendingAction>();
  ref: (AnyActorRef & ActorOf<OwnerHears>) | undefined;

  constructor(id: string, key: string, of: OwnedBy, now: number) {
    this.id = id;
    this.key = key;
    this.of = of;
    this.startedAt = now;
  }

  get surfaceCount(): number {
    return this.surfaceKeys.size;
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
