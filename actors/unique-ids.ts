import { v7 } from 'uuid';

/** Ids sort by the time they were made, so that a listing or a log reads in order. */
export const createClientId = (): string => `client-${v7()}`;

/** See {@link createClientId}. */
export const createTurnId = (): string => `turn-${v7()}`;

/** See {@link createClientId}. */
export const createApprovalId = (): string => `approval-${v7()}`;

/** See {@link createClientId}. */
export const createEventId = (): string => `event-${v7()}`;
