import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecoveredLog } from '../protocol/turn-journal.ts';
import { Ends } from './ends.ts';
import type { JournalFiles } from './files.ts';
import { RecordType } from './format.ts';
import { openSource, readBlocks } from './read-blocks.ts';
import type { Run } from './read-journal.ts';
import { RecordView, readRecords } from './records.ts';
import type { IndexedTurn, SnapshotHead } from './turn-index.ts';

/** Logs are asked for in slices of so long: whatever else there is has its turn in between. Milliseconds. */
const SLICE_MS = 5;

/** An event that came while a snapshot was being written: it follows it. */
type Held = (log: RecoveredLog) => void;

/** One turn on its way into its log. */
class Replayed {
  readonly turn: IndexedTurn;
  readonly log: RecoveredLog;
  /** See {@link Ends}. */
  readonly end: number;
  hasBegun = false;
  /** While its snapshot is read. */
  held: Held[] | undefined;

  constructor(turn: IndexedTurn, log: RecoveredLog, end: number) {
    this.turn = turn;
    this.log = log;
    this.end = end;
  }
}

/** Tells logs what was written of their turns. */
export class Replay {
  readonly #files: JournalFiles;
  readonly #runs: readonly Run[];
  readonly #logs = new Map<number, Replayed>();
  readonly #ends = new Ends();

  constructor(files: JournalFiles, runs: readonly Run[]) {
    this.#files = files;
    this.#runs = runs;
  }

  /** Asks for the log of each, in slices of the event loop. @param logOf - undefined: nothing of it is told */
  async ask(turns: readonly IndexedTurn[], logOf: (turn: IndexedTurn) => RecoveredLog | undefined): Promise<void> {
    let since = performance.now();
    for (const turn of turns) {
      const log = logOf(turn);
      if (log) this.#logs.set(turn.turn, new Replayed(turn, log, this.#ends.add(turn.start.seq, turn.start.aseq)));
      if (performance.now() - since < SLICE_MS) continue;
      await nextTurn();
      since = performance.now();
    }
  }

  /** Nothing more of this turn is told. */
  drop(turn: number): void {
    this.#logs.delete(turn);
  }

  /** Everything is read once more, a chunk in each turn of the event loop. @throws a system error */
  async run(): Promise<void> {
    const record = new RecordView();
    for (const { segment, begin, end, first } of this.#logs.size === 0 ? [] : this.#runs) {
      const source = await openSource(this.#files, { ...segment, size: end });
      try {
        await readBlocks(this.#files, source, { begin, next: first, isKnown: true }, (block, _at, { lsn }) =>
          readRecords(block, record, (_record, at) => {
            const replayed = this.#logs.get(record.turn);
            if (replayed) this.#apply(replayed, record, lsn, at);
          }),
        );
      } finally {
        await this.#files.close(source.file);
      }
    }
    for (const { log } of this.#logs.values()) log.end();
  }

  #apply(replayed: Replayed, record: RecordView, lsn: number, at: number): void {
    if (!replayed.hasBegun) {
      const { start } = replayed.turn;
      if (start.lsn === lsn && start.at === at) begin(replayed, record);
      return;
    }
    const { type, isOfSnapshot } = record;
    if (type === RecordType.whole) settle(replayed);
    else if (isOfSnapshot) {
      // Of a later snapshot that was never finished.
      if (replayed.held) tell(replayed.log, record);
    } else if (type === RecordType.token || type === RecordType.frame || type === RecordType.skip) {
      if (!this.#ends.take(replayed.end, record) || type === RecordType.skip) return;
      if (replayed.held) replayed.held.push(taken(record));
      else tell(replayed.log, record);
    }
  }
}

function begin(replayed: Replayed, record: RecordView): void {
  replayed.hasBegun = true;
  if (record.type === RecordType.open) {
    replayed.log.begin(1, 0);
    return;
  }
  const { firstSeq, before, isTextLost } = JSON.parse(record.text) as SnapshotHead;
  replayed.held = [];
  replayed.log.begin(firstSeq, before);
  if (isTextLost) replayed.log.dropped(undefined);
}

function settle(replayed: Replayed): void {
  const { held, log } = replayed;
  replayed.held = undefined;
  for (const event of held ?? []) event(log);
}

function tell(log: RecoveredLog, record: RecordView): void {
  if (record.type === RecordType.token) log.token(record.seq, record.text);
  else if (record.type === RecordType.frame) log.frame(record.seq, record.frame, record.delta, record.isTerminal);
  else if (record.type === RecordType.text) log.dropped(record.text);
}

/** The same, to be told later: a record is good only until the next. */
function taken(record: RecordView): Held {
  const { seq } = record;
  if (record.type === RecordType.token) {
    const { text } = record;
    return (log) => log.token(seq, text);
  }
  const { frame, delta, isTerminal } = record;
  return (log) => log.frame(seq, frame, delta, isTerminal);
}
