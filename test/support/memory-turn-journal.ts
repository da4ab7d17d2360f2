import type {
  DurableLevel,
  JournaledEnding,
  Json,
  LogSnapshot,
  RecoveredLog,
  RecoveredTurn,
  TurnJournal,
  TurnJournalOwner,
  TurnJournalState,
} from '../../protocol/turn-journal.ts';

/** One record, as the journal would write it. */
type Op =
  | { op: 'open'; turn: number; facts: Json }
  | { op: 'token'; turn: number; seq: number; aseq: number; delta: string }
  | {
      op: 'frame';
      turn: number;
      seq: number;
      aseq: number;
      text: string;
      delta: string | undefined;
      isTerminal: boolean;
      before: number;
    }
  | { op: 'skip'; turn: number; aseq: number }
  | { op: 'note'; turn: number; name: string; value: Json | undefined }
  | { op: 'end'; turn: number; ending: JournaledEnding; at: number }
  | { op: 'forget'; turn: number }
  | { op: 'snapshot'; turn: number; facts: Json; notes: Map<string, Json>; log: LogSnapshot };

/** What outlives a broker: blocks that were written, and how many of them were synced. */
export class MemoryDisk {
  blocks: Op[][] = [];
  synced = 0;
  /** Nothing more can be written. */
  isFull = false;
  lives = 0;

  /** The power is lost: what was not synced is gone. */
  losePower(): void {
    this.blocks.length = this.synced;
  }

  /** What a copy of the disk at this moment has. `synced`: of what is certain to be on it. */
  copy(synced = false): MemoryDisk {
    const copy = new MemoryDisk();
    copy.blocks = this.blocks.slice(0, synced ? this.synced : undefined);
    copy.synced = copy.blocks.length;
    copy.lives = this.lives;
    return copy;
  }
}

/** What is known of a turn. */
interface Known {
  facts: Json;
  notes: Map<string, Json>;
  ended: { ending: JournaledEnding; at: number } | undefined;
}

interface Folded extends Known {
  first: number;
  textLength: number;
  dropped: readonly string[] | undefined;
  events: { seq: number; text: string | undefined; delta: string | undefined; isTerminal: boolean }[];
  aseq: number;
}

/** A journal of turns in memory, which writes and syncs when it is told to, or by itself. */
export class MemoryTurnJournal implements TurnJournal {
  readonly level: DurableLevel;
  readonly epoch: string;
  readonly recovered: readonly RecoveredTurn[];
  readonly stats = { bytes: 0, segments: 1, turns: 0, writes: 0, syncs: 0, written: 0, snapshots: 0, failures: 0 };
  state: TurnJournalState = 'ok';
  why: string | undefined;
  readonly #disk: MemoryDisk;
  readonly #folded: ReadonlyMap<number, Folded>;
  readonly #known = new Map<number, Known>();
  #buffer: Op[] = [];
  #waiting: { position: number; run: () => void }[] = [];
  #owner: TurnJournalOwner | undefined;
  #turns: number;
  #isDead = false;

  /** @param isAuto - it writes by itself, and in `disk` syncs a moment later; else when it is told to */
  constructor(disk: MemoryDisk, level: DurableLevel = 'process', isAuto = true) {
    this.#disk = disk;
    this.level = level;
    disk.lives += 1;
    disk.synced = disk.blocks.length;
    this.epoch = `life-${disk.lives}`;
    this.#folded = fold(disk.blocks.flat());
    this.#turns = Math.max(0, ...disk.blocks.flat().map(({ turn }) => turn));
    for (const [turn, { facts, notes, ended }] of this.#folded) this.#known.set(turn, { facts, notes, ended });
    this.recovered = [...this.#folded].map(([turn, { facts, notes, events, first, aseq, ended }]) => ({
      turn,
      facts,
      notes,
      seq: events.at(-1)?.seq ?? first - 1,
      aseq,
      hasTerminal: events.at(-1)?.isTerminal ?? false,
      events: events.length,
      bytes: events.reduce((sum, { text, delta }) => sum + (text ?? '').length + (delta ?? '').length, 0),
      ended,
    }));
    this.#isAuto = isAuto;
  }

  readonly #isAuto: boolean;
  #isDue = false;

  get position(): number {
    return this.#disk.blocks.length + (this.#buffer.length > 0 ? 1 : 0);
  }

  get settled(): number {
    if (this.state === 'degraded') return Math.min(this.#lastSettled, this.#disk.blocks.length);
    return this.level === 'disk' ? this.#disk.synced : this.#disk.blocks.length;
  }
  #lastSettled = 0;

  attach(owner: TurnJournalOwner): void {
    this.#owner = owner;
  }

  open(facts: Json): number {
    this.#turns += 1;
    this.#known.set(this.#turns, { facts, notes: new Map(), ended: undefined });
    this.#add({ op: 'open', turn: this.#turns, facts });
    return this.#turns;
  }

  token(turn: number, seq: number, aseq: number, delta: string): void {
    this.#add({ op: 'token', turn, seq, aseq, delta });
  }

  frame(
    turn: number,
    seq: number,
    aseq: number,
    text: string,
    delta: string | undefined,
    isTerminal: boolean,
    before = seq - 1,
  ): void {
    this.#add({ op: 'frame', turn, seq, aseq, text, delta, isTerminal, before });
  }

  skip(turn: number, aseq: number): void {
    this.#add({ op: 'skip', turn, aseq });
  }

  note(turn: number, name: string, value: Json | undefined): void {
    const notes = this.#known.get(turn)?.notes;
    if (value === undefined) notes?.delete(name);
    else notes?.set(name, value);
    this.#add({ op: 'note', turn, name, value });
  }

  end(turn: number, ending: JournaledEnding, at: number): void {
    const known = this.#known.get(turn);
    if (known) known.ended = { ending, at };
    this.#add({ op: 'end', turn, ending, at });
  }

  forget(turn: number): void {
    this.#known.delete(turn);
    this.#add({ op: 'forget', turn });
  }

  flush(): void {
    if (this.#isDead || this.#buffer.length === 0) return;
    if (this.#disk.isFull) {
      this.stats.failures += 1;
      this.#degrade();
      return;
    }
    this.stats.writes += 1;
    this.#disk.blocks.push(this.#buffer);
    this.#buffer = [];
    this.#settle();
    if (this.#isAuto && this.level === 'disk') setImmediate(() => this.sync());
  }

  /** What was written is on disk for good. */
  sync(): void {
    if (this.#isDead || this.state === 'degraded') return;
    this.stats.syncs += 1;
    this.#disk.synced = this.#disk.blocks.length;
    this.#settle();
  }

  /** There is room again: what each log holds now is written. */
  recover(): void {
    this.#disk.isFull = false;
    if (this.state === 'ok') return;
    const block: Op[] = [];
    for (const [turn, { facts, notes, ended }] of [...this.#known]) {
      const log = this.#owner?.snapshot(turn);
      if (!log) this.#known.delete(turn);
      else {
        this.stats.snapshots += 1;
        block.push({ op: 'snapshot', turn, facts, notes: new Map(notes), log });
        if (ended) block.push({ op: 'end', turn, ...ended });
      }
    }
    // What is not among them is nobody's.
    this.#disk.blocks.push([
      ...[...fold(this.#disk.blocks.flat()).keys()].map((turn) => ({ op: 'forget', turn }) as const),
      ...block,
    ]);
    this.#disk.synced = this.#disk.blocks.length;
    this.state = 'ok';
    this.why = undefined;
    this.#owner?.stateChanged('ok', undefined);
    this.#settle();
  }

  whenSettled(position: number, run: () => void): () => void {
    if (this.state === 'ok' && this.level === 'process' && this.settled < position) this.flush();
    if (this.state === 'ok' && this.settled >= position) {
      run();
      return () => {};
    }
    const waiting = { position, run };
    this.#waiting.push(waiting);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    };
  }

  async replay(into: (turn: RecoveredTurn) => RecoveredLog | undefined): Promise<void> {
    const logs: RecoveredLog[] = [];
    for (const turn of this.recovered) {
      const log = into(turn);
      const folded = this.#folded.get(turn.turn);
      if (!log || !folded) {
        this.forget(turn.turn);
        continue;
      }
      logs.push(log);
      log.begin(folded.first, folded.textLength);
      if (folded.dropped === undefined) log.dropped(undefined);
      else for (const part of folded.dropped) log.dropped(part);
      for (const { seq, text, delta, isTerminal } of folded.events) {
        if (text === undefined) log.token(seq, delta ?? '');
        else log.frame(seq, text, delta, isTerminal);
      }
      // Others have their turn in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const log of logs) log.end();
  }

  async close(): Promise<void> {
    this.flush();
    this.sync();
    this.#isDead = true;
  }

  /** The process is killed: what was not written is gone, and nothing more will be. */
  kill(): void {
    this.#isDead = true;
    this.#buffer = [];
    this.#waiting = [];
  }

  #add(op: Op): void {
    // While it is degraded what comes is in the logs, of which snapshots will be taken.
    if (this.#isDead || this.state === 'degraded') return;
    this.#buffer.push(op);
    if (!this.#isAuto || this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.flush();
    });
  }

  #degrade(): void {
    this.#lastSettled = this.settled;
    this.state = 'degraded';
    this.why = 'there is no room';
    this.#buffer = [];
    setImmediate(() => this.#owner?.stateChanged('degraded', this.why));
  }

  #settle(): void {
    const due = this.#waiting.filter(({ position }) => position <= this.settled);
    this.#waiting = this.#waiting.filter((one) => !due.includes(one));
    for (const { run } of due) run();
  }
}

const beforeOf = (op: Extract<Op, { op: 'token' | 'frame' }>): number => (op.op === 'token' ? op.seq - 1 : op.before);

/** What records add up to, by turn. */
function fold(ops: readonly Op[]): Map<number, Folded> {
  const turns = new Map<number, Folded>();
  for (const op of ops) {
    const turn = turns.get(op.turn);
    if (op.op === 'open') {
      const { facts } = op;
      turns.set(op.turn, {
        ...{ facts, notes: new Map(), ended: undefined, first: 1, textLength: 0, dropped: [], events: [], aseq: 0 },
      });
    } else if (op.op === 'snapshot') {
      const { facts, notes, log } = op;
      const deltas = log.entries.map((entry) => (typeof entry === 'string' ? entry : (entry.delta ?? '')));
      const events = log.entries.map((entry, index) => {
        const isTerminal = log.hasTerminal && index === log.entries.length - 1;
        const seq = isTerminal ? log.seq : log.firstSeq + index;
        return typeof entry === 'string'
          ? { seq, text: undefined, delta: entry, isTerminal }
          : { seq, text: entry.text, delta: entry.delta, isTerminal };
      });
      const textLength = log.textLength - deltas.join('').length;
      const { firstSeq: first, dropped, aseq } = log;
      turns.set(op.turn, { facts, notes, ended: undefined, first, textLength, dropped, events, aseq });
    } else if (op.op === 'forget') turns.delete(op.turn);
    else if (
      turn &&
      (op.op === 'token' || op.op === 'frame') &&
      beforeOf(op) !== (turn.events.at(-1)?.seq ?? turn.first - 1)
    )
      throw new Error(`event ${op.seq} of turn ${op.turn} does not go on where the one before it ends`);
    else if (!turn) throw new Error(`a record of turn ${op.turn}, which is not there: ${op.op}`);
    else if (op.op === 'token') {
      turn.events.push({ seq: op.seq, text: undefined, delta: op.delta, isTerminal: false });
      turn.aseq = Math.max(turn.aseq, op.aseq);
    } else if (op.op === 'frame') {
      turn.events.push({ seq: op.seq, text: op.text, delta: op.delta, isTerminal: op.isTerminal });
      turn.aseq = Math.max(turn.aseq, op.aseq);
    } else if (op.op === 'skip') turn.aseq = Math.max(turn.aseq, op.aseq);
    else if (op.op === 'end') turn.ended = { ending: op.ending, at: op.at };
    else if (op.value === undefined) turn.notes.delete(op.name);
    else turn.notes.set(op.name, op.value);
  }
  return turns;
}
