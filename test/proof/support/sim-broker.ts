import type { SimFault, SimFrame, SimMode, SimRecord, SimTold } from './sim-records.ts';

/** Who reads a turn: one connection of it. */
export interface SimListener {
  /** Up to this `seq` it has been sent everything. */
  sent: number;
  take(seq: number, record: SimRecord): void;
}

/** A broker with one turn, its memory, and a journal that knows what was written and what was synced. */
export class SimBroker {
  /** The agent's connection; 0: it is away. */
  agentConn = 0;
  /** It has ended the turn for an event that it took for lost. */
  isRefused = false;
  readonly toAgent: SimTold[] = [];
  readonly #mode: SimMode;
  readonly #fault: SimFault | undefined;
  readonly #written: SimRecord[] = [];
  #synced = 0;
  /** From here on it is memory. */
  #log: SimRecord[] = [];
  #due: SimRecord[] = [];
  #aseq = 0;
  #head = 0;
  #hasEnded = false;
  /** The greatest `aseq` that came too early, since the agent was told to go back. */
  #ahead = 0;
  /** The most that a reader claims to have. */
  #claimed = 0;
  #listeners = new Set<SimListener>();

  constructor(mode: SimMode, fault: SimFault | undefined) {
    this.#mode = mode;
    this.#fault = fault;
  }

  /** It was killed, or the power went; and is there again. */
  boot(how: 'kill' | 'power'): void {
    if (how === 'power') this.#written.length = this.#synced;
    const last = this.#written.at(-1);
    this.#log = this.#written.filter(({ isSkipped }) => !isSkipped);
    this.#due = [];
    this.#aseq = last?.aseq ?? 0;
    this.#head = last?.seq ?? 0;
    this.#hasEnded = this.#log.some(isTerminal);
    this.#ahead = 0;
    this.#claimed = 0;
    this.#listeners.clear();
    this.agentConn = 0;
    this.toAgent.length = 0;
  }

  agentConnected(conn: number): void {
    this.agentConn = conn;
    this.toAgent.length = 0;
  }

  agentGone(): void {
    this.agentConn = 0;
    this.toAgent.length = 0;
  }

  /** A frame of the agent's. @returns what became of it by its number */
  hear(conn: number, frame: SimFrame): string {
    if (frame.kind === 'resume') {
      if (conn === this.agentConn) this.#resume();
      return 'next';
    }
    if (conn !== this.agentConn && this.#fault !== 'anyConn') return 'nobody’s';
    const arrival = this.#arrival(frame.aseq);
    if (arrival === 'gap') this.toAgent.push({ kind: 'rewind', conn: this.agentConn, after: this.#aseq });
    if (arrival === 'lost' && !this.#hasEnded) {
      this.isRefused = true;
      this.#endItself();
    }
    if (arrival !== 'next') return arrival;
    this.#aseq = frame.aseq;
    if (this.#hasEnded) return arrival;
    const { event } = frame;
    const isSkipped = event.kind === 'unreadable';
    if (!isSkipped) this.#head += 1;
    if (event.kind === 'done') this.#hasEnded = true;
    this.#due.push({ aseq: frame.aseq, seq: this.#head, event, isSkipped });
    return arrival;
  }

  /** The end of a tick: written first, then sent. @param dies whether it dies between the two */
  flush(dies: () => boolean): 'died' | undefined {
    const due = this.#due.splice(0);
    if (due.length === 0) return undefined;
    if (this.#fault === 'sendFirst') {
      this.#publish(due);
      if (dies()) return 'died';
      this.#written.push(...due);
    } else {
      this.#written.push(...due);
      this.#publish(due);
    }
    if (this.#mode === 'process' || this.#fault === 'ackEarly') this.#ack();
    return undefined;
  }

  sync(): void {
    this.#synced = this.#written.length;
    if (this.#mode === 'disk') this.#ack();
  }

  /** Its agent was away for too long. @returns whether the turn has ended of it */
  windowExpired(): boolean {
    if (this.#hasEnded || this.agentConn !== 0) return false;
    this.#endItself();
    return true;
  }

  subscribe(listener: SimListener, after: number): void {
    if (after > this.#head && this.#fault === 'rejectAhead') throw new Error('a reader was refused for what it has');
    // What there is not yet again, up to there, the agent will say once more: it is not sent a second time.
    if (after > this.#head) this.#claimed = Math.max(this.#claimed, after);
    listener.sent = after;
    this.#listeners.add(listener);
    const last = this.#log.at(-1);
    for (const record of this.#log) this.#send(listener, record);
    if (last?.event === 'lost' && after >= last.seq && this.#fault !== 'noRestamp') listener.take(after + 1, last);
  }

  leave(listener: SimListener): void {
    this.#listeners.delete(listener);
  }

  get #durable(): number {
    const count = this.#mode === 'process' ? this.#written.length : this.#synced;
    return this.#written[count - 1]?.aseq ?? 0;
  }

  #resume(): void {
    this.#ahead = 0;
    const after = this.#fault === 'resendAll' ? 0 : this.#aseq;
    if (this.#fault === 'noResumeAck') {
      this.toAgent.push({ kind: 'resumed', conn: this.agentConn, after, released: 0, isOver: false });
      return;
    }
    const released = this.#fault === 'ackMemory' ? this.#aseq : this.#durable;
    const kept = this.#written.slice(0, this.#mode === 'process' ? undefined : this.#synced);
    const isOver = this.#fault === 'endedEarly' ? this.#hasEnded : kept.some(isTerminal);
    this.toAgent.push({ kind: 'resumed', conn: this.agentConn, after, released, isOver });
  }

  #ack(): void {
    if (this.agentConn === 0) return;
    const released = this.#fault === 'ackEarly' ? this.#aseq : this.#durable;
    this.toAgent.push({ kind: 'ack', conn: this.agentConn, released });
  }

  #arrival(aseq: number): 'next' | 'again' | 'gap' | 'ahead' | 'lost' {
    if (aseq <= this.#aseq) return this.#fault === 'noDedup' ? 'next' : 'again';
    if (aseq === this.#aseq + 1 || this.#fault === 'acceptGap') {
      this.#ahead = 0;
      return 'next';
    }
    const before = this.#ahead;
    this.#ahead = Math.max(before, aseq);
    if (before === 0) return 'gap';
    return aseq > before ? 'ahead' : 'lost';
  }

  /** A terminal that nobody will make again. */
  #endItself(): void {
    this.#hasEnded = true;
    this.#head = (this.#fault === 'terminalAtHead' ? this.#head : Math.max(this.#head, this.#claimed)) + 1;
    const record: SimRecord = { aseq: this.#aseq, seq: this.#head, event: 'lost', isSkipped: false };
    this.#written.push(record);
    if (this.#mode === 'disk' && this.#fault !== 'unsyncedTerminal') this.#synced = this.#written.length;
    this.#log.push(record);
    for (const listener of this.#listeners) {
      if (this.#fault !== 'terminalAtHead') listener.sent = Math.max(listener.sent, record.seq - 1);
      this.#send(listener, record);
    }
  }

  #publish(records: readonly SimRecord[]): void {
    for (const record of records) {
      if (record.isSkipped) continue;
      this.#log.push(record);
      for (const listener of this.#listeners) this.#send(listener, record);
    }
  }

  #send(listener: SimListener, record: SimRecord): void {
    if (record.seq <= listener.sent) return;
    listener.sent = record.seq;
    listener.take(record.seq, record);
  }
}

const isTerminal = ({ event }: SimRecord): boolean => event === 'lost' || event.kind === 'done';
