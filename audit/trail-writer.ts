import { createServer, type Server, type Socket } from 'node:net';
import { LineSplitter } from './line-splitter.ts';
import type { FileTrail } from './trail.ts';

/** How often others are told that the file can be written, or cannot, and what waits is looked at. Milliseconds. */
const LOOK_MS = 100;
/** With more waiting for the file nothing more is read of the others': it waits where it was noted. Bytes. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** One process whose entries are written. */
interface Teller {
  readonly socket: Socket;
  readonly lines: LineSplitter;
  /** Which one, and which life of it; undefined until it has said so. */
  id: { worker: string; life: string } | undefined;
  /** The last one that was read. */
  taken: number;
  /** The same, while it is not known to be in the file; else 0. */
  pending: number;
  /** What it was told last. */
  told: string;
}

/**
 * Writes what other processes note, {@link RemoteTrail}s, into this one's trail: each one's in its order. Each is told what is in
 * the file. A process that finds this one again tells what it does not know of anew; what this life has taken already is passed
 * over.
 */
export class TrailWriter {
  readonly #trail: FileTrail;
  readonly #server: Server;
  readonly #tellers = new Set<Teller>();
  /** The last number of each one's that was taken. */
  readonly #taken = new Map<string, { life: string; n: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(trail: FileTrail) {
    this.#trail = trail;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /** @param path - nobody else may be able to open it, and nothing be there @throws {Error} Node's own */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => {
        this.#server.off('error', reject);
        // Whoever could not be taken tries again.
        this.#server.on('error', () => {});
        resolve();
      });
    });
  }

  /** What was read is in the trail. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    for (const { socket } of this.#tellers) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    const teller: Teller = { socket, lines: new LineSplitter(), id: undefined, taken: 0, pending: 0, told: '' };
    this.#tellers.add(teller);
    socket.on('error', () => {});
    socket.once('close', () => this.#tellers.delete(teller));
    socket.on('data', (chunk) => {
      try {
        for (const line of teller.lines.take(chunk)) this.#hear(teller, line);
      } catch {
        socket.destroy();
        return;
      }
      if (this.#isFull) socket.pause();
      this.#tell(teller);
      void this.#confirm(teller);
    });
  }

  get #isFull(): boolean {
    return this.#trail.state.waitingBytes > MAX_WAITING_BYTES;
  }

  /** @throws {Error} where it is nothing that a process of ours says */
  #hear(teller: Teller, line: string): void {
    if (!teller.id) {
      teller.id = JSON.parse(line) as { worker: string; life: string };
      this.#tell(teller);
      return;
    }
    const { worker, life } = teller.id;
    const end = line.indexOf(' ');
    const n = Number(line.slice(0, end));
    if (!Number.isSafeInteger(n) || n < 1) throw new Error('a number is missing');
    const taken = this.#taken.get(worker);
    teller.taken = n;
    teller.pending = n;
    if (taken?.life === life && n <= taken.n) return;
    this.#taken.set(worker, { life, n });
    this.#trail.take(line.slice(end + 1));
  }

  /** Tells what is in the file, once it is. */
  async #confirm(teller: Teller): Promise<void> {
    const { pending } = teller;
    if (pending === 0) return;
    await this.#trail.flush();
    // Else it is tried again, and then told.
    if (this.#trail.state.isWritable) this.#tell(teller, pending);
  }

  #look(): void {
    const { isWritable } = this.#trail.state;
    for (const teller of this.#tellers) {
      if (teller.socket.isPaused() && !this.#isFull) teller.socket.resume();
      if (isWritable && teller.pending > 0) void this.#confirm(teller);
      else if (teller.id) this.#tell(teller);
    }
  }

  /** Nothing that it knows. */
  #tell(teller: Teller, written?: number): void {
    const { isWritable } = this.#trail.state;
    const told = JSON.stringify({ written: written ?? 0, taken: teller.taken, isWritable });
    if (written !== undefined && teller.pending === written) teller.pending = 0;
    if (told === teller.told && written === undefined) return;
    teller.told = told;
    teller.socket.write(`${told}\n`);
  }
}
