import type { Limits } from '../../../protocol/limits.ts';
import { createToken } from '../../connection/agent-registry.ts';
import type { Ending } from '../../kernel/counters.ts';
import { DetachedTurns } from './detached-turns.ts';
import type { LoggedTurn } from './logged-turn.ts';
import { LOG_BYTES, type LogBudget, TurnLog } from './turn-log.ts';

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
  #bytes = 0;

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

  mayDetach(openerId: string): boolean {
    return this.detached.mayAdd(openerId);
  }

  /** The log of a turn that has just been accepted, and the token that resumes it; undefined where it wants none. */
  open(turn: LoggedTurn): { log: TurnLog; token: string } | undefined {
    const windowMs = Math.min(turn.resumeWindowMs, this.#limits.resumeWindowMs);
    if (windowMs <= 0 || !turn.host) return undefined;
    const token = createToken();
    const log = new TurnLog({ turn, openerId: turn.host.id, windowMs, token, limits: this.#limits, budget: this });
    this.#live.add(log);
    this.changed(LOG_BYTES);
    return { log, token };
  }

  /** The turn has ended; its log stays for a while. */
  end(log: TurnLog, ending: Ending, now: number): void {
    // What was never accepted has no log.
    log.ending = ending === 'refused' ? 'failed' : ending;
    log.endedAt = now;
    this.#live.delete(log);
    this.#ended.set(log.turnId, log);
    this.#newest.set(log.sessionId, log);
    while (this.#ended.size > this.#limits.keptEndedTurns) this.#forgetOldest();
    this.#makeRoom();
  }

  /** An ended turn that may still be resumed: the last one of its session, where no turn is named. */
  find(sessionId: string, turnId: string | undefined, now: number): TurnLog | undefined {
    const log = turnId === undefined ? this.#newest.get(sessionId) : this.#ended.get(turnId);
    return log?.sessionId === sessionId && !this.#isOver(log, now) ? log : undefined;
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
    if (this.#newest.get(log.sessionId) === log) this.#newest.delete(log.sessionId);
    this.#bytes -= log.bytes;
  }
}
