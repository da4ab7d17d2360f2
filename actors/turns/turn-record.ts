import type { TurnEvent, TurnFacts } from '../../machines/turn.machine.ts';
import { type TurnEnding, type TurnValue, turnStatusOf } from '../../machines/turn-status.ts';
import type { ChatParams, TurnStatus } from '../../protocol/chat.ts';
import type { CheckedEvent } from '../../protocol/events.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Limits } from '../../protocol/limits.ts';
import { tokenHead } from '../../protocol/token.ts';
import type { Approval } from '../approvals/approval-record.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { JsonText } from '../kernel/json-text.ts';
import { LazyMap, LazySet } from '../kernel/lazy.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { Callback } from '../tools/callback-record.ts';
import type { TurnLog } from './resume/turn-log.ts';
import type { Subscription } from './subscription.ts';

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
  readonly sessionId: string;
  readonly agentId: string;
  readonly conversationId: string | undefined;
  readonly model: string | undefined;
  /** How long its host may stay away, as the host wished. Milliseconds. */
  readonly resumeWindowMs: number;
  /** How its prompt begins: the rest is the agent's. */
  readonly promptHead: string;
  /** The parameters of `agent.chat`, until it was sent. */
  ask: JsonText | undefined;
  /** What all its token frames begin with. */
  readonly tokenHead: string;
  /**
   * The client that its events go to: who opened the turn, or who took it over. Absent while it is detached; without a
   * log it is always there.
   */
  host: Client | undefined;
  readonly agent: Client;
  /** The `agents.chat` to answer; absent where it came as a notification. */
  readonly requestId: RpcId | undefined;
  /** The id of the broker's `agent.chat`. */
  readonly callId: RpcId;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly maxHeldBytes: number;
  /** Events sent to the host so far; the last one's `seq`. */
  seq = 0;
  /** When the agent was last heard, in the clock's milliseconds. */
  lastFrameAt: number;
  /** The host was told that the agent accepted: it is owed exactly one terminal. */
  isAccepted = false;
  /** The host has its terminal. */
  isTerminated = false;
  /** Where it may be resumed, from its acceptance on: its events (`wire.md` section 8). */
  log: TurnLog | undefined;
  /** Events and tool calls that overtook the ack, in order. */
  held: (CheckedEvent | Callback)[] = [];
  heldBytes = 0;
  heldTerminal: string | undefined;
  /** By the agent's own id for it. */
  readonly pendingApprovals = new LazyMap<string, Approval>();
  readonly maxPendingApprovals: number;
  /** Who watches, besides the host: only turns with a log are watched. */
  readonly observers = new LazySet<Client>();
  /** Tool calls that have not ended, by `request_id`. */
  readonly callbacks = new LazyMap<string, Callback>();
  /** From here on no tool is called and no approval raised. */
  isEnding = false;
  /** The agent was told to stop, and hears so only once. */
  isAgentTold = false;
  /** When the grace of a cancel is over, in the clock's milliseconds. */
  graceEndsAt: number | undefined;
  /** The ack's deadline, that of its host's return, or that of a cancel's grace: never two of them. */
  deadline: Deadline | undefined;
  ref: (ActorOf<TurnHears> & { getSnapshot(): { value: TurnValue; status: string } }) | undefined;

  constructor(options: {
    id: string;
    sessionId: string;
    params: ChatParams;
    host: Client;
    agent: Client;
    requestId: RpcId | undefined;
    callId: RpcId;
    createdAt: number;
    now: number;
    limits: Limits;
  }) {
    this.id = options.id;
    this.sessionId = options.sessionId;
    this.agentId = options.params.agent_id;
    const { conversation_id, model, resume_window_ms, prompt } = options.params;
    this.conversationId = conversation_id;
    this.model = model;
    this.resumeWindowMs = resume_window_ms;
    this.promptHead = headOf(prompt);
    this.tokenHead = tokenHead({ session_id: this.sessionId, turn_id: this.id, agent_id: this.agentId });
    this.host = options.host;
    this.agent = options.agent;
    this.requestId = options.requestId;
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

  get mayDetach(): boolean {
    return this.log?.budget.mayDetach(this.log.key.openerId) === true;
  }
}

/** Characters of a prompt that are kept, to be shown. */
const PROMPT_HEAD = 400;

/** A copy: a part of a long text keeps all of it. */
function headOf(prompt: string): string {
  return prompt.length <= PROMPT_HEAD ? prompt : `${Buffer.from(prompt.slice(0, PROMPT_HEAD)).toString()}…`;
}
