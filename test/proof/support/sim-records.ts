/** `process`: acknowledged once it is written. `disk`: once it is synced. */
export type SimMode = 'process' | 'disk';

/** What an agent says. One that cannot be read takes its `aseq`, and no `seq`. */
export interface SimEvent {
  kind: 'token' | 'unreadable' | 'done';
  index: number;
}

/** What a broker keeps of an event. */
export interface SimRecord {
  aseq: number;
  seq: number;
  event: SimEvent | 'lost';
  /** It has no `seq` of its own. */
  isSkipped: boolean;
}

/** From the agent. */
export type SimFrame = { kind: 'resume' } | { kind: 'event'; aseq: number; event: SimEvent };

/** To the agent. `isOver`: the turn has ended, and nobody waits for the rest. */
export type SimTold =
  | { kind: 'resumed'; conn: number; after: number; released: number; isOver: boolean }
  | { kind: 'ack'; conn: number; released: number }
  | { kind: 'rewind'; conn: number; after: number };

/** What one connection of the agent's has on its way to the broker, in order. */
export interface Frames {
  conn: number;
  frames: SimFrame[];
}

/** A mistake in the design that can be made on purpose, to see that it is found. */
export const SIM_FAULTS = [
  /** The broker's own terminal comes after what it has, not after what its readers have. */
  'terminalAtHead',
  /** Whoever has more than there is gets no terminal. */
  'noRestamp',
  'noDedup',
  /** Acknowledged before it is kept. */
  'ackEarly',
  /** An agent sends everything again, from the first event on. */
  'resendAll',
  /** Whoever has more than there is is refused. */
  'rejectAhead',
  /** The answer to `agent.resume` lets the agent go of nothing. */
  'noResumeAck',
  /** It lets the agent go of what is in memory alone. */
  'ackMemory',
  /** It says that the turn is over before that is kept: the agent forgets what nobody has. */
  'endedEarly',
  /** An event is taken though those before it are missing. */
  'acceptGap',
  /** Events are taken by any connection, whoever's turn it is now. */
  'anyConn',
  /** The broker's own terminal is sent before it is synced. */
  'unsyncedTerminal',
] as const;

/** One of them; or `sendFirst`, sent before it is written, which is none: the agent makes it again. */
export type SimFault = (typeof SIM_FAULTS)[number] | 'sendFirst';

export const isLast = (index: number, count: number): boolean => index === count - 1;
