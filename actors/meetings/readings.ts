import { setImmediate as nextRound } from 'node:timers/promises';
import { WireError } from '../../protocol/errors.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Deadlines } from '../kernel/deadlines.ts';
import type { MeetingStore } from './meeting-store.ts';
import { type MeetingText, textOf } from './meeting-text.ts';

/** A text of so many characters is long. */
const LONG = 64 * 1024;

/** One reading of a record, for all who asked for it. */
interface Reading {
  readonly text: Promise<MeetingText>;
  resolve(text: MeetingText): void;
  reject(error: unknown): void;
  /** A line was added since it began. */
  isOutdated: boolean;
}

/**
 * Reads records: only a few at once in the whole broker, and never one of them twice. Who asks for a record that is being
 * read gets the same reading, as long as nothing was added since it began; else the next one, which all share who ask
 * until it begins. So there are never more than two of a record, whoever asks however often.
 */
export class Readings {
  readonly #store: MeetingStore;
  readonly #limits: Limits;
  readonly #deadlines: Deadlines;
  readonly #onRead: () => void;
  /** By the record's id; those that took too long too, until they have really ended. */
  readonly #begun = new Map<string, Reading>();
  /** Those that wait for their turn, the first one first. */
  readonly #waiting = new Map<string, Reading>();
  #active = 0;
  /** When the last of those who wait for a long text has it. */
  #handedOut: Promise<void> = Promise.resolve();

  /** @param onRead - called whenever a reading has ended. */
  constructor(store: MeetingStore, limits: Limits, deadlines: Deadlines, onRead: () => void) {
    this.#store = store;
    this.#limits = limits;
    this.#deadlines = deadlines;
    this.#onRead = onRead;
  }

  /** Whether somebody waits for this record. */
  has(id: string): boolean {
    return this.#begun.has(id) || this.#waiting.has(id);
  }

  /**
   * Everything that was added to a record until now. Rejects with `-32004` where that takes longer than
   * `memoryTimeoutMs`, and with whatever the store rejects with.
   */
  read(id: string): Promise<MeetingText> {
    const text = this.#reading(id).then((read) => (read.segmentsJson.length > LONG ? this.#oneByOne(read) : read));
    // Whoever asked may be gone; the others hear of it.
    text.catch(() => {});
    return text;
  }

  /** A long text is handed out to one after the other: each of them has it written, and that takes a while, too. */
  #oneByOne(text: MeetingText): Promise<MeetingText> {
    this.#handedOut = this.#handedOut.then(() => nextRound());
    return this.#handedOut.then(() => text);
  }

  #reading(id: string): Promise<MeetingText> {
    const begun = this.#begun.get(id);
    if (begun && !begun.isOutdated) return begun.text;
    const waiting = this.#waiting.get(id);
    if (waiting) return waiting.text;
    const reading = newReading();
    this.#waiting.set(id, reading);
    this.#beginNext();
    return reading.text;
  }

  /** Something was added to a record, or it is another's. */
  outdate(id: string): void {
    const begun = this.#begun.get(id);
    if (begun) begun.isOutdated = true;
  }

  #beginNext(): void {
    for (const [id, reading] of this.#waiting) {
      if (this.#active >= this.#limits.maxMeetingReads) return;
      if (this.#begun.has(id)) continue;
      this.#waiting.delete(id);
      this.#begun.set(id, reading);
      this.#begin(id, reading);
    }
  }

  #begin(id: string, reading: Reading): void {
    this.#active += 1;
    let isActive = true;
    const giveWay = () => {
      if (isActive) this.#active -= 1;
      isActive = false;
      this.#beginNext();
    };
    const deadline = this.#deadlines.arm(this.#limits.memoryTimeoutMs, () => {
      reading.reject(WireError.deadlineExceeded('a meeting store'));
      // A store that never answers stands in nobody else's way.
      giveWay();
    });
    Promise.resolve()
      .then(() => this.#store.read(id))
      .then(textOf)
      .then(reading.resolve, reading.reject)
      .finally(() => {
        this.#deadlines.disarm(deadline);
        this.#begun.delete(id);
        giveWay();
        this.#onRead();
      });
  }
}

function newReading(): Reading {
  let resolve: Reading['resolve'] = () => {};
  let reject: Reading['reject'] = () => {};
  const text = new Promise<MeetingText>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { text, resolve, reject, isOutdated: false };
}
