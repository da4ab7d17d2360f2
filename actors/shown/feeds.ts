import type { FeedRecord } from '../../protocol/inspect.ts';
import { key } from '../kernel/key.ts';

/*
 * How brokers of a cluster hear of each other's actors: what the inspection feed of each is to the others (`docs/cluster.md`).
 */

/** What a feed tells, before it has a number. */
export type Happening = FeedRecord extends infer R ? (R extends unknown ? Omit<R, 'sequence'> : never) : never;

/** A record, and about how many bytes of JSON it is. */
export interface Sized {
  record: Happening;
  bytes: number;
}

/** The same with its number, which is its watcher's own. */
export interface Numbered {
  record: FeedRecord;
  bytes: number;
}

/** So much may wait on a watcher's way before the feed holds back, in bytes: what waits in the feed can still be dropped. */
export const MAX_UNSENT_BYTES = 256 * 1024;

/** What a record is that holds hardly anything, or besides what it holds, in bytes, roughly. */
export const HEAD_BYTES = 200;

/** Where a watcher's records go. */
export interface Reader {
  /** Whether it takes more. */
  readonly isReady: boolean;
  send(batch: readonly Numbered[]): void;
}

/** Who watches a feed, a connection or another broker. */
export interface FeedWatcher {
  /** The number of the last record that waits for it, or was sent. */
  readonly sequence: number;
}

/** The feed of this broker, for others. */
export interface OwnFeed {
  /** Has another broker watch: it is told of no actor before `tellWhole`. */
  open(reader: Reader): FeedWatcher;
  /** Tells another broker of every actor as it stands, after what it was told before. */
  tellWhole(watcher: FeedWatcher): void;
  /** That broker watches no more. */
  close(watcher: FeedWatcher): void;
  /** Tells one watcher something. Where there is no room its oldest records go. */
  push(watcher: FeedWatcher, sized: Sized): void;
}

/** See {@link OwnFeed}; not there where nobody may watch. */
export const OWN_FEED = key<OwnFeed>('the feed of this broker');

/** What other brokers tell of their actors, for whoever watches here. */
export interface OtherFeeds {
  /** It is told of their actors as they stand, by and by, and of what becomes of them. @returns the brokers' names */
  follow(watcher: FeedWatcher): readonly string[];
  leave(watcher: FeedWatcher): void;
}

/** See {@link OtherFeeds}; not there where there is no other broker. */
export const OTHER_FEEDS = key<OtherFeeds>('the feeds of other brokers');
