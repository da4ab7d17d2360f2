import { connect, type Socket } from 'node:net';
import type { AuditEntry, AuditState, AuditTrail } from '../protocol/audit.ts';
import { bodyOf } from './body.ts';
import { LineSplitter } from './line-splitter.ts';

/** What may wait for the writer, as in a trail of one's own. Characters. */
const MAX_WAITING = 4 * 1024 * 1024;
/** How long after a failure it is tried again. Milliseconds. */
const RETRY_MS = 100;
/** A writer that is there, and has written nothing for so long, hangs. Milliseconds. */
const STUCK_MS = 5_000;
/** How long the end waits for the writer to take it. Milliseconds. */
const CLOSE_MS = 2_000;

/** Who hears how it goes. */
export interface RemoteTrailEvents {
  /** The writer is gone; it is looked for again. */
  lost?(): void;
  /** It is there again. `lost`: so many entries had no room meanwhile. */
  found?(lost: number): void;
  /** It was closed, and so many entries never got there. */
  abandoned?(entries: number): void;
}

/** How it is reached, and as whom. */
export interface RemoteTrailOptions {
  /** The writer's socket. */
  readonly path: string;
  /** This process, as records name it. */
  readonly worker: string;
  /** This life of it, unlike any other. */
  readonly life: string;
  readonly on?: RemoteTrailEvents;
  /** Of entries that wait. Default: 4 MiB. */
  readonly maxWaiting?: number;
}

/** What the writer says. */
interface Told {
  /** What it has written, up to that number. */
  readonly written?: number;
  /** What it has, up to that number: as long as it lives that will be written. */
  readonly taken?: number;
  readonly isWritable: boolean;
}

interface Note {
  readonly n: number;
  readonly body: string;
  /** When it was noted, by `performance.now()`. */
  readonly at: number;
}

/**
 * A trail that another process writes, the only one that can chain records: see `TrailWriter`. Entries are told in order, and
 * kept until they are in the file. Where the writer is away it is as if the disk were: they wait, within a bound, and what has no
 * room is counted and told.
 */
export class RemoteTrail implements AuditTrail {
  readonly #options: RemoteTrailOptions;
  readonly #maxWaiting: number;
  /** Not known to be in the file; the first `#told` of them are with the writer. */
  #waiting: Note[] = [];
  #waitingSize = 0;
  #told = 0;
  #taken = 0;
  #last = 0;
  #lost = { entries: 0, since: 0 };
  #lostInAll = 0;
  #lostSinceFound = 0;
  #failures = 0;
  #socket: Socket | undefined;
  #isWritable = false;
  #retry: NodeJS.Timeout | undefined;
  #isClosing = false;
  /** Nobody waits for the writer any more. */
  #isClosed = false;
  #isFlowing = true;
  #changed: () => void = () => {};

  constructor(options: RemoteTrailOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#connect();
  }

  /** What is in the file the writer counts. */
  get state(): AuditState {
    return {
      written: 0,
      lost: this.#lostInAll,
      failures: this.#failures,
      waitingBytes: this.#waitingSize,
      isWritable: this.#isWritable && !this.#isStuck && this.#lost.entries === 0 && !this.#isClosing,
    };
  }

  get #isStuck(): boolean {
    const [oldest] = this.#waiting;
    return oldest !== undefined && performance.now() - oldest.at > STUCK_MS;
  }

  note(entry: AuditEntry): void {
    if (this.#isClosing) return;
    if (this.#waitingSize <= this.#maxWaiting / 2) this.#settleGap();
    if (this.#lost.entries > 0 || this.#waitingSize >= this.#maxWaiting) {
      if (this.#lost.entries === 0) this.#lost.since = Date.now();
      this.#lost.entries += 1;
      this.#lostInAll += 1;
      this.#lostSinceFound += 1;
      return;
    }
    this.#push(entry);
  }

  /** Resolves once it can be written to, or after so long. Milliseconds. */
  async ready(ms: number): Promise<void> {
    await this.#until(() => this.#isWritable, ms);
  }

  /** Tells what waits, and leaves the writer. Takes two seconds at most. */
  async close(): Promise<void> {
    this.#settleGap();
    this.#isClosing = true;
    // It is the writer's then, which ends later.
    const missing = () => this.#waiting.filter(({ n }) => n > this.#taken).length;
    await this.#until(() => missing() === 0, CLOSE_MS);
    this.#isClosed = true;
    clearTimeout(this.#retry);
    if (missing() > 0) this.#options.on?.abandoned?.(missing());
    this.#socket?.destroy();
  }

  #push(entry: AuditEntry): void {
    this.#last += 1;
    const body = bodyOf({ ...entry, worker: this.#options.worker }, Date.now());
    this.#waiting.push({ n: this.#last, body, at: performance.now() });
    this.#waitingSize += body.length;
    this.#flow();
  }

  #settleGap(): void {
    const { entries, since } = this.#lost;
    if (entries === 0) return;
    this.#lost = { entries: 0, since: 0 };
    const data = { lost: entries, since: new Date(since).toISOString() };
    this.#push({ who: 'broker', what: 'audit.gap', outcome: 'failed', data });
  }

  #connect(): void {
    const { path, worker, life, on } = this.#options;
    const lines = new LineSplitter();
    const socket = connect(path);
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      socket.destroy();
      this.#failures += 1;
      this.#told = 0;
      this.#taken = 0;
      this.#isFlowing = true;
      if (this.#socket === socket && this.#isWritable && !this.#isClosing) on?.lost?.();
      this.#socket = undefined;
      this.#isWritable = false;
      this.#changed();
      if (this.#isClosed) return;
      this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
      this.#retry.unref();
    };
    socket.unref();
    socket.on('error', () => {});
    socket.once('close', over);
    socket.once('connect', () => {
      this.#socket = socket;
      socket.write(`${JSON.stringify({ worker, life })}\n`);
      this.#flow();
    });
    socket.on('drain', () => {
      this.#isFlowing = true;
      this.#flow();
    });
    socket.on('data', (chunk) => {
      try {
        for (const line of lines.take(chunk)) this.#hear(JSON.parse(line) as Told);
      } catch {
        // It is not the writer, or another version of it: it is tried again.
        over();
      }
    });
  }

  #hear({ written = 0, taken = 0, isWritable }: Told): void {
    this.#taken = taken;
    let done = 0;
    for (const { n, body } of this.#waiting) {
      if (n > written) break;
      this.#waitingSize -= body.length;
      done += 1;
    }
    this.#waiting.splice(0, done);
    this.#told = Math.max(0, this.#told - done);
    if (isWritable && !this.#isWritable) {
      this.#isWritable = true;
      if (this.#failures > 0) this.#options.on?.found?.(this.#lostSinceFound);
      this.#lostSinceFound = 0;
    }
    this.#isWritable = isWritable;
    if (this.#waitingSize <= this.#maxWaiting / 2) this.#settleGap();
    this.#changed();
  }

  #flow(): void {
    const socket = this.#socket;
    while (socket && this.#isFlowing) {
      const note = this.#waiting[this.#told];
      if (!note) return;
      this.#told += 1;
      this.#isFlowing = socket.write(`${note.n} ${note.body}\n`);
    }
  }

  #until(isSo: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#changed = () => {};
        resolve();
      };
      const timer = setTimeout(finish, ms);
      this.#changed = () => isSo() && finish();
      this.#changed();
    });
  }
}
