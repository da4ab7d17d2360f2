import type { MovedTurn } from '../turns/moved-turn.ts';

/*
 * A long turn goes from one broker to another in parts, each asked for when the one before has come: whatever else there is goes
 * in between, and no link is lost by it.
 */

/** So much is in one part, and a turn that takes no more goes in one. Characters, or bytes. */
export const PART_LENGTH = 256 * 1024;
/** What an event takes besides its text. */
const ENTRY_LENGTH = 8;

type Entry = MovedTurn['log']['entries'][number];

/** A turn that another broker is asked for. */
export interface Asked {
  agent: string;
  /** Of the agent's connection at whoever asks: who has a newer one keeps its turns. */
  revision: number;
  turn_id: string;
  session_key: string;
}

/**
 * What it answers. `next`: its events are to be asked for, from there on. `later`: it is not ready, or gives it to somebody
 * else.
 */
export type Given = { turn: MovedTurn; next?: number } | { is: 'ended' | 'unknown' | 'later' };

/** The next part of a turn that it gives. */
export interface AskedPart {
  turn_id: string;
  at: number;
}

/** What it answers. `unknown`: the turn is there no more, or not that broker's to have. */
export type GivenPart = MovedPart | { is: 'unknown' | 'later' };

/** Some of what a turn's log has. */
export interface MovedPart {
  dropped: string[];
  entries: Entry[];
  /** Where the next one begins; null: there is none. */
  next: number | null;
}

/** All of it but its events: what comes first. */
export const withoutEvents = ({ log, ...turn }: MovedTurn): MovedTurn => ({
  ...turn,
  log: { ...log, entries: [], dropped: log.dropped && [] },
});

/** The same with its text in pieces, none of which is longer than a part. */
export function inPieces({ log, ...turn }: MovedTurn): MovedTurn {
  return { ...turn, log: { ...log, dropped: log.dropped?.flatMap(piecesOf) } };
}

/** What of it is given next. */
export function partOf({ log: { dropped = [], entries } }: MovedTurn, from: number): MovedPart {
  const part: MovedPart = { dropped: [], entries: [], next: null };
  let at = from;
  for (let length = 0; length < PART_LENGTH; at += 1) {
    const text = dropped[at];
    const entry = entries[at - dropped.length];
    if (text !== undefined) part.dropped.push(text);
    else if (entry !== undefined) part.entries.push(entry);
    else return part;
    length += ENTRY_LENGTH + lengthOf(text ?? entry ?? '');
  }
  return { ...part, next: at };
}

/** Puts a part to what has come before. */
export function addPart({ log }: MovedTurn, { dropped, entries }: MovedPart): void {
  for (const text of dropped) log.dropped?.push(text);
  for (const entry of entries) log.entries.push(entry);
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PART_LENGTH) pieces.push(text.slice(at, at + PART_LENGTH));
  return pieces;
}

const lengthOf = (entry: Entry): number =>
  typeof entry === 'string' ? entry.length : entry.text.length + (entry.delta?.length ?? 0);
