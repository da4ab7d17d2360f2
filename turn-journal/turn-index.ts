import type { JournaledEnding, Json, RecoveredTurn } from '../protocol/turn-journal.ts';
import { Ends } from './ends.ts';
import { RecordType } from './format.ts';
import type { RecordView } from './records.ts';
import type { Segment } from './segment.ts';

/** Where a record stands: its block's number, and the byte in it. */
export interface RecordPlace {
  readonly lsn: number;
  readonly at: number;
}

/** The record that a turn is read from on, and where the turn ends in it. */
export interface TurnStart extends RecordPlace {
  readonly seq: number;
  readonly aseq: number;
}

/** What the records so far say of a turn. */
interface Known {
  facts: string;
  notes: Map<string, string>;
  ended: string | undefined;
  /** See {@link Ends}. */
  readonly end: number;
  hasTerminal: boolean;
  /** All that is needed stands there and behind it. */
  readonly start: TurnStart;
  readonly since: Segment;
}

/** What a snapshot's first record says, beside the records that follow it. */
export interface SnapshotHead {
  readonly facts: string;
  readonly notes: readonly (readonly [string, string])[];
  readonly ended: string | null;
  readonly hasTerminal: boolean;
  readonly firstSeq: number;
  /** UTF-16 units of the deltas before `firstSeq`. */
  readonly before: number;
  /** The text before `firstSeq` is no longer kept. */
  readonly isTextLost: boolean;
}

/** How a turn ended, as a record says it. */
export interface EndRecord {
  readonly ending: JournaledEnding;
  readonly at: number;
}

/** One turn, while records are read: as it stands, and as the snapshot that is being read will have it. */
interface Read {
  known?: Known;
  coming?: Known;
}

/** A turn that the journal still has something of. */
export interface IndexedTurn extends RecoveredTurn {
  readonly start: TurnStart;
  readonly since: Segment;
  /** As they are written again. */
  readonly factsJson: string;
  readonly notesJson: Map<string, string>;
  readonly endedJson: string | undefined;
}

/** What turns there are, by reading every record once, without what was streamed. */
export class TurnIndex {
  readonly #turns = new Map<number, Read>();
  readonly #ends = new Ends();
  /** The greatest number of a turn. */
  greatest = 0;

  apply(record: RecordView, segment: Segment, place: RecordPlace): void {
    const { type, turn: number } = record;
    if (number > this.greatest) this.greatest = number;
    const turn = this.#turns.get(number);
    if (record.isOfSnapshot) {
      if (turn?.coming) this.#ends.grow(turn.coming.end, type === RecordType.text ? 0 : 1, record.length);
    } else if (type === RecordType.token || type === RecordType.frame || type === RecordType.skip) {
      if (!turn) return;
      if (turn.known) this.#take(turn.known, record);
      if (turn.coming) this.#take(turn.coming, record);
    } else if (type === RecordType.open) {
      const blank = { notes: new Map(), ended: undefined, end: this.#ends.add(0, 0), hasTerminal: false };
      this.#turns.set(number, {
        known: { ...blank, facts: record.text, start: { ...place, seq: 0, aseq: 0 }, since: segment },
      });
    } else if (type === RecordType.snapshot) {
      // Of one that was opened while nothing could be written it is the first that is heard.
      this.#turns.set(number, { ...turn, coming: this.#beginning(record, segment, place) });
    } else if (type === RecordType.whole) {
      if (turn?.coming) this.#turns.set(number, { known: turn.coming });
    } else if (type === RecordType.forget) this.#turns.delete(number);
    else for (const known of [turn?.known, turn?.coming]) if (known) noteSmall(known, record);
  }

  /** All of them, in the order in which they were opened. */
  turns(): IndexedTurn[] {
    return [...this.#turns]
      .flatMap(([turn, { known }]) => (known ? [this.#indexed(turn, known)] : []))
      .sort((a, b) => a.turn - b.turn);
  }

  #take(known: Known, record: RecordView): void {
    if (this.#ends.take(known.end, record) && record.isTerminal) known.hasTerminal = true;
  }

  #beginning(record: RecordView, segment: Segment, place: RecordPlace): Known {
    const { facts, notes, ended, hasTerminal } = JSON.parse(record.text) as SnapshotHead;
    const { seq, aseq } = record;
    const small = { facts, notes: new Map(notes), ended: ended ?? undefined };
    return { ...small, end: this.#ends.add(seq, aseq), hasTerminal, start: { ...place, seq, aseq }, since: segment };
  }

  #indexed(turn: number, known: Known): IndexedTurn {
    const { facts, notes, ended, end, hasTerminal, start, since } = known;
    return {
      turn,
      facts: JSON.parse(facts) as Json,
      notes: new Map([...notes].map(([name, value]) => [name, JSON.parse(value) as Json])),
      seq: this.#ends.seq(end),
      aseq: this.#ends.aseq(end),
      ...this.#ends.size(end),
      hasTerminal,
      ended: ended === undefined ? undefined : (JSON.parse(ended) as EndRecord),
      start,
      since,
      factsJson: facts,
      notesJson: notes,
      endedJson: ended,
    };
  }
}

function noteSmall(known: Known, record: RecordView): void {
  if (record.type === RecordType.end) known.ended = record.text;
  if (record.type !== RecordType.note) return;
  const [name, value] = JSON.parse(record.text) as [string, Json?];
  if (value === undefined) known.notes.delete(name);
  else known.notes.set(name, JSON.stringify(value));
}
