import type { Goal } from '../../protocol/chat.ts';
import { WireError } from '../../protocol/errors.ts';
import type { GoalState } from '../../protocol/goals.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { toMoment } from '../../protocol/moment.ts';
import { isSamePrincipal, type Principal } from '../../protocol/principal.ts';
import { GatheredSaves } from '../connection/gathered-saves.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import type { StandingGoal } from '../turns/standing-goal.ts';
import type { GoalRecord, GoalStore } from './goal-store.ts';

/** The standing goals of a broker. */
export const GOALS = key<Goals>('goals');

/** What becomes of goals is kept so much later, all of it at once: an agent may say how it stands as often as it likes. */
const SAVE_MS = 1_000;
/** Characters of a reason, or of a terminal's words, that are kept. */
const MAX_REASON = 500;
/** So many goals that are gone are remembered. */
const MAX_CLEARED = 1_000;
/** What brokers tell each other of goals goes by this name. */
const NEWS = 'goal';

/** What a broker tells the others of a goal. */
interface GoalNews {
  readonly id: string;
  /** Null: it is gone. */
  readonly record: GoalRecord | null;
  /** RFC 3339. */
  readonly at: string;
}

/** What a goal may grow by once it runs. Bytes of JSON, roughly. */
const GROWTH = 2_048;

/** The goals that stand for sessions, and how each fares (`wire.md` section 6). Each is its session's owner's alone. */
export class Goals {
  readonly #kernel: Kernel;
  readonly #saves: GatheredSaves<GoalRecord | undefined>;
  /** By the session's key. A record is replaced whenever it changes. */
  readonly #records = new Map<string, GoalRecord>();
  /** Goals that are gone, and since when: another broker may not know yet. The oldest first. */
  readonly #cleared = new Map<string, string>();
  #bytes = 0;
  #saveAt: Deadline | undefined;

  constructor(kernel: Kernel, store: GoalStore) {
    this.#kernel = kernel;
    // What ran when the broker went is not running any more.
    for (const record of store.load())
      this.#put(keyOf(record), record.status === 'running' ? { ...record, status: 'active' } : record);
    this.#saves = new GatheredSaves(
      () => store.save([...this.#records.values()]),
      (id, before) => this.#put(id, before),
    );
    kernel.peers.on(NEWS, (body) => this.#hear(body as GoalNews));
    kernel.peers.onNew(() => this.#news());
  }

  /** What another broker says of a goal: whoever spoke last is right. It is kept there. */
  #hear({ id, record, at }: GoalNews): void {
    const known = this.#records.get(id)?.updated_at ?? this.#cleared.get(id) ?? '';
    if (at < known) return;
    this.#put(id, record ?? undefined);
    if (record) this.#cleared.delete(id);
    else this.#noteCleared(id, at);
  }

  *#news(): Generator<readonly [string, GoalNews]> {
    for (const [id, at] of this.#cleared) yield [NEWS, { id, record: null, at }];
    for (const [id, record] of this.#records) yield [NEWS, { id, record, at: record.updated_at }];
  }

  #tell(id: string, record: GoalRecord | undefined): void {
    const at = record?.updated_at ?? this.#now();
    if (record) this.#cleared.delete(id);
    else this.#noteCleared(id, at);
    this.#kernel.peers.tell(NEWS, { id, record: record ?? null, at });
  }

  #noteCleared(id: string, at: string): void {
    this.#cleared.delete(id);
    this.#cleared.set(id, at);
    if (this.#cleared.size <= MAX_CLEARED) return;
    const [oldest] = this.#cleared.keys();
    if (oldest !== undefined) this.#cleared.delete(oldest);
  }

  get size(): number {
    return this.#records.size;
  }

  /** Resolves once the store has kept all that has been changed; see `GatheredSaves`. */
  get kept(): Promise<void> | undefined {
    return this.#saves.kept;
  }

  /** The goal that stands for a session of this principal's. */
  of(owner: Principal, sessionId: string): GoalState | undefined {
    const record = this.#records.get(agentSessionId(owner, sessionId));
    return record && toState(record);
  }

  /** All of this principal's. */
  all(owner: Principal): GoalState[] {
    return [...this.#records.values()].filter((record) => isSamePrincipal(record, owner)).map(toState);
  }

  /** Has a goal stand for a session; see {@link kept}. @throws {WireError} `-32020` @throws what the store throws at once */
  set(owner: Principal, sessionId: string, { check, max_iterations }: Goal): GoalState {
    const { tenant, sub } = owner;
    const record: GoalRecord = {
      tenant,
      sub,
      session_id: sessionId,
      check,
      max_iterations,
      status: 'active',
      updated_at: this.#now(),
    };
    const id = keyOf(record);
    const before = this.#records.get(id);
    this.#checkRoom(record, before);
    this.#put(id, record);
    this.#saves.changed(id, before);
    this.#tell(id, record);
    return toState(record);
  }

  /** Forgets the goal of a session; whether there was one. @throws what the store throws at once */
  clear(owner: Principal, sessionId: string): boolean {
    return this.#remove([agentSessionId(owner, sessionId)]) > 0;
  }

  /** Forgets all of this principal's; how many there were. @throws the same */
  clearAll(owner: Principal): number {
    const ids = [...this.#records].filter(([, record]) => isSamePrincipal(record, owner)).map(([id]) => id);
    return this.#remove(ids);
  }

  /** What stands for a session, for a turn that begins in it. */
  follow(id: string): StandingGoal | undefined {
    const found = this.#records.get(id);
    if (!found) return undefined;
    const { check, max_iterations } = found;
    /** What this turn's doing has made of it: whoever sets it anew meanwhile has another one. */
    let own = found;
    /** What the agent has said of the check in this turn. */
    let met: boolean | undefined;
    const become = (change: Partial<GoalRecord>) => {
      if (this.#records.get(id) !== own) return;
      own = { ...own, ...change, updated_at: this.#now() };
      this.#put(id, own);
      this.#tell(id, own);
      this.#saveAt ??= this.#kernel.deadlines.arm(SAVE_MS, () => this.flush());
    };
    return {
      goal: { check, max_iterations },
      began: () => become({ status: 'running', terminal_kind: undefined, terminal_message: undefined }),
      heard: (event) => {
        if (event.kind === 'goal_evaluated') met = event.met === true;
        const change = changeBy(event, met);
        if (change) become(change);
      },
      // Nobody was told how it ended: it stands, and does not run.
      ended: () => {
        if (own.status === 'running') become({ status: 'active' });
      },
    };
  }

  /** Keeps what has become of goals. Never throws. */
  flush(): void {
    if (!this.#saveAt) return;
    this.#kernel.deadlines.disarm(this.#saveAt);
    this.#saveAt = undefined;
    const failed = (err: unknown) => this.#kernel.log.error({ err }, 'what became of standing goals is not kept');
    try {
      // Nothing is undone where it cannot be kept: it is so all the same, and kept with what changes next.
      this.#saves.allChanged([]);
      this.kept?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** @throws {WireError} `-32020` */
  #checkRoom(record: GoalRecord, before: GoalRecord | undefined): void {
    const { maxGoals, maxGoalBytes, maxPrincipalGoals, maxPrincipalGoalBytes } = this.#kernel.limits;
    const own = [...this.#records.values()].filter((other) => isSamePrincipal(other, record));
    if (!before && own.length >= maxPrincipalGoals)
      throw WireError.limitExceeded('max_principal_goals', maxPrincipalGoals);
    if (!before && this.#records.size >= maxGoals) throw WireError.limitExceeded('max_goals', maxGoals);
    const more = bytesOf(record) - bytesOf(before);
    if (own.reduce((sum, other) => sum + bytesOf(other), more) > maxPrincipalGoalBytes)
      throw WireError.limitExceeded('max_principal_goal_bytes', maxPrincipalGoalBytes);
    if (this.#bytes + more > maxGoalBytes) throw WireError.limitExceeded('max_goal_bytes', maxGoalBytes);
  }

  #remove(ids: readonly string[]): number {
    const removed = ids.flatMap((id) => {
      const before = this.#records.get(id);
      return before ? [[id, before] as const] : [];
    });
    for (const [id] of removed) this.#put(id, undefined);
    if (removed.length > 0) this.#saves.allChanged(removed);
    for (const [id] of removed) this.#tell(id, undefined);
    return removed.length;
  }

  #put(id: string, record: GoalRecord | undefined): void {
    this.#bytes += bytesOf(record) - bytesOf(this.#records.get(id));
    if (record) this.#records.set(id, record);
    else this.#records.delete(id);
  }

  #now(): string {
    return toMoment(this.#kernel.wall.now());
  }
}

const keyOf = (record: GoalRecord): string => agentSessionId(record, record.session_id);

const bytesOf = (record: GoalRecord | undefined): number =>
  record ? Buffer.byteLength(record.check) + record.sub.length + GROWTH : 0;

function toState({ tenant: _, sub: _sub, ...state }: GoalRecord): GoalState {
  return state;
}

/** What an event of a turn makes of its goal. @param met what the agent said last of the check, if anything */
function changeBy(event: JsonObject, met: boolean | undefined): Partial<GoalRecord> | undefined {
  switch (event.kind) {
    case 'goal_evaluated':
      return {
        status: 'running',
        last_iteration: Number(event.iteration),
        last_met: event.met === true,
        last_grounded: event.grounded === true,
        last_reason: cut(event.reason),
      };
    case 'done': {
      const reason = cut(event.finish_reason);
      const end = { terminal_kind: 'done', terminal_message: reason };
      // The broker's own, or the agent's word for it: it was halted.
      if (reason === 'cancelled') return { ...end, status: 'error' };
      // A check that never ran has not passed, whatever the agent calls its end.
      if (event.goal_unevaluated === true || met === undefined) return { ...end, status: 'unevaluated' };
      return { ...end, status: met ? 'met' : 'error' };
    }
    case 'error':
      return { status: 'error', terminal_kind: 'error', terminal_message: cut(event.error) };
    case 'auth_required':
      return { status: 'error', terminal_kind: 'auth_required', terminal_message: cut(event.message) };
    default:
      return undefined;
  }
}

const cut = (text: unknown): string => String(text ?? '').slice(0, MAX_REASON);
