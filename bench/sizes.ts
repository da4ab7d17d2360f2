/** How much of everything is done. */
export interface Sizes {
  /** How often each target is measured, interleaved with the others. */
  rounds: number;
  /** Deltas of each of the 100 turns. */
  deltas: number;
  /** Deltas of the turn that is alone. */
  deltasAlone: number;
  /** How long a paced run takes, in seconds. */
  pacedSeconds: number;
  /** Numbers of live turns at which others are opened and ended. */
  live: readonly number[];
  /** Turns opened and ended in one run at each of these. */
  churned: number;
  /** Idle connections, and live turns, whose memory is measured. */
  connections: number;
  liveTurns: number;
  /** Streams of a front that are open at once, and for how long they say nothing, in seconds. */
  streams: number;
  idleSeconds: number;
  /** Turns one after another: up to the first measurement, and in all. */
  soakBase: number;
  soakTurns: number;
  /** Deltas of each of the 100 turns with everything on, and off: enough for more than a second. */
  featureDeltas: number;
  /** Facts of one agent's memory. */
  facts: number;
  /** Entries of the audit. */
  auditEntries: number;
  /** A journal that a broker is started on. */
  journalBytes: number;
  /** Sessions of an attached program, with a process each. */
  attached: number;
  /** Chats opened and ended one after another, across brokers. */
  opened: number;
  /** How long a process gets to finish what it does after its last reply, before its memory is read. */
  settleMs: number;
}

/** What the goals are judged by. */
export const FULL: Sizes = {
  rounds: 5,
  deltas: 1_000,
  deltasAlone: 50_000,
  pacedSeconds: 3,
  live: [10, 1_000, 10_000],
  churned: 5_000,
  connections: 2_000,
  liveTurns: 10_000,
  streams: 5_000,
  // Longer than it takes a stream to say that it is still there.
  idleSeconds: 20,
  soakBase: 10_000,
  soakTurns: 1_000_000,
  featureDeltas: 5_000,
  facts: 100_000,
  auditEntries: 100_000,
  journalBytes: 1024 ** 3,
  attached: 60,
  opened: 500,
  settleMs: 1_000,
};

/** For trying, in about 20 s on an idle machine: far too little to judge by. */
export const QUICK: Sizes = {
  rounds: 2,
  deltas: 150,
  deltasAlone: 5_000,
  pacedSeconds: 0.25,
  live: [10, 1_000],
  churned: 200,
  connections: 300,
  liveTurns: 1_000,
  streams: 300,
  idleSeconds: 1,
  soakBase: 1_000,
  soakTurns: 4_000,
  featureDeltas: 200,
  facts: 5_000,
  auditEntries: 5_000,
  journalBytes: 32 * 1024 ** 2,
  attached: 10,
  opened: 20,
  settleMs: 100,
};
