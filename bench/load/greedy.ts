import type { Target } from '../targets/target.ts';
import { clientFrame } from './client-frame.ts';
import { openWire } from './fleet.ts';
import type { Wire } from './wire.ts';

/** Bytes of requests that are written at once. */
const BATCH_BYTES = 16 * 1024;
/** So many answers of a batch may be missing when the next one is written. */
const LEFT = 0.5;

/** Somebody who asks by many connections, each as fast as it is answered. */
export class Greedy {
  readonly #wires: Wire[] = [];
  readonly #batch: Buffer;
  readonly #requests: number;
  #isRunning = false;
  /** Requests that were answered. */
  answered = 0;

  private constructor() {
    const request = clientFrame('{"jsonrpc":"2.0","id":"greedy","method":"agents.list"}');
    this.#requests = Math.floor(BATCH_BYTES / request.length);
    this.#batch = Buffer.concat(Array.from({ length: this.#requests }, () => request));
  }

  /** Connects; nothing is asked yet. */
  static async open(target: Target, token: string, connections: number): Promise<Greedy> {
    const greedy = new Greedy();
    for (let index = 0; index < connections; index += 1) greedy.#add(await openWire(target, { token }));
    return greedy;
  }

  start(): void {
    this.#isRunning = true;
    for (const wire of this.#wires) wire.onChunk?.();
  }

  /** Asks no more; what was asked is still answered. */
  stop(): void {
    this.#isRunning = false;
  }

  close(): void {
    for (const wire of this.#wires) wire.close();
  }

  #add(wire: Wire): void {
    let missing = 0;
    wire.onText = () => {
      missing -= 1;
      this.answered += 1;
      return true;
    };
    wire.onChunk = () => {
      if (!this.#isRunning || missing > this.#requests * LEFT) return;
      missing += this.#requests;
      wire.write(this.#batch);
    };
    this.#wires.push(wire);
  }
}
