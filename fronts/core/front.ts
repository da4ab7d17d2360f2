import type { Front } from '../../protocol/grants.ts';
import type { Link } from '../../protocol/link.ts';
import type { FrontsOptions } from '../options.ts';
import type { FrontCore } from './core.ts';
import type { FrontError } from './errors.ts';
import type { Exchange, Who } from './exchange.ts';

/** What answers one kind of request below a front's path. */
export interface FrontRoute {
  /** A route for GET answers HEAD, too. */
  method: 'GET' | 'POST' | 'DELETE';
  /** The whole path below the front's own, which begins with a slash. Its groups are handed over, percent-decoded. */
  path: RegExp;
  /** Answered without a key. Default false. */
  isPublic?: true;
  /** What it throws is answered by {@link FrontServer.errorBody}; a fault of ours with 500, and logged. */
  answer(exchange: Exchange, ...ids: string[]): Promise<void>;
}

/** What takes WebSockets below a front's path. */
export interface FrontSocket {
  /** As a route's. */
  path: RegExp;
  /** Whose the link is to be; resolves to what takes it. @throws {FrontError} @throws what `frontErrorOf` knows */
  open(who: Who, ...ids: string[]): Promise<(link: Link) => void>;
}

/** One front, as it serves: a mapping, and nothing that all fronts share. */
export interface FrontServer {
  routes: readonly FrontRoute[];
  /** Default: none. Its place says so, too. */
  socket?: FrontSocket;
  /** An error as JSON, as this front's clients read it. */
  errorBody(error: FrontError): unknown;
  /** Headers that go with it beside `retry-after` and its own. Default: none. */
  errorHeaders?(error: FrontError): Readonly<Record<string, string>>;
  /** Headers of its responses that a page may read. Default: none. */
  exposed?: readonly string[];
}

/** Where a front is, and what has it when somebody asks for the first time. */
export interface FrontPlace {
  /** What its paths begin with: `/v1`. */
  path: string;
  /** Whether it is served unless somebody says which are: not, where it tells anything to whoever has no key. */
  isDefault: boolean;
  /** Whether WebSockets are taken below its path. Default false: what comes there is a client of ours. */
  hasSockets?: true;
  /** Other paths of the broker's that are its, and what below its own each stands for. Default: none. */
  aliases?(options: FrontsOptions): Readonly<Record<string, string>>;
  /** Loads it. */
  open(): Promise<(core: FrontCore) => FrontServer>;
}

export type { Front };
