import type { EndedTurnStore } from '../cluster/ended-turn-store.ts';
import { isPeerName } from '../link/frame.ts';
import { DiscardPolicy, nanos, RetentionPolicy, StorageType } from '../sdks/nats.ts';
import { NatsError } from './errors.ts';
import { Line } from './line.ts';
import { namesOf } from './names.ts';
import type { NatsOptions } from './options.ts';
import { Store } from './store.ts';

/** So long an ended turn is kept. Milliseconds. */
export const KEPT_MS = 5 * 60_000;
/** Of one message; less, where the server takes less. Bytes. */
const PART_BYTES = 1024 * 1024 - 4 * 1024;
/** The longest log that is kept. Bytes. */
export const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** All together; beyond that the oldest goes. Bytes. */
export const MAX_KEPT_BYTES = 512 * 1024 * 1024;
/** Before the first part: how many there are, and how long all are. Bytes. */
const HEAD_BYTES = 8;
/** So many parts are read at a time. */
const AT_ONCE = 4;

/** Logs of turns that have ended, for whoever resumes them on another broker. */
export class EndedTurns implements EndedTurnStore {
  readonly #options: NatsOptions;
  #store: Store | undefined;

  /** @throws {NatsError} `config` */
  constructor(options: NatsOptions) {
    namesOf(options.cluster);
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#store?.line.isConnected ?? false;
  }

  /**
   * @throws {NatsError} where there is no server, no JetStream, too few servers, or no right to them
   */
  async open(): Promise<void> {
    const { cluster, replicas } = this.#options;
    const names = namesOf(cluster);
    const line = await Line.open(this.#options, 'ended turns');
    try {
      const store = await Store.open(line, replicas);
      await store.make({
        name: names.endedStream,
        subjects: [names.ended('*', '*')],
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        discard: DiscardPolicy.Old,
        max_msgs_per_subject: 1,
        max_age: nanos(KEPT_MS),
        max_bytes: MAX_KEPT_BYTES,
        allow_direct: true,
      });
      this.#store = store;
    } catch (error) {
      await line.close();
      throw error;
    }
  }

  /**
   * Keeps the log of a turn that has ended. A longer one than a message may be goes in parts, of which the first is written
   * last: whoever finds that finds all.
   * @throws {NatsError} `away`: NATS does not take it now; `max_payload`, where it is longer than {@link MAX_LOG_BYTES}
   */
  async keep(turn: string, log: Uint8Array): Promise<void> {
    const store = this.#opened(turn);
    if (log.length > MAX_LOG_BYTES) throw new NatsError('max_payload', 'the log of the turn is too long to be kept');
    const { ended } = namesOf(this.#options.cluster);
    const size = Math.min(PART_BYTES, store.line.maxPayload - 4 * 1024);
    const count = Math.max(1, Math.ceil(log.length / size));
    for (let n = count - 1; n >= 0; n -= 1) {
      const part = log.subarray(n * size, (n + 1) * size);
      const head = Buffer.alloc(n === 0 ? HEAD_BYTES : 0);
      if (n === 0) {
        head.writeUInt32LE(count, 0);
        head.writeUInt32LE(log.length, 4);
      }
      await store.put(ended(turn, n), Buffer.concat([head, part]));
    }
  }

  /**
   * The log of a turn; undefined where none is kept, or no longer all of it.
   * @throws {NatsError} `away`
   */
  async find(turn: string): Promise<Buffer | undefined> {
    const store = this.#opened(turn);
    const { ended, endedStream } = namesOf(this.#options.cluster);
    const first = await store.read(endedStream, ended(turn, 0));
    if (!first || first.length < HEAD_BYTES) return;
    const count = first.readUInt32LE(0);
    const length = first.readUInt32LE(4);
    if (length > MAX_LOG_BYTES || count > MAX_LOG_BYTES / 1_024) return;
    const parts: Buffer[] = [first.subarray(HEAD_BYTES)];
    for (let n = 1; n < count; n += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - n) }, async (_, k) => {
        return (await store.read(endedStream, ended(turn, n + k))) ?? Buffer.alloc(0);
      });
      parts.push(...(await Promise.all(some)));
    }
    const log = Buffer.concat(parts);
    return log.length === length ? log : undefined;
  }

  /**
   * How the log of a turn begins, which is its first part.
   * @throws {NatsError} `away`
   */
  async begin(turn: string): Promise<Buffer | undefined> {
    const { ended, endedStream } = namesOf(this.#options.cluster);
    const first = await this.#opened(turn).read(endedStream, ended(turn, 0));
    return first && first.length >= HEAD_BYTES ? first.subarray(HEAD_BYTES) : undefined;
  }

  async close(): Promise<void> {
    await this.#store?.line.close();
  }

  #opened(turn: string): Store {
    if (!isPeerName(turn)) throw new NatsError('config', 'the id of a turn has 1 to 64 letters, digits, - and _');
    if (!this.#store) throw new NatsError('away', 'logs of ended turns are not open');
    return this.#store;
  }
}
