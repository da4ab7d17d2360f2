import { type AuditRecord, type Checkpoint, GENESIS, isSigned, type Place, readRecord, toCheckpoint } from './chain.ts';
import { MAX_LINE_BYTES } from './file.ts';
import type { AuditKey } from './key.ts';
import { type Line, linesOf } from './lines.ts';

/** What is wrong with a trail, and where. */
export interface Fault {
  readonly file: string;
  /** From 1; undefined where what is wrong is that nothing more comes. */
  readonly line?: number;
  readonly why: string;
}

/** What came of checking a trail. */
export interface Verdict {
  /** The first thing that is wrong; undefined where nothing is. */
  readonly fault?: Fault | undefined;
  /** Records that are as they were made, up to that. */
  readonly records: number;
  /** The numbers of the first and the last of them; 0 where there is none. */
  readonly first: number;
  readonly last: number;
  /** How many checkpoints there are among them. */
  readonly checkpoints: number;
  /** How many of those that were kept elsewhere they agree with. */
  readonly met: number;
  /** What is not wrong, and still to be known. */
  readonly notes: readonly string[];
}

/** What to check a trail against. */
export interface VerifyOptions {
  readonly key: AuditKey;
  /** Checkpoints that were kept elsewhere, in the log say: see {@link readCheckpoints}. */
  readonly checkpoints?: readonly Checkpoint[];
  /** Called with each record that is as it was made. */
  readonly onRecord?: (record: AuditRecord) => void | Promise<void>;
}

/** A line of a log may be longer than one of a trail. */
const MAX_LOG_LINE_BYTES = 1024 * 1024;

/**
 * Checks the files of one trail, the oldest first: that each line is as it was made, that none is missing, twice or in
 * another's place, that each file's chain goes on from the one before, and that all that was signed is there.
 * @throws the system error where a file cannot be read
 */
export async function verifyTrail(files: readonly string[], options: VerifyOptions): Promise<Verdict> {
  const check = new Check(options);
  for (const file of files) {
    await check.file(file);
    if (check.fault) break;
  }
  return check.verdict(files.at(-1) ?? '');
}

/**
 * The checkpoints that a log tells of: its lines are JSON, and have them as `audit`.
 * @throws the system error
 */
export async function readCheckpoints(path: string): Promise<Checkpoint[]> {
  const found: Checkpoint[] = [];
  for await (const { bytes } of linesOf(path, MAX_LOG_LINE_BYTES)) {
    if (!bytes.includes('"audit"')) continue;
    try {
      const checkpoint = toCheckpoint(JSON.parse(bytes.toString('utf8')).audit);
      if (checkpoint) found.push(checkpoint);
    } catch {
      // A line that is no JSON is somebody else's.
    }
  }
  return found;
}

class Check {
  fault: Fault | undefined;
  readonly #options: VerifyOptions;
  /** Those that are still to be met, by number. */
  readonly #expected = new Map<number, Checkpoint[]>();
  readonly #notes: string[] = [];
  #place: Place | undefined;
  #current: AuditRecord | undefined;
  /** A record was found too early: the numbers that should have come before it. */
  #missing: { from: number; to: number } | undefined;
  #missingAt = 0;
  #records = 0;
  #first = 0;
  #checkpoints = 0;
  #met = 0;
  #lastWhat = '';
  /** So far it ends as a graceful stop does. */
  #isStopped = false;

  constructor(options: VerifyOptions) {
    this.#options = options;
    let foreign = 0;
    for (const checkpoint of options.checkpoints ?? []) {
      // What somebody else has written into the log proves nothing.
      if (!isSigned(options.key, checkpoint)) {
        foreign += 1;
        continue;
      }
      this.#expected.set(checkpoint.n, [...(this.#expected.get(checkpoint.n) ?? []), checkpoint]);
    }
    if (foreign > 0) this.#notes.push(`not looked at: checkpoints in the log that this key has not signed, ${foreign}`);
  }

  async file(file: string): Promise<void> {
    let isFirst = true;
    for await (const line of linesOf(file, MAX_LINE_BYTES)) {
      // While a fault is explained nothing more is checked.
      if (this.#missing !== undefined) {
        if (this.#isMissing(line)) return this.#failMissing(file, 'the records are in another order');
        continue;
      }
      if (!line.isWhole) {
        this.#notes.push(
          `${file}: its last line is torn (${line.bytes.length} bytes): a write was interrupted there, or it was cut`,
        );
        this.#isStopped = false;
        break;
      }
      const fault = this.#check(line, isFirst);
      if (fault !== undefined && this.#missing === undefined) this.fault = { file, line: line.number, why: fault };
      if (this.fault) return;
      if (this.#missing === undefined) await this.#options.onRecord?.(this.#current as AuditRecord);
      else this.#missingAt = line.number;
      isFirst = false;
    }
    if (this.#missing !== undefined) this.#failMissing(file, `${this.#missingText} missing`);
  }

  get #missingText(): string {
    const { from, to } = this.#missing ?? { from: 0, to: 0 };
    return from === to ? `record ${from} is` : `records ${from} to ${to} are`;
  }

  #isMissing({ bytes, isWhole }: Line): boolean {
    return isWhole && readRecord(this.#options.key, bytes)?.n === this.#missing?.from;
  }

  #failMissing(file: string, why: string): void {
    this.fault = { file, line: this.#missingAt, why };
  }

  /** What is wrong with the next line. */
  #check({ bytes, isTooLong }: Line, isFirstOfFile: boolean): string | undefined {
    const record = isTooLong ? undefined : readRecord(this.#options.key, bytes);
    if (!record) return 'the line was changed, or this key has not made it';
    const before = this.#place;
    const begins = record.n === 1 && record.prev === GENESIS;
    if (isFirstOfFile && record.what !== 'audit.open') return 'the file does not begin with its first record';
    if (!before || (isFirstOfFile && begins)) {
      if (before) this.#notes.push(`record 1 again after record ${before.n}: a chain of its own begins`);
      else if (!begins)
        this.#notes.push(`begins at record ${record.n}: those before it are in files that were not given`);
    } else if (record.n > before.n + 1) {
      this.#missing = { from: before.n + 1, to: record.n - 1 };
      return this.#missingText;
    } else if (record.n <= before.n) return `record ${record.n} again, after record ${before.n}`;
    else if (record.prev !== before.mac) return `it does not follow on the record before it, number ${before.n}`;
    const wrong = this.#checkSigned(record);
    if (wrong) return wrong;
    this.#place = { n: record.n, mac: record.mac };
    this.#first ||= record.n;
    this.#records += 1;
    this.#isStopped = record.what === 'audit.checkpoint' && this.#lastWhat === 'audit.close';
    this.#lastWhat = record.what;
    this.#current = record;
    return undefined;
  }

  #checkSigned(record: AuditRecord): string | undefined {
    if (record.what === 'audit.checkpoint') {
      const own = toCheckpoint(record);
      if (!own || !isSigned(this.#options.key, own)) return 'its signature is not that of this key';
      this.#checkpoints += 1;
    }
    const expected = this.#expected.get(record.n) ?? [];
    const rest = expected.filter(({ mac }) => mac !== record.mac);
    this.#met += expected.length - rest.length;
    if (rest.length > 0) this.#expected.set(record.n, rest);
    else this.#expected.delete(record.n);
    return undefined;
  }

  /** @param lastFile where what is missing should have been. */
  verdict(lastFile: string): Verdict {
    const { n: last = 0 } = this.#place ?? {};
    if (!this.fault) {
      // Those of files that were not given are nobody's fault.
      const unmet = [...this.#expected.keys()].filter((n) => n >= this.#first);
      const cut = unmet.filter((n) => n > last);
      const other = unmet.find((n) => n <= last);
      if (other !== undefined)
        this.fault = { file: lastFile, why: `record ${other} is another one than the log's checkpoint says` };
      else if (cut.length > 0) {
        this.fault = {
          file: lastFile,
          why: `it ends at record ${last}, and the log has a checkpoint of record ${Math.max(...cut)}: its end was cut off`,
        };
      } else if (!this.#isStopped)
        this.#notes.push(
          'it does not end with a stop: the broker is running, was killed, or the end was cut off since the last checkpoint of the log',
        );
    }
    return {
      fault: this.fault,
      records: this.#records,
      first: this.#first,
      last,
      checkpoints: this.#checkpoints,
      met: this.#met,
      notes: this.#notes,
    };
  }
}
