import type { Carrier } from '../../link/carrier.ts';
import type { Directory } from './directory.ts';

/** What makes a broker one of several (`docs/cluster.md`). */
export interface ClusterOptions {
  /** This broker's name, unlike any other's: 1–64 of `[A-Za-z0-9_-]`. */
  readonly id: string;
  /** How frames get to the others. The broker opens and closes it. */
  readonly carrier: Carrier;
  /** What all know together. The broker opens and closes it. */
  readonly directory: Directory;
  /**
   * The broker that keeps what there is once: registered agents, keys, agents' memory, goals and meetings. The others send
   * whoever asks for these there. Default: each keeps its own.
   */
  readonly home?: string;
  /** How long what is said to a busy peer is gathered. Milliseconds. Default: 2. */
  readonly flushMs?: number;
  /** Where people reach this broker, for others to tell. */
  readonly urls?: () => readonly string[];
}
