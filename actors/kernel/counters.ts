import { CloseCode } from '../../protocol/close-codes.ts';
import { chatEventKinds } from '../../protocol/events.ts';
import { FRONTS, type Front } from '../../protocol/grants.ts';

/**
 * Why a frame went nowhere. Each is counted; none closes a connection (`wire.md` sections 2 and 6). Families have reasons
 * of their own.
 */
export type DropReason =
  | 'malformed_frame'
  | 'malformed_event'
  | 'unknown_notification'
  | 'failed_notification'
  | 'unauthenticated'
  | 'unknown_session'
  | 'not_owner'
  | 'wrong_turn'
  | 'after_terminal'
  | 'forged'
  | 'repeated'
  | 'out_of_order'
  | 'late_response'
  | 'late_progress'
  | 'late_withdrawal'
  | 'too_many_approvals'
  | 'too_large'
  | 'rate_limited'
  | 'closing';

/** How a turn ended: the final state of its chart. */
export type Ending = 'done' | 'failed' | 'cancelled' | 'abandoned' | 'refused' | 'moved';

/** How a tool call ended: the final state of its chart. */
export type CallbackEnding = 'resolved' | 'rejected' | 'timedOut' | 'cancelled';

/** How often something happened, and how long it took in all. */
export interface Tally {
  count: number;
  ms: number;
}

function tally<K>(map: Map<K, Tally>, key: K, ms: number): void {
  const entry = map.get(key) ?? { count: 0, ms: 0 };
  entry.count += 1;
  entry.ms += ms;
  map.set(key, entry);
}

/** Plain numbers that are added to on the way and read at scrape: nothing on the token path but `+ 1`. */
export class Counters {
  readonly drops = new Map<string, number>();
  readonly endings = new Map<Ending, number>();
  /** Events that reached a host, by kind; kinds that only an agent knows count as `other`. */
  readonly events = new Map<string, number>();
  /** Connections that were opened. */
  connections = 0;
  /** Connections that were closed, by code; one that is none of ours counts as `other`. */
  readonly closedConnections = new Map<string, number>(
    [...Object.values(CloseCode), 'other'].map((code) => [String(code), 0]),
  );
  /** Turns that were opened. */
  turns = 0;
  /** The same, of those that came by a front, by its name. */
  readonly frontTurns = new Map<Front, number>(FRONTS.filter((front) => front !== 'ws').map((front) => [front, 0]));
  /** Requests that were routed. */
  requests = 0;
  /** Turns that were taken up again, or watched, by role. */
  readonly resumes = new Map<string, number>();

  /** Tool calls that ended, and the milliseconds they took together, by how they ended. */
  readonly callbacks = new Map<CallbackEnding, Tally>();
  /** The same for approvals. */
  readonly approvals = new Map<string, Tally>();

  /** Who was refused, by what was wrong: a `session.auth`, a token in a header. */
  readonly authRefusals = new Map<string, number>();

  openedBy(front: Front): void {
    this.frontTurns.set(front, (this.frontTurns.get(front) ?? 0) + 1);
  }

  refuseAuth(fault: string): void {
    this.authRefusals.set(fault, (this.authRefusals.get(fault) ?? 0) + 1);
  }

  callback(ending: CallbackEnding, ms: number): void {
    tally(this.callbacks, ending, ms);
  }

  approval(outcome: string, ms: number): void {
    tally(this.approvals, outcome, ms);
  }

  closed(code: number): void {
    const label = this.closedConnections.has(String(code)) ? String(code) : 'other';
    this.closedConnections.set(label, (this.closedConnections.get(label) ?? 0) + 1);
  }

  /** The same for a family's own reason, of a type that names them all. */
  dropOf<R extends string>(reason: string extends R ? never : R): void {
    this.#drop(reason);
  }

  drop(reason: DropReason): void {
    this.#drop(reason);
  }

  #drop(reason: string): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }

  resume(role: 'controller' | 'observer'): void {
    this.resumes.set(role, (this.resumes.get(role) ?? 0) + 1);
  }

  end(ending: Ending): void {
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
  }

  event(kind: string): void {
    const label = Object.hasOwn(chatEventKinds, kind) ? kind : 'other';
    this.events.set(label, (this.events.get(label) ?? 0) + 1);
  }
}
