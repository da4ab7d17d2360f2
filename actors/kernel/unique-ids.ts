import { v7 } from 'uuid';

/** Ids sort by the time they were made, so that a listing or a log reads in order. */
export const createClientId = (): string => `client-${v7()}`;

/** See {@link createClientId}. */
export const createTurnId = (): string => `turn-${v7()}`;

/** See {@link createClientId}. */
export const createApprovalId = (): string => `approval-${v7()}`;

/** What the ids of one broker's events begin with; their sequence makes them unique. A random id each would be felt. */
export const createEventPrefix = (): string => `event-${v7()}-`;
