import type { AuditEntry, AuditState, AuditTrail } from '../protocol/audit.ts';
import { bodyOf } from './body.ts';
import { BEGINNING, type Checkpoint, link, type Place, signCheckpoint } from './chain.ts';
import type { TrailFile } from './file.ts';
import type { AuditKey } from './key.ts';
import { openOwn } from './own-file.ts';

/** What was written is on disk after so long. Milliseconds. */
const SYNC_MS = 1_000;
/** How long after a failure it is tried again. */
const RETRY_MS = 1_000;
/** How often a checkpoint is made, where anything was written since the last one. */
const CHECKPOINT_MS = 60_000;
/** What may wait to be written, in bytes of records: about 10,000 of them. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** What is chained and written at once: 2 ms of this process's time. */
const BATCH_BYTES = 128 * 1024;
/** How long the end waits for the disk. */
const CLOSE_MS = 2_000;

/** Who hears how the writing goes. Nothing that they throw is caught. */
export interface TrailEvents {
  /** It is in the file, and synced. Kept elsewhere it shows when the file's end was cut off. `key`: the key's name. */
  checkpoint?(checkpoint: Checkpoint & { key: string }): void;
  /** It could not be written or synced, and is tried again each second. `isFirst`: it went well before. */
  failed?(error: unknown, isFirst: boolean): void;
  /** It goes well again; so many entries are gone. */
  recovered?(lost: number): void;
  /** It was closed, and so many entries could not be written. */
  abandoned?(entries: number): void;
}

/** How a trail is kept. */
export interface TrailOptions {
  readonly path: string;
  readonly key: AuditKey;
  readonly on?: TrailEvents;
  /** Of entries that wait. Default: 4 MiB. */
  readonly maxWaitingBytes?: number;
}

/**
 * Opens an audit file, or makes it (mode 0600), and goes on with its chain. Half a line that a crash has left is cut off,
 * and the next record says so.
 * @throws AuditFileError where its last line is not this key's; the system error
 */
export async function openAuditTrail(options: TrailOptions): Promise<FileTrail> {
  const { file, last, torn } = await openOwn(options.path, options.key);
  return new FileTrail(options, file, last ?? BEGINNING, torn);
}

/**
 * Who did what, as lines of JSON in a file, each with an HMAC over itself and the line before it (`docs/audit.md`).
 * Entries wait in memory for the write that is under way, so that nobody waits for the disk.
 */
export class FileTrail implements AuditTrail {
  readonly #path: string;
  readonly #key: AuditKey;
  readonly #on: TrailEvents;
  readonly #maxWaitingBytes: number;
  #file: TrailFile;
  #place: Place;
  /** Not in the file; see {@link bodyOf}. */
  #waiting: string[] = [];
  #waitingBytes = 0;
  #written = 0;
  #failures = 0;
  #lostInAll = 0;
  /** Since the last gap that the file tells of. */
  #lost = { entries: 0, since: 0 };
  #hasFailed = false;
  #wants = { reopening: false, checkpoint: false, sync: false };
  /** Records since the last checkpoint. */
  #unsigned = 0;
  #running: Promise<void> | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #checkpoints: NodeJS.Timeout;
  #closing: Promise<void> | undefined;
  /** The last try has failed. */
  #isOver = false;

  /** @param torn bytes of half a line that were cut off. */
  constructor(options: TrailOptions, file: TrailFile, place: Place, torn: number) {
    const { path, key, on = {}, maxWaitingBytes = MAX_WAITING_BYTES } = options;
    this.#path = path;
    this.#key = key;
    this.#on = on;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#file = file;
    this.#place = place;
    this.#checkpoints = setInterval(() => this.checkpoint(), CHECKPOINT_MS).unref();
    this.#push(this.#opening(torn));
  }

  get state(): AuditState {
    return {
      written: this.#written,
      lost: this.#lostInAll,
      failures: this.#failures,
      waitingBytes: this.#waitingBytes,
      isWritable: !this.#hasFailed && this.#lost.entries === 0 && this.#closing === undefined,
    };
  }

  /** Notes something. It is in the file within the same few milliseconds, and on disk within a second. Never throws. */
  note(entry: AuditEntry): void {
    this.take(bodyOf(entry, Date.now()));
  }

  /** The same for what another process has noted: see {@link bodyOf}. */
  take(body: string): void {
    if (this.#closing) return;
    if (this.#hasRoom) this.#settleGap();
    if (this.#lost.entries > 0 || this.#waitingBytes >= this.#maxWaitingBytes) {
      if (this.#lost.entries === 0) this.#lost.since = Date.now();
      this.#lost.entries += 1;
      this.#lostInAll += 1;
      return;
    }
    this.#push(body);
  }

  /** Opens the file of that name anew, as it has been moved away (`logrotate`). The chain goes on in it. */
  reopen(): void {
    this.#wants.reopening = true;
    this.#start();
  }

  /** Makes a checkpoint, where anything was written since the last one. */
  checkpoint(): void {
    if (this.#unsigned === 0 && this.#waiting.length === 0) return;
    this.#wants.checkpoint = true;
    this.#start();
  }

  /** Resolves once everything that was noted is written, or a try has failed. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Writes what waits, a last record and a checkpoint, and closes the file. Takes two seconds at most. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#checkpoints);
    // Behind the close nothing comes.
    const lost = this.#lost.entries;
    const gap = this.#settleGap();
    this.#push(bodyOf({ who: 'broker', what: 'audit.close', outcome: 'ok' }, Date.now()));
    this.#wants.checkpoint = true;
    const timeout = new AbortController();
    await Promise.race([this.#finish(), elapsed(CLOSE_MS, timeout.signal)]);
    timeout.abort();
    const isGapWritten = gap === undefined || !this.#waiting.includes(gap);
    if (this.#waiting.length > 0) this.#on.abandoned?.(this.#waiting.length + (isGapWritten ? 0 : lost));
    clearTimeout(this.#retry);
    clearTimeout(this.#syncTimer);
  }

  async #finish(): Promise<void> {
    await this.flush();
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#wants.sync = true;
    this.#start();
    await this.flush();
    await this.#file.close();
  }

  #opening(torn = 0): string {
    const data = { key: this.#key.id, ...(torn > 0 ? { torn_bytes: torn } : {}) };
    return bodyOf({ who: 'broker', what: 'audit.open', outcome: 'ok', data }, Date.now());
  }

  #push(body: string): void {
    this.#waiting.push(body);
    // What it takes in memory, or half of it: near enough, and nothing has to be encoded for it.
    this.#waitingBytes += body.length;
    this.#start();
  }

  /** There is again: with every entry lost anew, half of the records would say so. */
  get #hasRoom(): boolean {
    return this.#waitingBytes <= this.#maxWaitingBytes / 2;
  }

  /** Notes what was lost, and returns that record; undefined where nothing was. */
  #settleGap(): string | undefined {
    const { entries, since } = this.#lost;
    if (entries === 0) return undefined;
    this.#lost = { entries: 0, since: 0 };
    const data = { lost: entries, since: new Date(since).toISOString() };
    const gap = bodyOf({ who: 'broker', what: 'audit.gap', outcome: 'failed', data }, Date.now());
    this.#push(gap);
    return gap;
  }

  #start(): void {
    if (this.#running || this.#retry || this.#isOver) return;
    // What is noted in the same step goes with it.
    this.#running = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#run())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#running = undefined;
        if (this.#hasWork) this.#start();
      });
  }

  get #hasWork(): boolean {
    const { reopening, checkpoint, sync } = this.#wants;
    return this.#waiting.length > 0 || reopening || checkpoint || sync;
  }

  /** @throws what keeps it from being written: whatever is not written is tried again */
  async #run(): Promise<void> {
    while (this.#hasWork) {
      // Until the other file is open, this one is written to.
      const problem = this.#wants.reopening ? await this.#swap().catch(named) : undefined;
      await this.#write();
      if (this.#wants.sync) await this.#sync();
      if (problem) throw problem.error;
    }
    // Now, and not with the next entry: where records are required, there is none before this one.
    const lost = this.#lost.entries;
    this.#settleGap();
    if (!this.#hasFailed) return;
    this.#hasFailed = false;
    this.#on.recovered?.(lost);
  }

  async #write(): Promise<void> {
    const { lines, bodies, bytes, place, signed } = this.#batch();
    if (lines !== '') await this.#file.append(lines);
    this.#waiting.splice(0, bodies);
    this.#waitingBytes -= bytes;
    this.#written += place.n - this.#place.n;
    this.#unsigned = signed ? 0 : this.#unsigned + bodies;
    this.#place = place;
    if (signed) {
      await this.#sync();
      this.#wants.checkpoint = false;
      this.#on.checkpoint?.({ ...signed, key: this.#key.id });
    } else if (bodies > 0) {
      this.#syncTimer ??= setTimeout(() => {
        this.#wants.sync = true;
        this.#start();
      }, SYNC_MS).unref();
    }
  }

  /** What is written next. A checkpoint comes behind all that waits. Nothing has changed yet. */
  #batch(): { lines: string; bodies: number; bytes: number; place: Place; signed: Checkpoint | undefined } {
    let { lines, bodies, bytes, place } = { lines: '', bodies: 0, bytes: 0, place: this.#place };
    for (const body of this.#waiting) {
      if (bytes >= BATCH_BYTES) break;
      const next = link(this.#key, place, body);
      lines += `${next.line}\n`;
      place = next.place;
      bodies += 1;
      bytes += body.length;
    }
    if (!this.#wants.checkpoint || bodies < this.#waiting.length)
      return { lines, bodies, bytes, place, signed: undefined };
    const now = Date.now();
    const at = new Date(now).toISOString();
    const sig = signCheckpoint(this.#key, place, at);
    const body = bodyOf({ who: 'broker', what: 'audit.checkpoint', outcome: 'ok' }, now);
    const last = link(this.#key, place, `${body},"sig":"${sig}"`);
    const signed = { ...last.place, at, prev: place.mac, sig };
    return { lines: `${lines}${last.line}\n`, bodies, bytes, place: last.place, signed };
  }

  async #sync(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    this.#wants.sync = true;
    await this.#file.sync();
    this.#wants.sync = false;
    if (!this.#closing && (await this.#file.isDeleted())) this.#wants.reopening = true;
  }

  async #swap(): Promise<undefined> {
    const before = this.#file;
    await before.sync();
    const { file } = await openOwn(this.#path, this.#key, this.#place);
    this.#file = file;
    this.#wants.reopening = false;
    const opening = this.#opening();
    this.#waiting.unshift(opening);
    this.#waitingBytes += opening.length;
    await before.close();
    return undefined;
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    const isFirst = !this.#hasFailed;
    this.#hasFailed = true;
    // Whether the last sync came through is not known.
    this.#wants.sync = true;
    if (this.#closing) this.#isOver = true;
    else
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#start();
      }, RETRY_MS).unref();
    this.#on.failed?.(error, isFirst);
  }
}

const named = (error: unknown) => ({ error });

function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
