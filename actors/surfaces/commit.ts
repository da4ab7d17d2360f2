import { agentKey, type Principal } from '../../protocol/principal.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { announceChange } from './feeds.ts';
import { SURFACE_OWNER, type SurfaceOwner } from './owner-record.ts';
import type { Change, Surface } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/**
 * Makes drafted changes so, all of them at once; the owners that they touch announce them.
 * @param within the owner whose actor does this itself: what it sent to itself would come after its end.
 */
export function commitChanges(kernel: Kernel, changes: readonly Change[], within?: SurfaceOwner): void {
  const now = kernel.clock.now();
  const touched = new Map<SurfaceOwner, Change[]>();
  for (const change of changes) {
    const owner = change.after && liveOwner(kernel, change.after);
    const announcer = owner ?? kernel.get(SURFACES).ownerOf(change.key);
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

function liveOwner(kernel: Kernel, { owner: room, agentId, author, route }: Surface): SurfaceOwner {
  const by = { room, agentId, author, endpoint: route?.endpoint };
  const { owner, isNew } = kernel.get(SURFACES).ownerFor(by, kernel.clock.now());
  if (isNew) kernel.children.start(kernel.get(SURFACE_OWNER), owner.id, owner, { owner });
  return owner;
}

/** The removal of a surface, as a change. */
export const removalOf = (before: Surface): Change => {
  const { key, owner, surfaceId } = before;
  return { key, owner, surfaceId, before, after: undefined };
};

/** Removes surfaces. */
export function removeSurfaces(kernel: Kernel, surfaces: readonly Surface[]): void {
  commitChanges(kernel, surfaces.map(removalOf));
}

/**
 * Removes the surfaces of an agent that was removed, and ends the actions on them: whoever gets its id next is somebody
 * else, and must have neither them nor their credentials.
 */
export function removeSurfacesOf(kernel: Kernel, removed: string): void {
  const isOf = (room: Principal, agentId: string | undefined) =>
    agentId !== undefined && agentKey(room.tenant, agentId) === removed;
  for (const { of, ref } of kernel.get(SURFACES).owners()) {
    if (isOf(of.room, of.agentId) && ref) tell(kernel.ref, ref, { type: 'owner.revoked' });
  }
  removeSurfaces(
    kernel,
    [...kernel.get(SURFACES)].filter(({ owner, agentId }) => isOf(owner, agentId)),
  );
}

/** Removes what nobody has touched for too long, of those that `mayGo` says; gives them. */
export function reapSurfaces(kernel: Kernel, mayGo: (surface: Surface) => boolean = () => true): Surface[] {
  const then = kernel.clock.now() - kernel.limits.surfaceIdleMs;
  const idle = kernel.get(SURFACES).untouchedSince(then).filter(mayGo);
  removeSurfaces(kernel, idle);
  return idle;
}
