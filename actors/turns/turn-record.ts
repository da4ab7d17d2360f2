import type { TurnEvent, TurnFacts } from '../../machines/turn-events.ts';
import { type TurnEnding, type TurnValue, turnStatusOf } from '../../machines/turn-status.ts';
import { type CancelReason, type ChatParams, frontOf, type TurnStatus } from '../../protocol/chat.ts';
import type { CheckedEvent } from '../../protocol/events.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Front } from '../../protocol/grants.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Principal } from '../../protocol/principal.ts';
import { tokenHead } from '../../protocol/token.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { Approval } from '../approvals/approval-record.ts';
import type { Account, Accounts } from '../kernel/accounts.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { JsonText } from '../kernel/json-text.ts';
import { LazyMap, LazySet } from '../kernel/lazy.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { Callback } from '../tools/callback-record.ts';
import type { Ahead } from './ahead.ts';
import type { Asker } from './askers.ts';
import { AgentLine } from './resume/agent-line.ts';
import type { DetachedTurns } from './resume/detached-turns.ts';
import type { OpenedSecret } from './resume/logged-turn.ts';
import type { Opening } from './resume/opening.ts';
import type { Refill } from './resume/refill.ts';
import type { TurnLog } from './resume/turn-log.ts';
import type { OpenedLog } from './resume/turn-logs.ts';
import type { StandingGoal } from './standing-goal.ts';
import type { Subscription } from './subscription.ts';
import type { KeptAnswer } from './tool-answers.ts';
import type { WaitingCall } from './tool-waits.ts';
import type { TurnSpans } from './turn-spans.ts';
import type { TurnTape } from './turn-tape.ts';

/** The records that a turn's chart holds and is told of. */
export interface TurnHolds {
  turn: Turn;
  client: Client;
  callback: Callback;
  subscription: Subscription;
}

/** Everything that a turn hears. */
export type TurnHears = TurnEvent<TurnHolds>;

/** One turn's record: what its actor and the broker share. Plain and mutable, so that a token copies nothing (law 2). */
export class Turn implements TurnFacts {
  readonly id: string;
  /** As its host calls it. */
  readonly sessionId: string;
  /** As the broker keeps it, and as its agent calls it: see `agentSessionId`. */
  readonly sessionKey: string;
  /** Whose turn it is. */
  readonly owner: Principal;
  /** Of whoever opened it. */
  readonly accounts: Accounts | undefined;
  /** What pays for its deltas, where somebody has set a limit for them. */
  readonly deltaAccounts: readonly Account[] | undefined;
  readonly agentId: string;
  readonly conversationId: string | undefined;
  readonly model: string | undefined;
  /** By which front it came, as its host says. */
  readonly front: Front | undefined;
  /** How long its host may stay away, as the host wished. Milliseconds. */
  readonly resumeWindowMs: number;
  /** How its prompt begins: the rest is the agent's. */
  readonly promptHead: string;
  /** Its session's, where its host named none for it. */
  readonly standingGoal: StandingGoal | undefined;
  /** The parameters of `agent.chat`, until it was sent. */
  ask: JsonText | undefined;
  /** What all its token frames begin with. */
  readonly tokenHead: string;
  /**
   * The client that its events go to: who opened the turn, or who took it over. Absent while it is detached; without a
   * log it is always there.
   */
  host: Client | undefined;
  /** Its agent's connection; while the agent is away, the last one. */
  agent: Client;
  /** Whose events are taken: the agent's connection, as long as that is there. */
  speaker: Client | undefined;
  /** Of an agent that numbers its events. */
  readonly line: AgentLine | undefined;
  /** What its tools have answered while nobody was there to hear it, by `action_id`. */
  readonly toolAnswers = new LazyMap<string, KeptAnswer>();
  /** Tool calls that were asked for again, and wait for its host to come back. */
  readonly waitingCalls = new LazySet<WaitingCall>();
  /** Whoever waits for the ack. */
  askers: Asker[];
  /** The connection that opened it. Its id is its own for ever (law 15). */
  readonly openerId: string;
  /** Where its host has chosen the secret that resumes it. */
  readonly opening: Opening | undefined;
  /** The secret that resumes it, until its log is open: its ticket has the hash. */
  secret: OpenedSecret | undefined;
  /** The room for turns without a host. */
  readonly #detached: DetachedTurns;
  /** The id of the broker's `agent.chat`. */
  readonly callId: RpcId;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly maxHeldBytes: number;
  /** What it belongs to: the broker's own span, or what its host has said. */
  trace: TraceContext | undefined;
  spans: TurnSpans | undefined;
  /** Where it is recorded. */
  tape: TurnTape | undefined;
  /** Events sent to the host so far; the last one's `seq`. */
  seq = 0;
  /** Its agent had a turn before in this session: until the ack, an event without a turn's id is that one's. */
  readonly isFollower: boolean;
  /** When the agent was last heard, in the clock's milliseconds. */
  lastFrameAt: number;
  /** The host was told that the agent accepted: it is owed exactly one terminal. */
  isAccepted: boolean;
  /** The host has its terminal. */
  isTerminated = false;
  /** Its agent's acceptance has to be kept before its host hears of it: it may be resumed, and there is a journal. */
  readonly isKept: boolean;
  /** It was there before the broker was started anew. */
  readonly isRestored: boolean;
  /** While that is being kept, what the log will be. */
  opened: OpenedLog | undefined;
  /** And what takes it back that this is waited for. */
  stopWaiting: (() => void) | undefined;
  /** Where it may be resumed, from its acceptance on: its events (`wire.md` section 8). */
  log: TurnLog | undefined;
  /** Events and tool calls that overtook the ack, in order. */
  held: (CheckedEvent | Callback)[] = [];
  heldBytes = 0;
  heldTerminal: string | undefined;
  /** By the agent's own id for it. */
  readonly pendingApprovals = new LazyMap<string, Approval>();
  readonly maxPendingApprovals: number;
  /** Requests of its agent's that are parked at the gate, tool calls too. */
  readonly gates = new LazySet<Approval>();
  /** Who watches, besides the host: only turns with a log are watched. */
  readonly observers = new LazySet<Client>();
  /** Those of both who have more of it than there is. Undefined: nobody, nearly always. */
  ahead: Ahead | undefined;
  /** The highest `seq` that a host has claimed to have, where that was more than there was. */
  claimed = 0;
  /** What its agent says again from the beginning, at a broker that has nothing of it. */
  refill: Refill | undefined;
  /** It was there before the broker was started anew, and no host has come since. */
  awaitsHost: boolean;
  /** Tool calls that have not ended, by `request_id`. */
  readonly callbacks = new LazyMap<string, Callback>();
  /** From here on no tool is called and no approval raised. */
  isEnding = false;
  /** The agent was told to stop, and hears so only once. */
  isAgentTold = false;
  /** Why: the last of what it was, or would have been, told. */
  toldReason: CancelReason | undefined;
  /** When the grace of a cancel is over, in the clock's milliseconds. */
  graceEndsAt: number | undefined;
  /** The ack's deadline, that of its host's return, or that of a cancel's grace: never two of them. */
  deadline: Deadline | undefined;
  /** That of its agent's return. */
  agentDeadline: Deadline | undefined;
  ref: (ActorOf<TurnHears> & { getSnapshot(): { value: TurnValue; status: string } }) | undefined;

  constructor(options: {
    id: string;
    sessionId: string;
    sessionKey: string;
    params: Pick<ChatParams, 'agent_id' | 'conversation_id' | 'model' | 'resume_window_ms' | 'prompt' | 'context'>;
    /** Who opens it; of one from before a restart, who has. */
    host: Client | Pick<Client, 'id' | 'principal'>;
    accounts?: Accounts | undefined;
    agent: Client;
    askers: Asker[];
    opening: Opening | undefined;
    detached: DetachedTurns;
    callId: RpcId;
    createdAt: number;
    now: number;
    limits: Limits;
    standingGoal: StandingGoal | undefined;
    isFollower: boolean;
    isKept: boolean;
    /** Of one from before a restart: neither its host nor its agent is there. */
    restored?: { front: Front | undefined };
  }) {
    this.id = options.id;
    this.sessionId = options.sessionId;
    this.sessionKey = options.sessionKey;
    this.owner = options.host.principal;
    this.accounts = options.accounts;
    this.deltaAccounts = options.accounts?.ofDeltas;
    this.agentId = options.params.agent_id;
    const { conversation_id, model, resume_window_ms, prompt } = options.params;
    this.conversationId = conversation_id;
    this.model = model;
    this.front = options.restored ? options.restored.front : frontOf(options.params);
    this.resumeWindowMs = resume_window_ms;
    this.promptHead = headOf(prompt);
    this.tokenHead = tokenHead({ session_id: this.sessionId, turn_id: this.id, agent_id: this.agentId });
    this.standingGoal = options.standingGoal;
    this.isFollower = options.isFollower;
    this.isKept = options.isKept;
    this.isRestored = options.restored !== undefined;
    this.isAccepted = this.isRestored;
    this.awaitsHost = this.isRestored;
    this.host = options.restored ? undefined : (options.host as Client);
    this.agent = options.agent;
    this.speaker = options.restored ? undefined : options.agent;
    this.line = options.agent.resumes ? new AgentLine() : undefined;
    this.askers = options.askers;
    this.openerId = options.host.id;
    this.opening = options.opening;
    this.#detached = options.detached;
    this.callId = options.callId;
    this.createdAt = options.createdAt;
    this.lastFrameAt = options.now;
    this.maxHeldBytes = options.limits.maxUnackedBytes;
    this.maxPendingApprovals = options.limits.maxPendingApprovals;
  }

  /** Where it stands, or how it ended. */
  get status(): TurnStatus | TurnEnding {
    return this.ref ? turnStatusOf(this.ref.getSnapshot().value) : 'dispatching';
  }

  get hasLog(): boolean {
    return this.log !== undefined;
  }

  get hasHost(): boolean {
    return this.host !== undefined;
  }

  get hasAgent(): boolean {
    return this.speaker !== undefined;
  }

  /** It is from before a restart, or from another broker, and its agent has not come since. */
  get isRecovering(): boolean {
    return this.isRestored && this.log?.isBehind === true;
  }

  get isCancelled(): boolean {
    return this.graceEndsAt !== undefined;
  }

  get resumes(): boolean {
    return this.line !== undefined;
  }

  get mayDetach(): boolean {
    // Before the ack only one whose host can find it again.
    const isFound = this.hasLog || (!this.isAccepted && this.opening !== undefined);
    return isFound && this.#detached.mayAdd(this.openerId);
  }
}

/** Characters of a prompt that are kept, to be shown. */
const PROMPT_HEAD = 400;

/** A copy: a part of a long text keeps all of it. */
function headOf(prompt: string): string {
  return prompt.length <= PROMPT_HEAD ? prompt : `${Buffer.from(prompt.slice(0, PROMPT_HEAD)).toString()}…`;
}
