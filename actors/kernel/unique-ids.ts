import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Ids sort by the time they were made, so that a listing or a log reads in order. */
export const createClientId = (): string => `client-${v7()}`;

/** See {@link createClientId}. */
export const createTurnId = (): string => `turn-${v7()}`;

/** See {@link createClientId}. */
export const createApprovalId = (): string => `approval-${v7()}`;

/** The id of one broker's life. */
export const createEpoch = (): string => `epoch-${v7()}`;

/**
 * What stands in ids that one broker's life counts up, so that no other broker of its cluster and no other life of it has the
 * same. Empty where it is the only one.
 */
export const callPrefix = ({ brokerId, epoch }: { brokerId: string | undefined; epoch: string }): string =>
  brokerId === undefined ? '' : `${brokerId}.${epoch.slice(-6)}.`;

/** Random bytes of an event's id. */
const EVENT_ID_BYTES = 12;
/** Random bytes are asked for so many at once: to ask for each id would be felt. */
const POOL_BYTES = 256 * EVENT_ID_BYTES;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** The id of an event. It is random: nobody reads in it how much has happened that they may not know of. */
export function createEventId(): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString('base64url', used, used + EVENT_ID_BYTES);
  used += EVENT_ID_BYTES;
  return `event-${id}`;
}
