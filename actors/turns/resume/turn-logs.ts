import type { Limits } from '../../../protocol/limits.ts';
import { Sealed } from '../../../protocol/sealed.ts';
import { createToken, hashToken } from '../../connection/agent-registry.ts';
import type { Ending } from '../../kernel/counters.ts';
import { DetachedTurns } from './detached-turns.ts';
import type { Kept } from './kept.ts';
import type { LoggedTurn, OpenedSecret } from './logged-turn.ts';
import type { Opening } from './opening.ts';
import { LOG_BYTES, type LogBudget, TurnLog } from './turn-log.ts';

/** A log that is new, the token that resumes its turn, and that token's hash. */
export interface OpenedLog extends OpenedSecret {
  readonly log: TurnLog;
}

/**
 * The logs of all turns that may be resumed, live and ended ones, and the room that they share (`wire.md` section 8).
 * Where it is used up, ended ones go first, the oldest first, and then what the largest live one holds.
 */
export class TurnLogs implements LogBudget {
  /** Live turns without a host. */
  readonly detached: DetachedTurns;
  readonly #limits: Limits;
  readonly #live = new Set<TurnLog>();
  /** By turn id, in the order in which they ended. */
  readonly #ended = new Map<string, TurnLog>();
  /** Of each session, the one that ended last. */
  readonly #newest = new Map<string, TurnLog>();
  /** Ended ones whose host has chosen the token, by their session and its hash. */
  readonly #opened = new Map<string, Map<string, TurnLog>>();
  /** Those that are in the journal, by their number there. */
  readonly #kept = new Map<number, TurnLog>();
  #bytes = 0;
  /** Hears of a session of which one that was so opened is forgotten. */
  forgotten: (sessionKey: string) => void = () => {};

  constructor(limits: Limits) {
    this.#limits = limits;
    this.detached = new DetachedTurns(limits.maxDetachedTurns);
  }

  /** What all of them take together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Ended turns that can still be resumed. */
  get endedCount(): number {
    return this.#ended.size;
  }

  /** How long a turn may wait for its host: no longer than any may. Milliseconds. */
  windowOf({ resumeWindowMs }: Pick<LoggedTurn, 'resumeWindowMs'>): number {
    return Math.min(resumeWindowMs, this.#limits.resumeWindowMs);
  }

  /** The token that resumes a turn, and its hash: its host's, or a new one. */
  secretOf({ opening }: Pick<LoggedTurn, 'opening'>): OpenedSecret {
    const token = opening?.token ?? new Sealed(createToken());
    return { token, tokenHash: opening?.tokenHash ?? hashToken(token.open()) };
  }

  /** The log of a turn that has just been accepted, and the token that resumes it; undefined where it wants none. */
  open(turn: LoggedTurn): OpenedLog | undefined {
    const windowMs = this.windowOf(turn);
    if (windowMs <= 0) return undefined;
    const { token, tokenHash } = turn.secret ?? this.secretOf(turn);
    const log = new TurnLog({ turn, windowMs, tokenHash, limits: this.#limits, budget: this });
    this.#live.add(log);
    this.changed(LOG_BYTES);
    return { log, token, tokenHash };
  }

  /**
   * The log of a turn that was found at the start, or comes from another broker; still empty. `number`: of the turn in the
   * journal, where there is one.
   */
  restore(turn: LoggedTurn, tokenHash: string, number: number | undefined): TurnLog {
    const windowMs = this.windowOf(turn);
    const log = new TurnLog({ turn, windowMs, tokenHash, limits: this.#limits, budget: this, isRestored: true });
    this.#live.add(log);
    if (number !== undefined) this.#kept.set(number, log);
    this.changed(LOG_BYTES);
    return log;
  }

  /** From now on it is in the journal. */
  keep(log: TurnLog, kept: Kept): void {
    log.kept = kept;
    this.#kept.set(kept.turn, log);
  }

  /** The log that has this number in the journal. */
  keptAs(turn: number): TurnLog | undefined {
    return this.#kept.get(turn);
  }

  /** Its turn was not accepted after all, or goes on at another broker. */
  discard(log: TurnLog): void {
    this.#live.delete(log);
    this.#leave(log);
  }

  /** The turn has ended; its log stays for a while. */
  end(log: TurnLog, ending: Exclude<Ending, 'moved'>, now: number): void {
    // What was never accepted has no log.
    log.ending = ending === 'refused' ? 'failed' : ending;
    log.kept?.end(log.ending);
    this.hasEnded(log, now);
  }

  /** The same of a turn that had ended before the start, or elsewhere. `at`: in the clock's milliseconds. */
  hasEnded(log: TurnLog, at: number): void {
    log.endedAt = at;
    this.#live.delete(log);
    this.#ended.set(log.turnId, log);
    const newest = this.#newest.get(log.sessionKey);
    // One that comes from elsewhere may have ended before.
    if (!newest || newest.endedAt <= at) this.#newest.set(log.sessionKey, log);
    if (log.opening) {
      const opened = this.#opened.get(log.sessionKey) ?? new Map<string, TurnLog>();
      this.#opened.set(log.sessionKey, opened.set(log.opening.tokenHash, log));
    }
    while (this.#ended.size > this.#limits.keptEndedTurns) this.#forgetOldest();
    this.#makeRoom();
  }

  /** An ended turn that may still be resumed: the last one of its session, where no turn is named. */
  find(sessionKey: string, turnId: string | undefined, now: number): TurnLog | undefined {
    const log = turnId === undefined ? this.#newest.get(sessionKey) : this.#ended.get(turnId);
    return log?.sessionKey === sessionKey && !this.#isOver(log, now) ? log : undefined;
  }

  /** An ended turn of this session that was opened with the same token and may still be resumed. */
  opened(sessionKey: string, opening: Opening, now: number): TurnLog | undefined {
    const log = this.#opened.get(sessionKey)?.get(opening.tokenHash);
    return log && !this.#isOver(log, now) ? log : undefined;
  }

  /** All ended turns of this session that are found by their tokens. */
  openedIn(sessionKey: string, now: number): TurnLog[] {
    return [...(this.#opened.get(sessionKey)?.values() ?? [])].filter((log) => !this.#isOver(log, now));
  }

  /** For how long an ended turn may still be resumed. Milliseconds. */
  leftOf({ endedAt }: TurnLog, now: number): number {
    return endedAt + this.#limits.resumeAfterEndMs - now;
  }

  /** Whether there is room for so many bytes of a log without taking it from live turns. */
  mayTake(bytes: number): boolean {
    let live = 0;
    for (const log of this.#live) live += log.bytes;
    return live + bytes <= this.#limits.maxAllLogBytes;
  }

  /** Forgets the ended ones whose time is over. */
  sweep(now: number): void {
    for (const log of this.#ended.values()) {
      if (!this.#isOver(log, now)) return;
      this.#forget(log);
    }
  }

  changed(bytes: number): void {
    this.#bytes += bytes;
    if (bytes > 0 && this.#bytes > this.#limits.maxAllLogBytes) this.#makeRoom();
  }

  #isOver(log: TurnLog, now: number): boolean {
    return log.endedAt + this.#limits.resumeAfterEndMs <= now;
  }

  #makeRoom(): void {
    const isOver = () => this.#bytes > this.#limits.maxAllLogBytes;
    while (isOver() && this.#ended.size > 0) this.#forgetOldest();
    while (isOver()) {
      // Looked for rarely: each time all that the largest held is gone.
      const largest = this.#largest();
      if (!largest || largest.spareBytes <= 0) return;
      largest.empty();
    }
  }

  #largest(): TurnLog | undefined {
    let largest: TurnLog | undefined;
    for (const log of this.#live) if (!largest || log.spareBytes > largest.spareBytes) largest = log;
    return largest;
  }

  #forgetOldest(): void {
    for (const log of this.#ended.values()) {
      this.#forget(log);
      return;
    }
  }

  #forget(log: TurnLog): void {
    this.#ended.delete(log.turnId);
    if (this.#newest.get(log.sessionKey) === log) this.#newest.delete(log.sessionKey);
    this.#leave(log);
    const opened = this.#opened.get(log.sessionKey);
    if (!log.opening || opened?.get(log.opening.tokenHash) !== log) return;
    opened.delete(log.opening.tokenHash);
    if (opened.size === 0) this.#opened.delete(log.sessionKey);
    this.forgotten(log.sessionKey);
  }

  #leave(log: TurnLog): void {
    this.#bytes -= log.bytes;
    if (!log.kept) return;
    log.kept.forget();
    this.#kept.delete(log.kept.turn);
  }
}
