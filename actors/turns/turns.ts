import { turnStatus } from '../../protocol/chat.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { TurnJournal } from '../../protocol/turn-journal.ts';
import { key } from '../kernel/key.ts';
import { AgentWaits } from './agent-waits.ts';
import type { Claims } from './claims.ts';
import type { ChatsElsewhere, Elsewhere } from './elsewhere.ts';
import type { EndedShelf } from './ended-shelf.ts';
import { JournalWaits } from './journal-waits.ts';
import { Orphans } from './orphans.ts';
import type { Recovery } from './recovery.ts';
import { TurnLogs } from './resume/turn-logs.ts';
import { Sessions } from './sessions.ts';
import type { Tickets } from './tickets.ts';
import type { Turn } from './turn-record.ts';

/** The turns of a broker. */
export const TURNS = key<Turns>('turns');

/** Every turn of a broker that has not ended, and the logs of those that may be resumed. */
export class Turns {
  /** By turn id. Our own Map: law 3. */
  readonly byId = new Map<string, Turn>();
  readonly sessions = new Sessions();
  readonly logs: TurnLogs;
  readonly waits: AgentWaits;
  readonly orphans = new Orphans();
  /** Where turns that may be resumed outlive this process, if they do. */
  readonly journal: TurnJournal | undefined;
  readonly journalWaits: JournalWaits | undefined;
  /** While turns from before are taken up. */
  recovery: Recovery | undefined;
  /** Undefined: this broker is the only one. */
  elsewhere: Elsewhere | undefined;
  chatsElsewhere: ChatsElsewhere | undefined;
  claims: Claims | undefined;
  /** Where ended turns outlive their broker for others, if they do. */
  ended: EndedShelf | undefined;
  tickets: Tickets | undefined;
  /** Live turns that were. */
  restored = 0;

  constructor(limits: Limits, journal?: TurnJournal) {
    this.journal = journal;
    this.journalWaits = journal && new JournalWaits(journal);
    this.logs = new TurnLogs(limits);
    this.waits = new AgentWaits(limits);
  }

  /** Live turns by where they stand. */
  byState(): Record<string, number> {
    const counts: Record<string, number> = Object.fromEntries(turnStatus.options.map((status) => [status, 0]));
    for (const { status } of this.byId.values()) {
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }

  /** Their tool calls that have not ended. */
  get pendingCallbacks(): number {
    let count = 0;
    for (const { callbacks } of this.byId.values()) count += callbacks.size;
    return count;
  }
}
