import type { MachineDefinition } from '../../protocol/inspect.ts';
import type { RecordOptions, RecordStore } from '../../protocol/record-store.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { hookInspection, type Report } from '../kernel/xstate-privates.ts';
import type { Chart } from '../requests/family.ts';
import { machineDefinitions } from '../shown/definition.ts';
import { isToken } from '../shown/hot.ts';
import type { Turn } from '../turns/turn-record.ts';
import { Camera } from './camera.ts';
import { Keeper } from './keeper.ts';
import { Shelf } from './shelf.ts';
import { Summary } from './summary.ts';
import type { Tape } from './tape.ts';

/** What of the options is there where nothing is said. */
export const RECORD_DEFAULTS = { turns: 1_000, bytes: 64 * 1024 * 1024, keepMs: 24 * 3_600_000 } as const;

/** The flight recorder; not there where it is switched off. */
export const RECORDING = key<Recording>('the recording');

/**
 * The last turns, whether or not anybody watches (`--record`). Attached to the actor system from the start to the end. Nothing
 * that breaks in here reaches the actor that it is told about.
 */
export class Recording {
  readonly shelf: Shelf;
  readonly #kernel: Kernel;
  readonly #charts: readonly Chart[];
  readonly #store: RecordStore | undefined;
  #keeper: Keeper | undefined;
  #machines: Record<string, MachineDefinition> | undefined;
  #isFaulty = false;

  /** `charts`: every one that runs. */
  constructor(kernel: Kernel, charts: readonly Chart[], options: RecordOptions) {
    this.#kernel = kernel;
    this.#charts = charts;
    this.shelf = new Shelf({ ...RECORD_DEFAULTS, ...options }, (tape) => this.#keeper?.gone(tape));
    this.#store = options.store;
  }

  /** From now on. Before the first turn. */
  attach(): void {
    const camera = new Camera(this.#kernel, this.#charts, {
      begin: (turn, now) => this.#begin(turn, now),
      live: (turnId) => {
        const tape = this.shelf.get(turnId);
        return tape?.isLive ? tape : undefined;
      },
      ended: (tape) => this.shelf.ended(tape),
    });
    const see = (report: Report) => {
      // In the middle of whatever the reported actor does: a throw would be its end.
      try {
        camera.take(report);
      } catch (error) {
        this.#fault(error);
      }
    };
    hookInspection(this.#kernel.ref.system, see, isToken);
    if (!this.#store) return;
    this.#keeper = new Keeper(this.#kernel, this.shelf, this.#store);
    this.#keeper.start();
  }

  /** Resolves once what was kept before is there. */
  get loaded(): Promise<void> {
    return this.#keeper?.loaded ?? Promise.resolve();
  }
  /** Whether it outlives the process. */
  get isOnDisk(): boolean {
    return this.#keeper !== undefined && !this.#keeper.isDegraded;
  }
  /** Whether it should, and cannot be written. */
  get isDegraded(): boolean {
    return this.#keeper?.isDegraded === true;
  }

  /** Has what is new written, where it is to outlive the process. */
  flush(): Promise<void> | undefined {
    return this.#keeper?.flush();
  }

  /** Lets go of what has been kept long enough. */
  sweep(now: number): void {
    this.shelf.sweep(now);
  }

  /** Every chart, by its machine's id. */
  get machines(): Record<string, MachineDefinition> {
    this.#machines ??= machineDefinitions(this.#charts);
    return this.#machines;
  }

  #begin(turn: Turn, now: number): Tape {
    const known = this.shelf.get(turn.id);
    if (known) {
      this.shelf.goesOn(known);
      known.summary.resumed();
      return known;
    }
    return this.shelf.begin(Summary.of(turn, now, this.#kernel.wall.ahead));
  }

  /** Said once: it may happen with every event. */
  #fault(err: unknown): void {
    if (this.#isFaulty) return;
    this.#isFaulty = true;
    this.#kernel.log.error({ err }, 'the recording leaves something out');
  }
}
