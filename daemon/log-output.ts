import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isSystemError } from './errors.ts';

/** What waits for a reader that does not read, or for room on a disk, at most. Bytes. */
const MAX_WAITING = 1024 * 1024;
/** How often it is tried again. Milliseconds. */
const RETRY_MS = 100;
/** How long a process that ends waits for its reader. Milliseconds. */
const LAST_WORDS_MS = 500;
/** Errors after which a later try may succeed. */
const PASSING = ['EAGAIN', 'EBUSY', 'EINTR', 'ENOSPC', 'EDQUOT', 'EFBIG'];

/**
 * Where the log goes: a file handle of this process. A line is out when `write` returns, as long as somebody reads; where
 * nobody does it waits, within a bound, and beyond that it is lost and counted. Nobody ever waits for a reader. So no
 * library does it: pino's own destination either blocks the process, or a thread that the process's end waits for.
 */
export class LogOutput {
  readonly #handle: number;
  readonly #flowsAgain: (lost: number) => void;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isGone = false;
  /** Lines lost since the last one that was written. */
  #lostNow = 0;
  /** Lines lost in all. */
  lost = 0;

  /** @param flowsAgain - so many lines were lost, and from now on they are written again. */
  constructor(handle: number, flowsAgain: (lost: number) => void = () => {}) {
    this.#handle = unblocked(handle);
    this.#flowsAgain = flowsAgain;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#isGone || this.#bytes + bytes.length > MAX_WAITING) {
      this.lost += 1;
      this.#lostNow += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    // Else it is not its turn.
    if (!this.#timer) this.#flow();
  }

  /** Writes what waits, as far as somebody reads it before the time is over. For the end of the process. */
  flushSync(): void {
    const end = performance.now() + LAST_WORDS_MS;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (this.#writeSome() === 'EAGAIN' && performance.now() < end) Atomics.wait(pause, 0, 0, 10);
  }

  #flow(): void {
    this.#timer = undefined;
    if (this.#writeSome() !== undefined) {
      this.#timer = setTimeout(() => this.#flow(), RETRY_MS).unref();
      return;
    }
    const lost = this.#lostNow;
    this.#lostNow = 0;
    if (lost > 0 && !this.#isGone) this.#flowsAgain(lost);
  }

  /** @returns why something still waits. */
  #writeSome(): string | undefined {
    try {
      for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
        const written = writeSync(this.#handle, first);
        this.#bytes -= written;
        if (written === first.length) this.#waiting.shift();
        else this.#waiting[0] = first.subarray(written);
      }
      return undefined;
    } catch (error) {
      const code = isSystemError(error) ? (error.code ?? '') : '';
      if (PASSING.includes(code)) return code;
      // Its reader has left, for good.
      this.lost += this.#waiting.length;
      this.#waiting = [];
      this.#bytes = 0;
      this.#isGone = true;
      return undefined;
    }
  }
}

/** The same pipe, terminal or socket, but one that nobody has to wait for. A file's kernel takes what there is room for. */
function unblocked(handle: number): number {
  try {
    const stat = fstatSync(handle);
    if (stat.isFile()) return handle;
    if (stat.isFIFO() || stat.isCharacterDevice()) {
      // Opened anew: whoever shares the old one, as the shell does its terminal, is not to find it changed.
      return openSync(`/proc/self/fd/${handle}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    }
  } catch {
    // Below, then: no /proc, or it is somebody else's.
  }
  // Node makes sockets and pipes so when it takes them for a stream.
  if (handle === 1) void process.stdout;
  return handle;
}
