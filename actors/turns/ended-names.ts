import { createHash } from 'node:crypto';

/*
 * Under which names an ended turn is found: its own; its session's, for whoever names no turn; and that of what it was opened with,
 * for whoever opens it again. The last two are hashes, and say nothing of either.
 */

const TURN_NAME = /^turn-[A-Za-z0-9-]{1,59}$/;

/** Whether a turn's id may be one that a broker has made: whatever else a client names is looked for nowhere. */
export const isTurnName = (id: string): boolean => TURN_NAME.test(id);

/** Of the turn that has ended last in a session. */
export const nameOfSession = (sessionKey: string): string => `s-${hashOf(sessionKey)}`;

/** Of a turn whose host has chosen the secret, by the hash of that. */
export const nameOfOpening = (sessionKey: string, tokenHash: string): string =>
  `o-${hashOf(`${tokenHash} ${sessionKey}`)}`;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
