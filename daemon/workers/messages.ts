import type { GatheredMetrics } from '../../cluster/cluster-options.ts';
import type { Claim } from '../../cluster/directory.ts';
import type { Life, News } from '../../cluster/directory-book.ts';
import type { Settings } from '../config.ts';

/** What a worker needs to begin. It goes over the pipe between the two processes: there are secrets in it. */
export interface Beginning {
  /** The worker's name: `1` is the home broker. */
  readonly id: string;
  /** Of all workers. */
  readonly names: readonly string[];
  /** There is no other one yet. */
  readonly isFirst: boolean;
  readonly settings: Settings;
  /** What was given explicitly, and where. */
  readonly given: readonly (readonly [string, string])[];
  readonly tokens: { readonly daemon: string; readonly host: string };
  /** Where to listen: 0 where the first of them finds a free one. */
  readonly port: number;
  /** The Unix socket to listen on too; the supervisor has made room for it. */
  readonly socket: string | null;
}

/** A question to the {@link Directory} of all, which the supervisor keeps. Those with a number are answered. */
export type DirectoryCall =
  | { readonly call: 'open'; readonly self: Life; readonly ask: number }
  | { readonly call: 'attach' | 'detach'; readonly agentKey: string; readonly client: string }
  | { readonly call: 'claim'; readonly name: string; readonly ask: number }
  | { readonly call: 'release'; readonly name: string }
  | { readonly call: 'register'; readonly name: string; readonly record?: string; readonly ask: number };

/** What the supervisor says to a worker. */
export type ToWorker =
  | { readonly type: 'begin'; readonly beginning: Beginning }
  /** It stops, but ends no sooner than it is told to by the next one, or when its time for turns is over. */
  | { readonly type: 'stop' }
  | { readonly type: 'release' }
  /** Whether it is there. */
  | { readonly type: 'ping' }
  | { readonly type: 'reload' }
  | { readonly type: 'news'; readonly news: News }
  | { readonly type: 'answer'; readonly ask: number; readonly claim?: Claim; readonly error?: string }
  | { readonly type: 'read'; readonly ask: number }
  | { readonly type: 'gathered'; readonly ask: number; readonly gathered: GatheredMetrics };

/** What a worker says to the supervisor. */
export type ToSupervisor =
  | { readonly type: 'hello' }
  /** It takes connections. `reloads`: whether a SIGHUP has anything to do there. */
  | { readonly type: 'listening'; readonly url: string; readonly reloads: boolean }
  /** It cannot start, and ends: the line that says why, and the exit code that goes with it. */
  | { readonly type: 'failed'; readonly message: string; readonly code: number }
  | ({ readonly type: 'directory' } & DirectoryCall)
  /** It is there. `turns`: live ones, while it stops; undefined while it does not. */
  | { readonly type: 'pong'; readonly turns?: number }
  | { readonly type: 'gather'; readonly ask: number }
  | { readonly type: 'metrics'; readonly ask: number; readonly text: string };

/** The end of a pipe that a worker, or its supervisor, has. What is sent to a process that is gone is gone. */
export interface Pipe<Out> {
  send(message: Out): void;
  /** Whether what is asked for would get there soon. Default: it would. */
  readonly hasRoom?: boolean;
}
