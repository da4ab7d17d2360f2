/*
 * The port between the broker and the journal of its turns (`docs/reliability.md`). For the broker:
 *
 *  1. What appends writes into a buffer: it never throws, never waits and never calls back. It is written once a turn of the
 *     event loop, or where somebody waits for that (`whenSettled`).
 *  2. Nothing is acknowledged that is not `settled`: see `whenSettled`.
 *  3. While it is `degraded`, `settled` stands still; the broker goes on appending as ever. When there is room again the journal asks
 *     for what each log holds then, writes that, and is `ok`.
 *  4. Each turn that was opened is forgotten at some time, or it is kept for ever.
 */

/** What a record of any JSON may hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/** `process`: outlives the broker's process. `disk`: outlives a power cut, too. */
export type DurableLevel = 'process' | 'disk';

/** How it does. `degraded`: what is said now is not kept, so nothing is acknowledged; why is in {@link TurnJournal.why}. */
export type TurnJournalState = 'ok' | 'degraded';

/** How a turn ended, as its log says. */
export type JournaledEnding = 'done' | 'failed' | 'cancelled' | 'abandoned';

export interface TurnJournal {
  readonly level: DurableLevel;
  readonly state: TurnJournalState;
  /** Why it is degraded, for a log or an operator: a sentence without a secret. */
  readonly why: string | undefined;
  /** Of the process that writes it: random, 16 hex digits, another at each start. May serve as the broker's `epoch`. */
  readonly epoch: string;
  /** The block that the last appended record is in. Grows, by one at each write; a number from one journal means nothing to another. */
  readonly position: number;
  /** All up to this block may be relied on. Never beyond `position`. */
  readonly settled: number;
  readonly stats: TurnJournalStats;

  /** Must be called once, before anything else. */
  attach(broker: TurnJournalOwner): void;

  /**
   * A turn begins. `facts` are written as they are (JSON) and handed back by {@link recovered}: ids, tenant, owner, host's identity,
   * the *hash* of the resume token, window, agent, createdAt (Unix ms), traceparent, hash of the prompt … No secret, no prompt.
   * @returns its number, by which all that follows names it. Never 0.
   */
  open(facts: Json): number;
  /** A plain token. `aseq`: 0 where the agent does not number. Hot: no object, no JSON. */
  token(turn: number, seq: number, aseq: number, delta: string): void;
  /**
   * Any other event. `text`: the frame, as the log keeps it. `delta`: its part of the text. `aseq`: 0 where the agent does not number;
   * a terminal of the broker's own carries the last one (`line.received`). `before`: the `seq` of the event before it, where this one leaves
   * numbers out; default `seq - 1`. What does not go on where the event before it ends is not believed at the next start.
   */
  frame(
    turn: number,
    seq: number,
    aseq: number,
    text: string,
    delta: string | undefined,
    isTerminal: boolean,
    before?: number,
  ): void;
  /** An event that takes its `aseq` and no `seq`. */
  skip(turn: number, aseq: number): void;
  /**
   * Something to be known of the turn after a restart; of each name the last value stands, `undefined` takes it away.
   * Names are the broker's: `cancel` ({reason, grace_ends_at: Unix ms}), `claim` (what its host calls itself).
   */
  note(turn: number, name: string, value: Json | undefined): void;
  /** The turn has ended; it can still be resumed. `endedAt`: Unix milliseconds. Its terminal was told by `frame` before. */
  end(turn: number, ending: JournaledEnding, endedAt: number): void;
  /** It can no longer be resumed: nothing of it need be kept. Its number is used no more. One that is not known is no error. */
  forget(turn: number): void;

  /**
   * Calls `run` when all up to `position` may be relied on: at once (in the call) if so already, else in a later turn of the loop.
   * In the order of positions, then of calls. Never while degraded. Not at all after `close` if it could not be written.
   * `process`: where it is not written yet, this writes it and calls `run` at once, unless it is degraded.
   * @returns takes it back; harmless afterwards
   */
  whenSettled(position: number, run: () => void): () => void;

  /** What was found at the start: every turn that was not forgotten, in the order in which they were opened. Empty after `replay`. */
  readonly recovered: readonly RecoveredTurn[];
  /**
   * Tells what was logged of the recovered turns, in slices of at most 10 ms of the event loop, interleaved as it was written.
   * `into` is asked once for each turn, before anything of any is told: `undefined` forgets the turn. Resolves when all is told; must be called once, also
   * where nothing was found. Until then turns may be opened, ended and written to as ever, also the recovered ones (what is
   * written meanwhile is not told). Compaction waits for it.
   */
  replay(into: (turn: RecoveredTurn) => RecoveredLog | undefined): Promise<void>;

  /** Writes (in `disk` syncs) what there is, and closes. */
  close(): Promise<void>;
}

/** What the journal asks and tells the broker. */
export interface TurnJournalOwner {
  /**
   * What a turn's log holds now, so that older segments can go. `undefined`: nobody knows the turn any more, it is forgotten.
   * Facts, notes and the ending the journal knows itself. Called between turns of the loop, never from within an appending call.
   */
  snapshot(turn: number): LogSnapshot | undefined;
  /** The state changed. Called between turns of the loop, never from within an appending call. */
  stateChanged(state: TurnJournalState, why: string | undefined): void;
}

/** A log's content. Its arrays must not be changed afterwards (copy them: they hold references alone). */
export interface LogSnapshot {
  /** The newest event; 0 before the first. */
  readonly seq: number;
  /** The last `aseq` that has arrived; 0 where the agent does not number. */
  readonly aseq: number;
  /** The `seq` of the first of `entries`. */
  readonly firstSeq: number;
  /** A string: a plain token's delta. */
  readonly entries: readonly (string | { readonly text: string; readonly delta: string | undefined })[];
  /** The last of `entries` is the turn's terminal. */
  readonly hasTerminal: boolean;
  /** The text of the events before `firstSeq`, in parts; `undefined` where it was too long to keep. */
  readonly dropped: readonly string[] | undefined;
  /** Length of all `token` deltas up to `seq`, in UTF-16 units (the line's `textLength`; without a line 0 will do). */
  readonly textLength: number;
}

/** A turn that was found at the start. */
export interface RecoveredTurn {
  readonly turn: number;
  /** As `open` was told. */
  readonly facts: Json;
  /** By name, as they stood last. */
  readonly notes: ReadonlyMap<string, Json>;
  /** The newest event that is kept; 0 before the first. */
  readonly seq: number;
  /** The last `aseq`; all up to it need not be sent again. */
  readonly aseq: number;
  /** How many events will be told, and bytes of what is told, as they stand on disk. */
  readonly events: number;
  readonly bytes: number;
  /** Its terminal is among its events. */
  readonly hasTerminal: boolean;
  /** As `end` was told. A crash between terminal and `end` leaves `hasTerminal` alone. */
  readonly ended: { readonly ending: JournaledEnding; readonly at: number } | undefined;
}

/** Who is told a recovered turn's log: first `begin`, then its events in order, at last `end`. May bound what it keeps as any log. */
export interface RecoveredLog {
  /** The first event has this `seq`; `textLength`: UTF-16 units of the deltas before it. 1 and 0 for a log that nothing was dropped of. */
  begin(firstSeq: number, textLength: number): void;
  /** A part of the text before `firstSeq`, in order; `undefined`: it was too long to keep, and there is no text. */
  dropped(part: string | undefined): void;
  token(seq: number, delta: string): void;
  frame(seq: number, text: string, delta: string | undefined, isTerminal: boolean): void;
  /** All of this turn was told. Called for every log when `replay` has read everything, in the order of `recovered`. */
  end(): void;
}

/** For metrics and `host.status`. One object, whose numbers change. */
export interface TurnJournalStats {
  /** On disk, of all segments. */
  readonly bytes: number;
  readonly segments: number;
  /** Turns that are not forgotten. */
  readonly turns: number;
  /** Since the start: writes, syncs, bytes written, snapshots of turns, failed writes and syncs. */
  readonly writes: number;
  readonly syncs: number;
  readonly written: number;
  readonly snapshots: number;
  readonly failures: number;
}
