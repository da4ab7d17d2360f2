/** One connection, and all that it must have been sent. */
export class Line {
  readonly name: string;
  /** It has the host role, and may what each turn's own host may. */
  readonly isBoss: boolean;
  isOpen = true;
  /** So much waits for it that it may ask for no more. */
  isLagging = false;
  /** Of each turn, by number: `1 token a`. */
  readonly events = new Map<number, string[]>();
  /** Requests and notifications of the broker's, apart from events. */
  readonly told: string[] = [];
  /** By the request's id: `ok`, or the error's code, and of what is not plain by that, why. */
  readonly replies = new Map<number, string>();
  /** Requests that it has not answered. */
  readonly chats: Turn[] = [];
  readonly approves: { approval: Approval; nth: number }[] = [];
  readonly tools: Call[] = [];
  /** Tool calls that it has asked for, as an agent. */
  readonly calls: Call[] = [];
  /** Turns whose host it is, in the order in which it became that. */
  readonly turns = new Set<Turn>();
  /** Turns that it answers. */
  readonly serving = new Set<Turn>();

  constructor(name: string, isBoss = false) {
    this.name = name;
    this.isBoss = isBoss;
  }

  tell(what: string): void {
    if (this.isOpen) this.told.push(what);
  }
  reply(id: number, what: string | number): void {
    if (this.isOpen) this.replies.set(id, String(what));
  }
  hear(turn: Turn, event: string): void {
    if (!this.isOpen) return;
    const heard = this.events.get(turn.number);
    if (heard) heard.push(event);
    else this.events.set(turn.number, [event]);
  }
}

/** What an agent says: an event, in short. */
export interface Said {
  kind: 'token' | 'mood' | 'ask' | 'settle' | 'done' | 'error' | 'auth_required';
  /** The delta, or the id of the approval. */
  detail: string;
}

export interface Timer {
  at: number;
  order: number;
  run(): void;
}

export interface Turn {
  number: number;
  session: string;
  agent: Line;
  host: Line | undefined;
  opener: Line;
  request: number;
  windowMs: number;
  status: 'dispatching' | 'streaming' | 'parked' | 'detached' | 'cancelling' | 'ended';
  ending: string;
  endedAt: number;
  endedOrder: number;
  /** This connection of its agent's had the turn before in its session. */
  isFollower: boolean;
  /** What overtook the ack. */
  held: (Said | Call)[];
  /** Nobody waits for the ack any more, but one that comes is answered. */
  isAckLate: boolean;
  seq: number;
  log: string[] | undefined;
  observers: Set<Line>;
  /** Of the last controller by subscribe. */
  claim: string | undefined;
  approvals: Map<string, Approval>;
  calls: Set<Call>;
  heardAt: number;
  timer: Timer | undefined;
  graceEndsAt: number;
}

/** An `agents.chat`. */
export interface Chat {
  host: Line;
  request: number;
  session: string;
  agentId: string;
  windowMs: number;
}

export interface Approval {
  turn: Turn;
  id: string;
  /** The answer that is on its way to the agent. */
  taken: { by: Line; request: number; nth: number; decision: boolean; timer: Timer } | undefined;
  isSettledMeanwhile: boolean;
  answers: number;
}

export interface Call {
  id: string;
  turn: Turn;
  host: Line;
  request: number;
  isStarted: boolean;
  isOver: boolean;
  timer: Timer | undefined;
  endsAt: number;
}

export const isTerminal = ({ kind }: Said): boolean => kind === 'done' || kind === 'error' || kind === 'auth_required';
