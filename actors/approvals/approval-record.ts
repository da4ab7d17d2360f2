import type { AnyActorRef } from 'xstate';
import type { ApprovalAsker, ApprovalEvent, ApprovalFacts } from '../../machines/approval.machine.ts';
import type { ApprovalOrigin, ApprovalRow, ApprovalStatus } from '../../protocol/approvals.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { toMoment } from '../../protocol/moment.ts';
import { isSamePrincipal, type Principal } from '../../protocol/principal.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import { atBroker } from '../kernel/at-broker.ts';
import { type Audience, forOwner, isFor, mayResolve, type Resolvers, type Views } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import type { Viewer } from '../kernel/sight.ts';
import type { ActorOf } from '../kernel/tell.ts';
import { createApprovalId } from '../kernel/unique-ids.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import type { GatedTurn } from './gated-turn.ts';

/** How an approval ended, for whoever waits for it. */
export type ApprovalOutcome = Exclude<ApprovalStatus, 'pending'>;

/** What an approval is about: all that is remembered of one that has ended. */
export interface ApprovalSubject {
  agentId: string | null;
  action: string;
  details: JsonObject;
  /** Of a chat row: what only those see who may resolve it. */
  hidden?: JsonObject;
  options?: string[];
}

/** The turn that a chat row belongs to. */
export interface ParkedTurn {
  readonly id: string;
  readonly sessionId: string;
  /** As its agent calls it. */
  readonly sessionKey: string;
  readonly owner: Principal;
  readonly host: Client | undefined;
  readonly agentId: string;
  readonly agent: Client;
  readonly trace: TraceContext | undefined;
  /** Undefined while its agent is away. */
  readonly speaker: Client | undefined;
}

/** What an approval is made of. */
export interface ApprovalSpec extends ApprovalSubject {
  kind: ApprovalFacts['kind'];
  /** Whose it is: the parked caller, the client that asked, or the turn's agent. It goes when they go. */
  raiser: Client;
  /** Of a chat row: the turn that is parked, the agent's own id for it, and which of its events asked. */
  chat?: { turn: ParkedTurn; approvalId: string; seq: number };
  /** Of a gate's row: the turn that the parked request belongs to, if any. */
  gated?: GatedTurn | undefined;
  timeoutMs?: number;
  /** What it is about, whole, where details have a preview of it: the audit has its hash. */
  params?: unknown;
  /** What it belongs to; of a chat row or a gate's, else, that of its turn. */
  trace?: TraceContext | undefined;
  /** Called once, when it has ended. */
  onSettled(outcome: ApprovalOutcome, source: AnyActorRef): void;
}

/** Not of the details: those are a client's own words where it has asked. */
const ORIGINS: Record<ApprovalFacts['kind'], ApprovalOrigin> = { gate: 'gate', chat: 'chat', asked: 'request' };

/** Whom an approval belongs to. */
type Owners = Pick<Resolvers, 'raiserId' | 'isAgents' | 'controllerId'>;

/** The records that an approval's chart holds and is told of. */
export interface ApprovalHolds {
  approval: Approval;
  client: Client;
}

/** Everything that an approval hears. */
export type ApprovalHears = ApprovalEvent<ApprovalHolds>;

/** One approval's record: what its actor and the book of approvals share. */
export class Approval implements ApprovalFacts {
  readonly id = createApprovalId();
  readonly kind: ApprovalFacts['kind'];
  readonly subject: ApprovalSubject;
  /** Of its details, as JSON. */
  readonly bytes: number;
  /** By the broker's clock, as the moments below. */
  readonly createdAt: number;
  /** Whose row it is: it exists for nobody else. */
  readonly owner: Principal;
  /** For whom it exists. */
  readonly audience: Audience;
  /** Undefined where it waits for ever. */
  readonly expiresAt: number | undefined;
  status: ApprovalStatus = 'pending';
  resolution: string | undefined;
  resolvedAt: number | undefined;
  /** Of what it is about, for the audit. */
  hash: string | undefined;
  settledMeanwhile: 'approve' | 'deny' | 'timeout' | undefined;
  /** The answer that is on its way to the agent. */
  taken:
    | { approve: boolean; resolution: string; asker: ApprovalAsker<Client>; viaChat: boolean; callId: string }
    | undefined;
  readonly #kernel: Pick<Kernel, 'wall' | 'brokerId'>;
  #spec: ApprovalSpec | undefined;
  #owners: Owners | undefined;
  deadline: Deadline | undefined;
  ref: (ActorOf<ApprovalHears> & { getSnapshot(): { status: string } }) | undefined;

  constructor(kernel: Pick<Kernel, 'wall' | 'clock' | 'brokerId'>, spec: ApprovalSpec) {
    this.#kernel = kernel;
    const createdAt = kernel.clock.now();
    const { agentId, action, details, hidden, options } = spec;
    this.kind = spec.kind;
    this.subject = {
      agentId,
      action,
      details,
      ...(hidden === undefined ? {} : { hidden }),
      ...(options === undefined ? {} : { options }),
    };
    this.bytes = jsonBytes(details) + jsonBytes(hidden);
    this.createdAt = createdAt;
    this.owner = spec.chat?.turn.owner ?? spec.gated?.owner ?? spec.raiser.principal;
    this.audience = forOwner(this.owner, this.subject.agentId ?? undefined, spec.raiser.principal);
    this.expiresAt = spec.timeoutMs === undefined ? undefined : createdAt + spec.timeoutMs;
    this.#spec = spec;
  }

  /** What it is made of, until it has ended. */
  get spec(): ApprovalSpec {
    if (!this.#spec) throw new Error('an approval that has ended is asked whom it was for');
    return this.#spec;
  }

  /** Lets go of the turn, the connections and the actor: an approval is remembered for longer than they live. */
  release(): void {
    this.#owners = this.#currentOwners();
    this.#spec = undefined;
    this.taken = undefined;
    this.ref = undefined;
  }

  /** Whether it exists for this client. */
  isFor(viewer: Viewer): boolean {
    return isFor(this.audience, viewer);
  }

  /** Whether this client may answer it (`wire.md` section 5). */
  mayBeResolvedBy(client: Client): boolean {
    return mayResolve(this.#resolvers(), client);
  }

  /** What readers see of an event about it: whoever may answer it all, and others than its owner the session by its agent's name. */
  views(): Views {
    const { owner } = this;
    const { hidden } = this.subject;
    return { is: 'approval', owner, resolvers: () => this.#resolvers(), hidden, theirs: this.detailsForOthers() };
  }

  #resolvers(): Resolvers {
    const { kind, owner } = this;
    return { kind, owner, agentId: this.subject.agentId ?? undefined, ...(this.#owners ?? this.#currentOwners()) };
  }

  #currentOwners(): Owners {
    const { raiser, chat } = this.spec;
    return {
      raiserId: raiser.origin,
      isAgents: raiser.role === 'agent',
      controllerId: chat?.turn.host?.origin,
    };
  }

  /** The row as this client sees it: of somebody else's chat row neither parameters nor details. */
  rowFor(client: Client): ApprovalRow {
    const row = this.#row(this.subject.hidden === undefined || this.mayBeResolvedBy(client));
    const theirs = this.detailsForOthers();
    return theirs === undefined || isSamePrincipal(client.principal, this.owner)
      ? row
      : { ...row, details: { ...row.details, ...theirs } };
  }

  /** What of the details another principal than the owner reads otherwise: to it the session goes by its agent's name. */
  detailsForOthers(): JsonObject | undefined {
    const { session_id } = this.subject.details;
    // What a client asked with is its own words.
    if (this.kind === 'asked' || typeof session_id !== 'string') return undefined;
    const marked = agentSessionId(this.owner, session_id);
    return marked === session_id ? undefined : { session_id: marked };
  }

  /** The row as everybody may see it. */
  publicRow(): ApprovalRow {
    return this.#row(this.subject.hidden === undefined);
  }

  #row(whole: boolean): ApprovalRow {
    const { agentId, action, details, hidden, options } = this.subject;
    const { wall } = this.#kernel;
    return {
      id: this.id,
      origin: ORIGINS[this.kind],
      agent_id: agentId,
      action,
      details: whole ? { ...details, ...hidden } : details,
      options: options ?? ['approve', 'deny'],
      status: this.status,
      created_at: toMoment(wall.of(this.createdAt)),
      ...(this.expiresAt === undefined ? {} : { expires_at: toMoment(wall.of(this.expiresAt)) }),
      ...(this.resolution === undefined ? {} : { resolution: this.resolution }),
      ...(this.resolvedAt === undefined ? {} : { resolved_at: toMoment(wall.of(this.resolvedAt)) }),
      ...atBroker(this.#kernel),
    };
  }
}
