import type { Carrier, CarrierHandlers } from '../link/carrier.ts';
import { FrameKind, isPeerName, MAX_FRAME_BYTES, readHead } from '../link/frame.ts';
import { readHeartbeat } from '../link/heartbeat.ts';
import { NatsError } from './errors.ts';
import { Line } from './line.ts';
import { Lives } from './lives.ts';
import { type Names, namesOf } from './names.ts';
import type { NatsOptions } from './options.ts';

/** So many bytes may be on their way to the server before it is asked whether they have come. */
const ASK_BYTES = 128 * 1024;
/** So many at most: what is beyond that stays with the link. */
export const MAX_PENDING_BYTES = 1024 * 1024;
/** What the protocol adds to a message, roughly. */
const MESSAGE_COST = 256;

/**
 * Frames between brokers over NATS core: each life of a broker has a subject, and all hear one for heartbeats, by which they
 * learn of each other. Who has not been heard of for nine seconds is out of reach.
 *
 * Nothing is published while there is no connection: it would be dropped, or come too late. A server that takes what is
 * published slowly, or not at all, has at most 1 MiB of it waiting here.
 */
export class NatsCarrier implements Carrier {
  /** Which brokers are heard. */
  readonly lives = new Lives();
  readonly #options: NatsOptions;
  readonly #names: Names;
  readonly #subjects = new Map<string, string>();
  #line: Line | undefined;
  #handlers: CarrierHandlers | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Bytes that were published, and of which it is not known that the server has them. */
  #pending = 0;
  #isAsking = false;
  /** Peers that were refused for want of room. */
  readonly #refused = new Set<string>();
  #wasNamesake = false;

  /** @throws {NatsError} `config` */
  constructor(options: NatsOptions) {
    this.#options = options;
    this.#names = namesOf(options.cluster);
  }

  get isConnected(): boolean {
    return this.#line?.isConnected === true && this.#line.maxPayload >= MAX_FRAME_BYTES && !this.#isClosed;
  }

  /** Bytes that wait for the server, at most about 1 MiB. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /** @throws {NatsError} where there is no server, or none that can be used */
  async open(handlers: CarrierHandlers): Promise<void> {
    const line = await Line.open(this.#options, 'link');
    this.#line = line;
    this.#handlers = handlers;
    try {
      if (line.maxPayload < MAX_FRAME_BYTES) {
        throw new NatsError(
          'max_payload',
          `NATS takes messages of ${line.maxPayload} bytes at most, and brokers send ${MAX_FRAME_BYTES}: max_payload`,
        );
      }
      await this.#subscribe(line);
    } catch (error) {
      await line.close();
      throw error;
    }
    line.listen({ connected: () => this.#connected(), disconnected: () => this.#disconnected() });
    this.#timer = setInterval(() => this.#round(), Lives.ROUND_MS).unref();
  }

  send(peer: string, frame: Buffer): boolean {
    const subject = this.#subjects.get(peer);
    if (subject === undefined || !this.isConnected) return false;
    if (this.#pending >= MAX_PENDING_BYTES) {
      this.#refused.add(peer);
      return false;
    }
    return this.#publish(subject, frame);
  }

  announce(frame: Buffer): void {
    // A heartbeat must not wait for room; but a server that takes nothing gets no more of them either.
    if (this.isConnected && this.#pending < 2 * MAX_PENDING_BYTES) this.#publish(this.#names.heartbeats, frame);
  }

  reaches(peer: string): boolean {
    return this.isConnected && this.#subjects.has(peer);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#line?.close();
  }

  async #subscribe(line: Line): Promise<void> {
    const { self } = this.#options;
    let refusal: Error | undefined;
    const hear = (subject: string, take: (frame: Buffer) => void) =>
      line.nats.subscribe(subject, {
        callback: (error, { data }) => {
          if (error) refusal = error;
          else if (!this.#isClosed) take(Buffer.from(data.buffer, data.byteOffset, data.length));
        },
      });
    hear(this.#names.frames(self.id, self.epoch), (frame) => this.#handlers?.frame(frame, undefined));
    hear(this.#names.heartbeats, (frame) => this.#heartbeat(frame));
    await line.nats.flush();
    if (refusal)
      throw new NatsError('permission', `these credentials may not do what a broker does: ${refusal.message}`);
  }

  #publish(subject: string, frame: Buffer): boolean {
    const { nats } = this.#line as Line;
    try {
      nats.publish(subject, frame);
    } catch {
      // Closed, or connected with a server that takes less, a moment ago.
      return false;
    }
    this.#pending += frame.length + MESSAGE_COST;
    if (this.#pending >= ASK_BYTES) this.#ask();
    return true;
  }

  /** Asks the server whether it has everything that was published until now. */
  #ask(): void {
    if (this.#isAsking || !this.#line) return;
    this.#isAsking = true;
    const asked = this.#pending;
    this.#line.nats.flush().then(
      () => this.#answered(asked),
      // The connection is gone, and with it what was on its way.
      () => this.#answered(Number.POSITIVE_INFINITY),
    );
  }

  #answered(bytes: number): void {
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#pending = Math.max(0, this.#pending - bytes);
    if (this.#pending >= ASK_BYTES) this.#ask();
    if (!this.isConnected || this.#pending >= MAX_PENDING_BYTES) return;
    const refused = [...this.#refused];
    this.#refused.clear();
    for (const peer of refused) this.#handlers?.writable(peer);
  }

  /** Whoever tells that it is there is within reach. What it tells is the link's to read. */
  #heartbeat(frame: Buffer): void {
    const { self } = this.#options;
    const head = readHead(frame);
    const beat = head?.kind === FrameKind.heartbeat ? readHeartbeat(frame.subarray(head.bodyAt), head.from) : undefined;
    if (beat?.id === self.id) this.#namesake(beat.epoch);
    else if (beat && isPeerName(beat.epoch) && this.lives.heard(beat.id, beat.epoch)) {
      this.#subjects.set(beat.id, this.#names.frames(beat.id, beat.epoch));
      if (this.isConnected) this.#handlers?.reachable(beat.id);
    }
    this.#handlers?.frame(frame, undefined);
  }

  #namesake(epoch: string): void {
    const { self, tell } = this.#options;
    if (epoch === self.epoch || this.#wasNamesake) return;
    this.#wasNamesake = true;
    tell?.({ level: 'warn', message: `another broker of cluster ${this.#options.cluster} is called ${self.id}, too` });
  }

  #round(): void {
    for (const peer of this.lives.passed(this.isConnected)) {
      this.#subjects.delete(peer);
      this.#refused.delete(peer);
      this.#handlers?.unreachable(peer);
    }
  }

  #connected(): void {
    const { tell } = this.#options;
    this.#pending = 0;
    this.#refused.clear();
    if (!this.isConnected) {
      tell?.({ level: 'warn', message: `NATS takes messages of ${this.#line?.maxPayload} bytes at most: max_payload` });
      return;
    }
    tell?.({ level: 'info', message: 'NATS is back' });
    for (const peer of this.#subjects.keys()) this.#handlers?.reachable(peer);
  }

  #disconnected(): void {
    this.#options.tell?.({ level: 'warn', message: 'NATS is away' });
    for (const peer of this.#subjects.keys()) this.#handlers?.unreachable(peer);
  }
}
