import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { announceChange } from './feeds.ts';
import { SURFACE_OWNER, type SurfaceOwner } from './owner-record.ts';
import type { Change } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/**
 * Makes drafted changes so, all of them at once; the owners that they touch announce them.
 * @param within the owner whose actor does this itself: what it sent to itself would come after its end.
 */
export function commitChanges(kernel: Kernel, changes: readonly Change[], within?: SurfaceOwner): void {
  const now = kernel.clock.now();
  const touched = new Map<SurfaceOwner, Change[]>();
  for (const change of changes) {
    const owner = change.after && liveOwner(kernel, change.after.agentId, change.after.route?.endpoint);
    const announcer = owner ?? kernel.get(SURFACES).ownerOf(change.surfaceId);
    for (const one of kernel.get(SURFACES).keep(change, owner, now)) {
      const own = touched.get(one) ?? [];
      touched.set(one, own);
      if (one === announcer) own.push(change);
    }
  }
  for (const [owner, own] of touched) {
    const { ref } = owner;
    if (!ref) continue;
    if (owner === within) for (const change of own) announceChange(kernel, ref, change);
    else tell(kernel.ref, ref, { type: 'owner.changed', changes: own });
  }
}

function liveOwner(kernel: Kernel, agentId: string | undefined, endpoint: string | undefined): SurfaceOwner {
  const { owner, isNew } = kernel.get(SURFACES).ownerFor(agentId, endpoint, kernel.clock.now());
  if (isNew) kernel.children.start(kernel.get(SURFACE_OWNER), owner.id, owner, { owner });
  return owner;
}

/** Removes surfaces; gives how many. */
export function removeSurfaces(kernel: Kernel, surfaceIds: readonly string[]): number {
  const changes = surfaceIds.map((surfaceId) => ({
    surfaceId,
    before: kernel.get(SURFACES).get(surfaceId),
    after: undefined,
  }));
  commitChanges(kernel, changes);
  return changes.length;
}

/**
 * Removes the surfaces of an agent that was removed, and ends the actions on them: whoever gets its id next is somebody
 * else, and must have neither them nor their credentials.
 */
export function removeSurfacesOf(kernel: Kernel, agentId: string): void {
  for (const { agentId: id, ref } of kernel.get(SURFACES).owners()) {
    if (id === agentId && ref) tell(kernel.ref, ref, { type: 'owner.revoked' });
  }
  removeSurfaces(
    kernel,
    [...kernel.get(SURFACES)].filter((surface) => surface.agentId === agentId).map(({ surfaceId }) => surfaceId),
  );
}

/** Removes what nobody has touched for too long; gives how many. */
export function reapSurfaces(kernel: Kernel): number {
  const then = kernel.clock.now() - kernel.limits.surfaceIdleMs;
  return removeSurfaces(
    kernel,
    kernel
      .get(SURFACES)
      .untouchedSince(then)
      .map(({ surfaceId }) => surfaceId),
  );
}
