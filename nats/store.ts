import { setTimeout as sleep } from 'node:timers/promises';
import { DiscardPolicy, headers, jetstream, RetentionPolicy, StorageType } from '../sdks/nats.ts';
import { NatsError } from './errors.ts';
import type { Line } from './line.ts';

/** Longest time that anything is waited for: a leader that dies answers nothing, and the next one is there by then. Milliseconds. */
export const REQUEST_MS = 1_000;
/** A cluster that has just started chooses its leaders for so long. Milliseconds. */
const START_MS = 15_000;
const RETRY_MS = 200;

/** What JetStream says, by its number. */
const Code = {
  wrongLastSequence: [10071, 10164],
  notEnabled: [10039, 10076],
  /** So many servers with JetStream there are not; or one is alone, and copies are kept in clusters. */
  noPeers: [10005, 10074],
  alreadyThere: [10058],
} as const;

type Manager = Awaited<ReturnType<ReturnType<typeof jetstream>['jetstreamManager']>>;
export type StreamConfig = Parameters<Manager['streams']['add']>[0] & { name: string };

/** What a stream has under one subject. */
export interface Stored {
  readonly revision: number;
  /** Undefined where it says that there is nothing any more. */
  readonly value: Buffer | undefined;
}

/** JetStream, as far as it is used here. Every wait ends within a second. */
export class Store {
  readonly line: Line;
  readonly jsm: Manager;
  readonly #js: ReturnType<typeof jetstream>;
  readonly #replicas: number;

  private constructor(line: Line, jsm: Manager, js: ReturnType<typeof jetstream>, replicas: number) {
    this.line = line;
    this.jsm = jsm;
    this.#js = js;
    this.#replicas = replicas;
  }

  /** @param replicas - how many copies of everything; default: 3, and 1 where the server is alone */
  static async open(line: Line, replicas: number | undefined): Promise<Store> {
    const js = jetstream(line.nats, { timeout: REQUEST_MS });
    const jsm = await js.jetstreamManager(false);
    return new Store(line, jsm, js, replicas ?? (line.nats.info?.cluster ? 3 : 1));
  }

  /**
   * Sees to it that there is such a stream. One that is there stays as it is.
   * @throws {NatsError} `no_jetstream`, `no_peers`, `permission`; `away`, where there is none after a while
   */
  async make(config: StreamConfig): Promise<void> {
    await this.starting(async () => {
      try {
        await this.#makeOnce(config);
      } catch (error) {
        if (!Code.alreadyThere.some((code) => code === codeOf(error))) throw problemOf(error);
      }
    });
  }

  /** Tries again what a cluster that has just started does not do yet. */
  async starting<T>(step: () => Promise<T>): Promise<T> {
    const until = performance.now() + START_MS;
    for (;;) {
      try {
        return await step();
      } catch (error) {
        const { problem } = error as NatsError;
        const isAlone = this.line.nats.info?.cluster === undefined;
        const mayChange = problem === 'away' || (!isAlone && (problem === 'no_jetstream' || problem === 'no_peers'));
        if (!mayChange || performance.now() >= until) throw error;
      }
      await sleep(RETRY_MS);
    }
  }

  /**
   * Writes under a subject.
   * @param expected - the revision that is there now, 0 for none; default: whichever it is
   * @returns its revision; undefined where something else is there than was expected
   * @throws {NatsError} `away`: it may have been written all the same; `max_payload`
   */
  async put(subject: string, value: string | Uint8Array, expected?: number): Promise<number | undefined> {
    return this.#publish(subject, value, expected);
  }

  /** Says under a subject that there is nothing any more, as {@link put} does. */
  async mark(subject: string, expected?: number): Promise<number | undefined> {
    const gone = headers();
    gone.set('KV-Operation', 'DEL');
    return this.#publish(subject, '', expected, gone);
  }

  /**
   * What the stream's leader has under a subject.
   * @throws {NatsError} `away`
   */
  async get(stream: string, subject: string): Promise<Stored | undefined> {
    const found = await this.#ask(() => this.jsm.streams.getMessage(stream, { last_by_subj: subject }));
    if (!found) return;
    return { revision: found.seq, value: isGone(found.header) ? undefined : Buffer.from(found.data) };
  }

  /**
   * What any copy of a stream has under a subject that is written once: cheaper than {@link get}, and without its bound.
   * @throws {NatsError} `away`
   */
  async read(stream: string, subject: string): Promise<Buffer | undefined> {
    const found = await this.#ask(() => this.jsm.direct.getMessage(stream, { last_by_subj: subject }));
    // A copy may be behind.
    return found ? Buffer.from(found.data) : (await this.get(stream, subject))?.value;
  }

  /**
   * Removes what has that revision, and nothing else, without a trace.
   * @throws {NatsError} `away`
   */
  async remove(stream: string, revision: number): Promise<void> {
    await this.#ask(async () => {
      await this.jsm.streams.deleteMessage(stream, revision, false).catch((error) => {
        // It is gone already.
        if (codeOf(error) === undefined) throw error;
      });
    });
  }

  /**
   * The revision of what was written last; only a leader with a majority knows it.
   * @throws {NatsError} `away`
   */
  async lastRevision(stream: string): Promise<number> {
    const { state } = await this.#ask(() => this.jsm.streams.info(stream));
    return state.last_seq;
  }

  async #publish(subject: string, value: string | Uint8Array, expected?: number, given?: ReturnType<typeof headers>) {
    const data = typeof value === 'string' ? Buffer.from(value) : value;
    // With room for the headers.
    if (data.length > this.line.maxPayload - 1_024 && this.line.isConnected) {
      throw new NatsError('max_payload', `NATS takes messages of ${this.line.maxPayload} bytes at most: max_payload`);
    }
    try {
      const ack = await this.#ask(() =>
        this.#js.publish(subject, data, {
          ...(given ? { headers: given } : {}),
          ...(expected === undefined ? {} : { expect: { lastSubjectSequence: expected } }),
        }),
      );
      return ack.seq;
    } catch (error) {
      const code = codeOf((error as NatsError).cause);
      if (Code.wrongLastSequence.some((known) => known === code)) return;
      throw error;
    }
  }

  /** Nothing is asked while there is no connection: it would be asked when there is one again, and nobody waits for it. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (!this.line.isConnected) throw new NatsError('away', 'NATS is away');
    try {
      return await question();
    } catch (error) {
      const problem = problemOf(error);
      if (problem.problem !== 'no_jetstream') throw problem;
      // There was one: just now nobody is there to answer.
      throw new NatsError('away', 'NATS does not answer: no JetStream', { cause: error });
    }
  }

  async #makeOnce(config: StreamConfig): Promise<void> {
    const there = await this.jsm.streams.info(config.name).catch((error) => {
      if ((error as Error).name !== 'StreamNotFoundError' && codeOf(error) !== 10059) throw error;
    });
    if (!there) {
      await this.jsm.streams.add({ num_replicas: this.#replicas, ...config });
      return;
    }
    const copies = there.config.num_replicas;
    if (copies < this.#replicas) {
      this.line.tell('warn', `${config.name} is kept on ${copies} server of NATS, not on ${this.#replicas}`);
    }
  }
}

/** A bucket of JetStream's KV, whose changes are told under a subject as they are stored. */
export function bucketConfig(name: string, changes: string): StreamConfig {
  return {
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    republish: { src: `$KV.${name}.>`, dest: `${changes}.>` },
  };
}

/** Whether a message of a bucket says that there is nothing any more. */
export const isGone = (header: { get(name: string): string } | undefined): boolean =>
  /^(DEL|PURGE)$/.test(header?.get('KV-Operation') ?? '');

function codeOf(error: unknown): number | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return typeof code === 'number' ? code : cause === undefined ? undefined : codeOf(cause);
}

function namesOf(error: unknown): string[] {
  const { name, cause } = (error ?? {}) as { name?: string; cause?: unknown };
  return name === undefined ? [] : [name, ...namesOf(cause)];
}

function problemOf(error: unknown): NatsError {
  if (error instanceof NatsError) return error;
  const { message } = error as Error;
  const options = { cause: error };
  const names = namesOf(error);
  const code = codeOf(error) ?? 0;
  if (names.includes('PermissionViolationError')) {
    return new NatsError('permission', `these credentials may not do what a broker does: ${message}`, options);
  }
  if (names.includes('JetStreamNotEnabled') || Code.notEnabled.some((known) => known === code)) {
    return new NatsError('no_jetstream', 'NATS has no JetStream, or this account may not use it', options);
  }
  if (Code.noPeers.some((known) => known === code)) {
    return new NatsError(
      'no_peers',
      `NATS has fewer servers with JetStream than copies are to be kept: ${message}`,
      options,
    );
  }
  if (code >= 10_000 && code !== 10_008 && !/temporarily|leader/.test(message)) {
    return new NatsError('config', `JetStream refuses: ${message}`, options);
  }
  return new NatsError('away', `NATS does not answer: ${message}`, options);
}
