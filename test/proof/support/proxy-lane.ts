import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as tick } from 'node:timers/promises';
import type { Random } from './random.ts';

/** How bytes are passed on; each is the chance that it happens to what arrived together. */
export interface Manners {
  /** They wait for some milliseconds. */
  delays: number;
  /** They wait for so long that a person would notice. */
  stalls: number;
  /** They go one by one. */
  drips: number;
}

const DELAY_MS = 15;
const STALL_MS = 600;
/** Bytes that go one by one; what remains of a chunk goes as it is, or the rest of the test would wait for it. */
const DRIPPED = 96;
/** What may wait for its way: a sender of more has to wait, as with any network. Bytes. */
const WINDOW = 64 * 1024;

/** One direction of a connection. The bytes keep their order, and nothing else is certain. */
export class HostileLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #random: Random;
  readonly #manners: () => Manners | undefined;
  readonly #passed: (bytes: number) => void;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #isEnding = false;
  #isBusy = false;
  #isStopped = false;

  /** @param manners those of the moment; undefined: it is a plain wire. @param passed hears of bytes that went on. */
  constructor(
    from: Socket,
    to: Socket,
    random: Random,
    manners: () => Manners | undefined,
    passed: (bytes: number) => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#random = random;
    this.#manners = manners;
    this.#passed = passed;
    from.on('data', (chunk: Buffer) => {
      this.#waiting.push(chunk);
      this.#bytes += chunk.length;
      if (this.#bytes > WINDOW) from.pause();
      void this.#work();
    });
    // What came before an end still arrives.
    const end = () => {
      this.#isEnding = true;
      void this.#work();
    };
    from.on('end', end);
    from.on('close', end);
  }

  /** Nothing more goes through, an end neither. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    this.#from.pause();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let chunk = this.#waiting.shift(); chunk; chunk = this.#waiting.shift()) {
      await this.#pass(chunk);
      this.#bytes -= chunk.length;
      if (this.#bytes <= WINDOW && !this.#isStopped) this.#from.resume();
    }
    this.#isBusy = false;
    if (this.#isEnding && !this.#isStopped) this.#to.destroySoon();
  }

  async #pass(chunk: Buffer): Promise<void> {
    const manners = this.#manners();
    if (!manners) return this.#write(chunk);
    const random = this.#random;
    if (random.chance(manners.stalls)) await delay(random.int(STALL_MS));
    else if (random.chance(manners.delays)) await delay(random.int(DELAY_MS));
    const dripped = random.chance(manners.drips) ? random.int(Math.min(DRIPPED, chunk.length) + 1) : 0;
    for (let i = 0; i < dripped; i += 1) {
      this.#write(chunk.subarray(i, i + 1));
      await tick();
    }
    // In two, anywhere: what is cut may have been passed on in part.
    const middle = dripped + random.int(chunk.length - dripped + 1);
    this.#write(chunk.subarray(dripped, middle));
    this.#write(chunk.subarray(middle));
  }

  #write(bytes: Buffer): void {
    if (bytes.length === 0 || this.#isStopped || !this.#to.writable) return;
    this.#to.write(bytes);
    this.#passed(bytes.length);
  }
}
