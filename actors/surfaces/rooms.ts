import { WireError } from '../../protocol/errors.ts';
import { isSamePrincipal, type Principal } from '../../protocol/principal.ts';
import { MAX_SURFACE_ID } from '../../protocol/surfaces.ts';
import { FIND_TURN } from '../approvals/gated-turn.ts';
import { isFor, roomOf } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { markedId } from '../kernel/session-name.ts';
import type { Viewer } from '../kernel/sight.ts';
import type { Call } from '../requests/dispatcher.ts';
import type { SurfaceLabel } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/*
 * Whose surfaces are whose (`docs/protocol.md#principals`). The windows of the daemon's token and the agents of the
 * default tenant share one room, as on one person's machine; everybody else has one of their own. An id is a room's
 * own.
 */

/** Where a surface is, or would be. */
export type Place = Pick<SurfaceLabel, 'key' | 'owner' | 'surfaceId'>;

/** The place of that id in a room. */
export const placeIn = (owner: Principal, surfaceId: string): Place => ({
  key: markedId(owner, surfaceId, ':', MAX_SURFACE_ID),
  owner,
  surfaceId,
});

/**
 * The room that a client works in: its own, or that of the live turn which it answers and names.
 * @throws {WireError} `-32014`
 */
export function roomFor(
  { kernel, from, room }: Pick<Call<unknown>, 'kernel' | 'from' | 'room'>,
  sessionId: string | undefined,
): Principal {
  if (sessionId === undefined) return roomOf(from.principal);
  if (room) return roomOf(room);
  const turn = kernel.get(FIND_TURN)(sessionId, from);
  if (!turn) throw WireError.notFound('session');
  return roomOf(turn.owner);
}

/**
 * Whether a surface exists for this client: it is in its room, or its own work in another, or it sees that principal's
 * things.
 */
export const seesSurface = (
  viewer: Viewer,
  { owner, agentId, author: agent }: Pick<SurfaceLabel, 'owner' | 'agentId' | 'author'>,
): boolean => isFor({ is: 'owner', owner, agentId, agent, isRoom: true }, viewer);

/** Whether this client may remove it for nobody having touched it: whoever only observes may not. */
export const isInRoomOf = (from: Client, { owner }: Pick<SurfaceLabel, 'owner'>): boolean =>
  isSamePrincipal(roomOf(from.principal), owner) || (from.role === 'host' && from.tenant === owner.tenant);

/** What a client calls a surface that it sees: by its id in its own room, else by what it is kept under. */
export const surfaceIdFor = ({ principal }: Viewer, { key, owner, surfaceId }: Place): string =>
  isSamePrincipal(roomOf(principal), owner) ? surfaceId : key;

/**
 * The surface that a client means by an id: that of the room, else, where that is its own room, one that it sees, by
 * what that is kept under. Where there is none that exists for it, the place in the room. So is that of a new one,
 * whatever others have called theirs: where it `isNew`, only a mark leads to another's.
 */
export function placeFor(kernel: Kernel, from: Client, room: Principal, id: string, isNew = false): Place {
  const surfaces = kernel.get(SURFACES);
  const own = placeIn(room, id);
  if (surfaces.get(own.key)) return own;
  const other = surfaces.get(id);
  if (!other || !isSamePrincipal(room, roomOf(from.principal)) || (isNew && other.key === other.surfaceId)) return own;
  return seesSurface(from, other) ? other : own;
}
