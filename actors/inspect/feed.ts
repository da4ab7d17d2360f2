import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { InspectedActor, InspectSnapshot, MachineDefinition } from '../../protocol/inspect.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { inSlices } from '../kernel/slices.ts';
import { tell } from '../kernel/tell.ts';
import { hookInspection } from '../kernel/xstate-privates.ts';
import type { Chart } from '../requests/family.ts';
import { machineDefinitions } from '../shown/definition.ts';
import { HEAD_BYTES, MAX_UNSENT_BYTES, OTHER_FEEDS, type OwnFeed, type Reader, type Sized } from '../shown/feeds.ts';
import { type Emit, Recorder } from './recorder.ts';
import { Watcher } from './watcher.ts';

/** How often watchers are told, in milliseconds. */
const TICK_MS = 50;
/**
 * What a snapshot may be, in bytes of JSON: beyond the first contexts are left out, and follow by and by; beyond the
 * second actors. It is made in one go, while every stream waits, and a context costs most of it.
 */
const SNAPSHOT_CONTEXT_BYTES = 256 * 1024;
const SNAPSHOT_BYTES = 4 * 1024 * 1024;

/** Live statecharts; not there where they are switched off. */
export const INSPECTION = key<InspectFeed>('inspection');

/**
 * Live statecharts for whoever watches (`--inspect`). Attached to the actor system while somebody does, and only then:
 * until the first one comes, and after the last one has gone, it costs nothing (law 7). Nothing that breaks in here
 * reaches the actor that it is told about.
 */
export class InspectFeed implements OwnFeed {
  readonly #kernel: Kernel;
  readonly #charts: readonly Chart[];
  readonly #clients = new Map<Client, Watcher>();
  /** Other brokers, on which somebody watches. */
  readonly #peers = new Set<Watcher>();
  #machines: Record<string, MachineDefinition> | undefined;
  #recorder: Recorder | undefined;
  #unhook: (() => void) | undefined;
  #deadline: Deadline | undefined;
  #isFaulty = false;
  /** Watchers are being told. */
  #isFlushing = false;
  #sequence = 0;
  /** Records that watchers were too slow for. */
  dropped = 0;

  /** `charts`: every one that runs. */
  constructor(kernel: Kernel, charts: readonly Chart[]) {
    this.#kernel = kernel;
    this.#charts = charts;
  }

  /** Connections that watch. */
  get watchers(): number {
    return this.#clients.size;
  }

  /**
   * Has a client watch, and gives everything as it stands. One that watches already gets a new snapshot.
   * @throws {WireError} `-32020`
   */
  subscribe(client: Client): InspectSnapshot {
    const limit = this.#kernel.limits.maxInspectWatchers;
    const known = this.#clients.get(client);
    if (!known && this.#clients.size >= limit) throw WireError.limitExceeded('max_inspect_watchers', limit);
    const watcher = known ?? this.#watcherOf(this.#readerOf(client));
    this.#clients.set(client, watcher);
    try {
      const recorder = this.#recorder ?? this.#attach();
      const { actors, leftOut } = this.#snapshot(recorder, SNAPSHOT_BYTES);
      watcher.clear();
      const { brokerId } = this.#kernel;
      const brokers = this.#kernel.peek(OTHER_FEEDS)?.follow(watcher);
      return {
        subscribed: true,
        sequence: watcher.sequence,
        machines: this.#definitions(),
        actors: actors.map(([actor]) => actor),
        ...(leftOut > 0 ? { left_out: leftOut } : {}),
        ...(brokerId === undefined ? {} : { broker: brokerId }),
        ...(brokers && { brokers: [...brokers] }),
      };
    } catch (error) {
      this.unsubscribe(client);
      throw error;
    }
  }

  /** It watches no more. False where it did not. */
  unsubscribe(client: Client): boolean {
    const watcher = this.#clients.get(client);
    if (!watcher) return false;
    this.#clients.delete(client);
    this.#kernel.peek(OTHER_FEEDS)?.leave(watcher);
    this.#rest();
    return true;
  }

  open(reader: Reader): Watcher {
    const watcher = this.#watcherOf(reader);
    this.#peers.add(watcher);
    return watcher;
  }

  tellWhole(watcher: Watcher): void {
    const broker = this.#kernel.brokerId ?? '';
    const recorder = this.#recorder ?? this.#attach();
    // Half of what may wait for it, so that it has room for what happens meanwhile.
    const { actors, leftOut } = this.#snapshot(recorder, this.#kernel.limits.maxInspectBytes / 2);
    const at = Math.round(this.#kernel.wall.now());
    this.push(watcher, { record: { at, type: 'broker', broker, seen: 'begins' }, bytes: HEAD_BYTES });
    for (const [actor, bytes] of actors) this.push(watcher, { record: { at, type: 'started', actor }, bytes });
    const whole = { at, type: 'broker' as const, broker, seen: 'whole' as const };
    const record = leftOut > 0 ? { ...whole, left_out: leftOut } : whole;
    this.push(watcher, { record, bytes: HEAD_BYTES });
  }

  close(watcher: Watcher): void {
    this.#peers.delete(watcher);
    this.#rest();
  }

  push(watcher: Watcher, sized: Sized): void {
    this.dropped += watcher.push(sized);
  }

  /** What it costs to be watched ends with the last who watches. */
  #rest(): void {
    if (this.#clients.size + this.#peers.size === 0) this.#detach();
  }

  #watcherOf(reader: Reader): Watcher {
    return new Watcher(reader, this.#kernel.limits.maxInspectBytes, this.#sequence);
  }

  #readerOf(client: Client): Reader {
    const { ref } = this.#kernel;
    return {
      get isReady() {
        return client.isOpen && client.link.waitingBytes < MAX_UNSENT_BYTES;
      },
      send(batch) {
        const params = { records: batch.map(({ record }) => record) };
        tell(ref, client.ref, { type: 'rpc.notify', method: 'inspect.event', params });
      },
    };
  }

  #attach(): Recorder {
    const recorder = new Recorder(this.#kernel, this.#charts, this.#emit);
    this.#recorder = recorder;
    this.#isFaulty = false;
    this.#unhook = hookInspection(this.#kernel.ref.system, (report) => {
      // In the middle of whatever the reported actor does: a throw would be its end.
      try {
        recorder.take(report);
      } catch (error) {
        this.#fault(error);
      }
    });
    this.#arm();
    return recorder;
  }

  #detach(): void {
    this.#unhook?.();
    this.#kernel.deadlines.disarm(this.#deadline);
    this.#unhook = undefined;
    this.#recorder = undefined;
    this.#deadline = undefined;
  }

  #arm(): void {
    this.#deadline = this.#kernel.deadlines.arm(TICK_MS, () => {
      if (!this.#recorder) return;
      this.#arm();
      try {
        this.#recorder.tick(this.#kernel.clock.now());
      } catch (error) {
        this.#fault(error);
      }
      this.#flush();
    });
  }

  readonly #emit: Emit = (happening, bytes) => {
    this.#sequence += 1;
    const at = Math.round(this.#kernel.wall.now());
    const record = { at, ...happening };
    for (const watcher of this.#all()) this.push(watcher, { record, bytes });
  };

  /**
   * Sends what waits, as far as the watchers' connections take it. Many watchers of a flood are told in several turns of the
   * event loop: each batch is written anew for each of them.
   */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const send = (watcher: Watcher) => {
      // It may watch no more, or have been given a new snapshot.
      if (watcher.size > 0 && this.#watches(watcher)) watcher.send();
    };
    const done = () => {
      this.#isFlushing = false;
    };
    inSlices(this.#kernel, 'records for a watcher', this.#batches(), send, done, 1);
  }

  /** Whoever is to be told, once for each batch. */
  *#batches(): Generator<Watcher> {
    for (const watcher of [...this.#all()]) {
      // As much as there is now: what comes to be meanwhile waits for the next time.
      for (let left = watcher.size; left > 0 && watcher.isReady; ) {
        const before = watcher.size;
        yield watcher;
        if (watcher.size >= before) break;
        left -= before - watcher.size;
      }
    }
  }

  *#all(): Generator<Watcher> {
    yield* this.#clients.values();
    yield* this.#peers;
  }

  #watches(watcher: Watcher): boolean {
    if (this.#peers.has(watcher)) return true;
    for (const one of this.#clients.values()) if (one === watcher) return true;
    return false;
  }

  #snapshot(recorder: Recorder, mostBytes: number): { actors: [InspectedActor, bytes: number][]; leftOut: number } {
    const actors: [InspectedActor, number][] = [];
    let [used, leftOut] = [0, 0];
    for (const ref of this.#actors()) {
      if (used > mostBytes) {
        leftOut += 1;
        continue;
      }
      const described = recorder.describe(ref, { withContext: used <= SNAPSHOT_CONTEXT_BYTES });
      if (!described) continue;
      actors.push([described.actor, described.bytes]);
      used += described.bytes;
    }
    return { actors, leftOut };
  }

  /** Parents before their children. */
  *#actors(): Generator<AnyActorRef> {
    yield this.#kernel.ref;
    yield* this.#kernel.children;
  }

  #definitions(): Record<string, MachineDefinition> {
    this.#machines ??= machineDefinitions(this.#charts);
    return this.#machines;
  }

  /** Said once for each time that somebody begins to watch: it may happen with every event. */
  #fault(err: unknown): void {
    if (this.#isFaulty) return;
    this.#isFaulty = true;
    this.#kernel.log.error({ err }, 'the inspection feed leaves something out');
  }
}
