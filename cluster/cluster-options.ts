import type { Carrier } from '../link/carrier.ts';
import type { Directory } from './directory.ts';
import type { EndedTurnStore } from './ended-turn-store.ts';

/** What makes a broker one of several (`docs/cluster.md`). */
export interface ClusterOptions {
  /** This broker's name, unlike any other's: 1–64 of `[A-Za-z0-9_-]`. */
  readonly id: string;
  /** The cluster's name: brokers of another one with the same tokens are strangers. Default: none. */
  readonly name?: string;
  /** The id of this life of it, where it is known before. Default: the journal's, or one that is made. */
  readonly epoch?: string;
  /** How frames get to the others. The broker opens and closes it. */
  readonly carrier: Carrier;
  /** What all know together. The broker opens and closes it. */
  readonly directory: Directory;
  /**
   * Where logs of resumable turns go that have ended, for a broker that is asked for one while its owner is gone. The broker opens
   * and closes it. Default: nobody but its owner knows an ended turn.
   */
  readonly endedTurns?: EndedTurnStore;
  /**
   * The broker that keeps what there is once: registered agents, keys, agents' memory, goals and meetings. The others send
   * whoever asks for these there. Default: each keeps its own.
   *
   * The directory remembers it. Another one does not take that place by itself: it cannot be joined (`ClusterError`).
   */
  readonly home?: string;
  /** The broker that was home before, and is no more: `home` takes its place. Default: none. */
  readonly homeBefore?: string;
  /** Of what build this broker is, which others compare with theirs. Default: the package's version. */
  readonly version?: string;
  /** So much time is between two messages to another broker, in which what is said to it is gathered. Milliseconds. Default: 2. */
  readonly flushMs?: number;
  /** Where people reach this broker, for others to tell. */
  readonly urls?: () => readonly string[];
  /** Brokers that are to be there: until there was a link with each of them, this one is not ready (`/readyz`). Default: none. */
  readonly peers?: readonly string[];
  /** Told once, when there was. Never throws. */
  readonly joined?: () => void;
  /** Where several stop together. Default: it stops by itself. */
  readonly together?: StopTogether;
  /** Where `/metrics` is one for all brokers. Default: it is this broker's own. */
  readonly metrics?: ClusterMetrics;
}

/** How brokers of one daemon stop: none before the turns of all have ended, or have had their time, and the home broker last. */
export interface StopTogether {
  /** Called once: what this broker has to say, and how it hears that `held` has changed. */
  serve(own: { turns(): number; changed(): void }): void;
  /** Whether this one is to go on although it has no turns: until the time for turns is over, or beyond that. */
  readonly held: 'until drained' | 'until last' | undefined;
}

/** How brokers that answer `/metrics` as one ask each other. */
export interface ClusterMetrics {
  /** Called once: `read` says what this broker has to tell, to whichever other one is scraped. */
  serve(read: () => Promise<string>): void;
  /**
   * What the others say, of those that do within a second.
   * @throws {Error} where nobody can be asked
   */
  gather(): Promise<GatheredMetrics>;
}

/** See {@link ClusterMetrics.gather}. */
export interface GatheredMetrics {
  /** What each `read` said. */
  readonly answers: readonly string[];
  /** Brokers there are to be, this one too. */
  readonly workers: number;
  /** Of them, how many did not answer in time, and how many do not run now. */
  readonly silent: number;
  readonly down: number;
  /** How often one was started again, by its name. */
  readonly restarts: readonly (readonly [string, number])[];
}
