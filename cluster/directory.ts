/** Where an agent is attached: a connection at one broker. */
export interface Place {
  /** The broker's name. */
  readonly broker: string;
  /** The id of its life. */
  readonly epoch: string;
  /** The connection's id there. */
  readonly client: string;
  /** The order of attaches, over all brokers: the largest is the newest. */
  readonly revision: number;
}

/** Who hears of a {@link Directory}. Never called from inside a call to it, and never throws. */
export interface DirectoryHandlers {
  /** An agent is attached there: newer than all that was told of it. It may be this broker's own. */
  attached(agentKey: string, place: Place): void;
  /** That connection, which was the newest, is gone. */
  detached(agentKey: string, place: Place): void;
  /** An attach of this broker's own is older than what is there: its connection is not the newest. */
  lost?(agentKey: string, client: string): void;
  /** A registered agent, or a key, was made, changed or removed (`undefined`). `record` is whoever wrote it's own. */
  registered?(name: string, record: string | undefined): void;
}

/** Whether a name was claimed, and who holds it otherwise. */
export type Claim = { readonly isOurs: true } | { readonly isOurs: false; readonly broker: string };

/**
 * What the brokers of one cluster know together: which agent is attached where, and who holds a session whose id its caller
 * chose. On one machine the supervisor keeps it; over NATS, buckets of JetStream's KV do.
 *
 * It tells what it knew at the start as `attached`, before `open` resolves.
 */
export interface Directory {
  /** False while it cannot be written: what is read may be old. */
  readonly isConnected: boolean;
  /**
   * Called once, with this broker's name and the id of its life.
   * @throws what keeps it from that
   */
  open(self: { readonly id: string; readonly epoch: string }, handlers: DirectoryHandlers): Promise<void>;
  /** An agent has attached here. It is `attached` when its place in the order is known; while it is not, this is said again. */
  attach(agentKey: string, client: string): void;
  /** That connection is gone. Where another one is the newest this changes nothing. */
  detach(agentKey: string, client: string): void;
  /**
   * Claims a name for this life of this broker. What a life held that is over is free.
   * @throws {Error} where it cannot be asked now, within a second
   */
  claim(name: string): Promise<Claim>;
  /** Lets go of it; where it is another's this changes nothing. */
  release(name: string): void;
  /** That life of a broker is over: what was attached there is gone, what it claimed is free. */
  buried(broker: string, epoch: string): void;
  /** Writes what all are to know under a name, an agent's key say. @throws where it cannot be written now */
  register?(name: string, record: string | undefined): Promise<void>;
  close(): Promise<void>;
}
