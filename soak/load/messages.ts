/** What a load process is told when it starts. */
export interface LoadPlan {
  url: string;
  /** The daemon's state directory: one that was started again has other tokens. */
  home: string;
  tokens: { daemon: string; host: string };
  /** Which of the load processes it is, and how many there are. */
  index: number;
  processes: number;
  /** Connections and live turns of this one. */
  connections: number;
  turns: number;
  /** Agents of each of them. */
  agents: number;
  /** Turns to open and end in the beginning, so that the store of those that can still be resumed is full. */
  ended: number;
  /** Clients whose connections are cut, and whose chats go on; with `lasts` there are no others, and the daemon dies, too. */
  lasting: { agents: number; hosts: number; turns: number };
  lasts: boolean;
  seed: number;
}

/** What the soak tells a load process. */
export type LoadOrder =
  | { do: 'connect'; plan: LoadPlan }
  /** All processes' agents are there. */
  | { do: 'begin' }
  /** Whether a collection is under way, which is no fault of the daemon's: no latency is taken. */
  | { do: 'mute'; muted: boolean }
  | { do: 'report' }
  /** The daemon is about to be killed, or was. */
  | { do: 'died' }
  /** No new turns; answered by `done` when all have ended, and all connections are closed. */
  | { do: 'finish' };

/** What a load process tells the soak. */
export type LoadNews =
  | { news: 'connected' }
  /** The store of ended turns is full, and as many turns live as should. */
  | { news: 'warm' }
  | { news: 'report'; report: LoadReport }
  | { news: 'done' };

/** What a load process has done since its last report, apart from `live` and `connections`, which are so now. */
export interface LoadReport {
  live: number;
  connections: number;
  /** How often each thing was done or seen. */
  counts: Record<string, number>;
  /** Latencies from an agent's write to a host's read, as `Histogram.counts`. */
  latencies: readonly number[];
  /** Promises that were broken, in words; no more than a few of them. */
  breaches: readonly string[];
  breachCount: number;
}
