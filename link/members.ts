import type { LinkClock } from './clock.ts';
import type { Heartbeat } from './heartbeat.ts';
import { Patience } from './patience.ts';

/** Each broker says so often that it is there. Milliseconds. */
export const HEARTBEAT_MS = 500;
/** Who was not heard of for so long is suspect: nothing new is begun with it. Milliseconds. */
export const SUSPECT_MS = 2_000;
/** And then dead: what was with it ends, or waits for somebody else. Milliseconds. */
export const DEAD_MS = 4_000;
/** So long a dead one is remembered. Milliseconds. */
export const FORGET_MS = 60_000;
/** So many brokers are known at most. */
export const MAX_MEMBERS = 256;

/** Another broker, as its last heartbeat told of it. */
export interface Member extends Heartbeat {
  readonly status: 'alive' | 'suspect' | 'dead';
}

/** What {@link Members} tells. Never throws. */
export interface MemberHandlers {
  /** It is there: for the first time, again after it was dead, or in another life (`epoch`). */
  joined(member: Member): void;
  suspected(member: Member): void;
  /** A suspect is heard of again. */
  recovered(member: Member): void;
  died(member: Member): void;
  /** It was dead for a minute, or makes room for another one. */
  forgotten(member: Member): void;
}

interface Known {
  beat: Heartbeat;
  heardAt: number;
  status: Member['status'];
}

/** Which brokers there are, by their heartbeats. */
export class Members {
  readonly #clock: LinkClock;
  readonly #handlers: MemberHandlers;
  readonly #known = new Map<string, Known>();
  readonly #patience = new Patience();

  constructor(clock: LinkClock, handlers: MemberHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
  }

  get(id: string): Member | undefined {
    const known = this.#known.get(id);
    return known && memberOf(known);
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (const known of this.#known.values()) yield memberOf(known);
  }

  heard(beat: Heartbeat): void {
    const heardAt = this.#clock.now();
    const before = this.#known.get(beat.id);
    if (!before && this.#known.size >= MAX_MEMBERS && !this.#forgetDead()) return;
    const known: Known = { beat, heardAt, status: 'alive' };
    this.#known.set(beat.id, known);
    if (!before || before.status === 'dead' || before.beat.epoch !== beat.epoch) this.#handlers.joined(memberOf(known));
    else if (before.status === 'suspect') this.#handlers.recovered(memberOf(known));
  }

  /** Something else was heard of it: it is there, although its heartbeats may wait behind that. */
  seen(id: string): void {
    const known = this.#known.get(id);
    // A dead one is back with its heartbeat, which says whose life that is.
    if (!known || known.status === 'dead') return;
    known.heardAt = this.#clock.now();
    if (known.status === 'alive') return;
    known.status = 'alive';
    this.#handlers.recovered(memberOf(known));
  }

  /**
   * Judges who was silent; to be called with each heartbeat of this broker's own.
   * @param due - when that should have been: whoever was stopped meanwhile judges nobody yet
   * @param hears - whether this broker can have heard anybody: time in which it cannot does not count
   */
  judge(due: number, hears: boolean): void {
    const now = this.#clock.now();
    if (!hears) for (const known of this.#known.values()) known.heardAt = now;
    this.#patience.ran(due, now);
    if (!this.#patience.mayJudge(now)) return;
    for (const [id, known] of this.#known) {
      const silence = now - known.heardAt;
      // First it is dead, however long it was silent by the first look at it.
      if (known.status === 'dead') {
        if (silence >= FORGET_MS) this.#forget(id, known);
      } else if (silence >= DEAD_MS) this.#become(known, 'dead');
      else if (known.status === 'alive' && silence >= SUSPECT_MS) this.#become(known, 'suspect');
    }
  }

  #become(known: Known, status: 'suspect' | 'dead'): void {
    known.status = status;
    const member = memberOf(known);
    if (status === 'dead') this.#handlers.died(member);
    else this.#handlers.suspected(member);
  }

  /** Makes room where somebody is dead. */
  #forgetDead(): boolean {
    for (const [id, known] of this.#known) {
      if (known.status !== 'dead') continue;
      this.#forget(id, known);
      return true;
    }
    return false;
  }

  #forget(id: string, known: Known): void {
    this.#known.delete(id);
    this.#handlers.forgotten(memberOf(known));
  }
}

const memberOf = ({ beat, status }: Known): Member => ({ ...beat, status });
