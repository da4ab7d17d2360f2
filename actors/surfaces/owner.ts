import type { AnyActorRef } from 'xstate';
import { withEffects } from '../../machines/effects.ts';
import { createSurfaceOwnerMachine } from '../../machines/surface-owner.machine.ts';
import { type A2aClient, A2aError } from '../../protocol/a2a-client.ts';
import { headersOf } from '../../protocol/route-auth.ts';
import type { ActionRoute } from '../../protocol/surfaces.ts';
import type { ChildKind } from '../kernel/children.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { reply } from '../requests/reply.ts';
import { routeOf } from './answer.ts';
import { actionsOf } from './client-actions.ts';
import { removalOf, removeSurfaces } from './commit.ts';
import { announceChange } from './feeds.ts';
import type { Outcome, OwnerHears, OwnerHolds, PendingAction, SurfaceOwner } from './owner-record.ts';
import { SURFACES } from './surfaces.ts';

type EventOf<T extends OwnerHears['type']> = Extract<OwnerHears, { type: T }>;
interface Args {
  context: { owner: SurfaceOwner };
  event: OwnerHears;
  self: AnyActorRef;
}

const DRAINING = { reason: 'draining', message: 'the broker is stopping' } as const;
const REMOVED = { reason: 'removed', message: 'the agent that the surface belonged to was removed' } as const;

/** The chart of surface owners with its effects: one logic for all owners of a broker. */
function surfaceOwnerLogic(kernel: Kernel) {
  const ownerOf = (args: Args) => args.context.owner;
  const eventOf = <T extends OwnerHears['type']>(args: Args, _type: T) => args.event as EventOf<T>;

  const machine = withEffects(createSurfaceOwnerMachine<OwnerHolds>(), {
    announce: (args) => {
      for (const change of eventOf(args, 'owner.changed').changes) announceChange(kernel, args.self, change);
    },
    sendAction: (args) => {
      const pending = ownerOf(args).pending.get(eventOf(args, 'owner.send').actionId);
      if (pending) send(kernel, pending, args.self);
    },
    settleAction: (args) => {
      const owner = ownerOf(args);
      const pending = owner.pending.get(eventOf(args, 'owner.settled').actionId);
      if (pending?.outcome) finish(kernel, args.self, owner, pending, routeOf(kernel, owner, pending, pending.outcome));
    },
    expireAction: (args) => {
      const owner = ownerOf(args);
      const pending = owner.pending.get(eventOf(args, 'owner.expired').actionId);
      if (!pending) return;
      const message = 'the agent did not answer in time; whether it acted is unknown';
      finish(kernel, args.self, owner, pending, { status: 'failed', reason: 'timeout', message });
    },
    refuseActions: (args) => {
      const owner = ownerOf(args);
      const why = args.event.type === 'owner.revoked' ? REMOVED : DRAINING;
      for (const pending of [...owner.pending.values()])
        finish(kernel, args.self, owner, pending, { status: 'failed', ...why });
    },
  });
  // Nothing here is hot; children's ends are none of this actor's.
  return withFastPath(machine, {}, {});
}

/** Hands an action to the A2A client. What comes of it, the owner's actor hears. */
function send(kernel: Kernel, pending: PendingAction, self: AnyActorRef): void {
  const { id, route, action, abort } = pending;
  pending.deadline = kernel.deadlines.arm(kernel.limits.a2aTimeoutMs, () =>
    self.send({ type: 'owner.expired', actionId: id }),
  );
  const settle = (outcome: Outcome) => {
    // Nobody waits any more, or the actor has ended.
    if (abort.signal.aborted) return;
    pending.outcome = outcome;
    self.send({ type: 'owner.settled', actionId: id });
  };
  // A client of the embedder's may throw at once.
  Promise.resolve()
    .then(() =>
      kernel.get(A2A).send({
        endpoint: route.endpoint,
        headers: route.auth ? headersOf(route.auth.open()) : {},
        traceparent: pending.trace?.traceparent,
        messageId: globalThis.crypto.randomUUID(),
        taskId: route.taskId,
        contextId: route.contextId,
        // Its own: who acted is told what they did, whatever a client of the embedder's does to it.
        action: structuredClone(action),
        maxAnswerBytes: kernel.limits.maxIngestBytes,
        signal: abort.signal,
      }),
    )
    .then(
      (answer) => settle({ answer }),
      (error: unknown) => settle({ error }),
    );
}

function finish(
  kernel: Kernel,
  source: AnyActorRef,
  owner: SurfaceOwner,
  pending: PendingAction,
  route: ActionRoute,
): void {
  const { client, requestId, surfaceId } = pending;
  const event = { ...pending.action, surfaceId };
  forget(kernel, owner, pending);
  kernel.get(SURFACES).countAction(route.reason ?? route.status);
  reply(kernel, client, requestId, { result: { event, route } }, source);
}

/** Lets go of an action: of its time, of whoever still works on it, and of its credentials. */
function forget(kernel: Kernel, owner: SurfaceOwner, pending: PendingAction): void {
  owner.pending.delete(pending.id);
  actionsOf(pending.client).pending -= 1;
  kernel.deadlines.disarm(pending.deadline);
  pending.abort.abort(new A2aError('timeout', 'nobody waits for the answer any more'));
}

/** Sends actions on surfaces to A2A agents. */
export const A2A = key<A2aClient>('the A2A client');

/** The chart of owners, and what their ends mean. */
export const surfaceOwnerKind = (kernel: Kernel): ChildKind<SurfaceOwner> => ({
  logic: surfaceOwnerLogic(kernel),
  ended: (owner) => kernel.get(SURFACES).forgetOwner(owner),
  failed: (owner) => failOwner(kernel, owner),
});

/** An owner's actor failed, a fault of ours (law 10): its surfaces go, who waits is told, no other owner notices. */
function failOwner(kernel: Kernel, owner: SurfaceOwner): void {
  const step = (run: () => void) => kernel.attempt('a broken owner of surfaces', run);
  for (const pending of [...owner.pending.values()]) {
    step(() =>
      finish(kernel, kernel.ref, owner, pending, { status: 'failed', reason: 'internal', message: 'internal error' }),
    );
  }
  const surfaces = [...owner.surfaceKeys].flatMap((surfaceKey) => kernel.get(SURFACES).get(surfaceKey) ?? []);
  const changes = surfaces.map(removalOf);
  step(() => removeSurfaces(kernel, surfaces));
  // Its actor hears nothing any more.
  for (const change of changes) step(() => announceChange(kernel, kernel.ref, change));
  step(() => kernel.get(SURFACES).forgetOwner(owner));
}
