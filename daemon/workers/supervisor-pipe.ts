import cluster from 'node:cluster';
import type { ClusterMetrics, GatheredMetrics } from '../../cluster/cluster-options.ts';
import { Asks } from './asks.ts';
import type { Beginning, Pipe, ToSupervisor, ToWorker } from './messages.ts';
import { PipeDirectory } from './pipe-directory.ts';

/** The supervisor asks others for a second, and then answers. Milliseconds. */
const GATHER_MS = 1_500;

/** With more waiting for the supervisor it is asked nothing more: it takes nothing. Characters. */
const MAX_WAITING = 4 * 1024 * 1024;

/** A worker's end of the pipe to its supervisor. */
export class SupervisorPipe implements Pipe<ToSupervisor> {
  readonly directory = new PipeDirectory(this);
  /** What the supervisor tells first. */
  readonly beginning: Promise<Beginning>;
  /** The metrics of all workers, for the broker that is scraped. */
  readonly metrics: ClusterMetrics = {
    serve: (read: () => Promise<string>): void => {
      this.#read = read;
    },
    gather: (): Promise<GatheredMetrics> => this.#asks.ask((ask) => this.send({ type: 'gather', ask }), GATHER_MS),
  };
  onStop: () => void = () => process.exit(0);
  /** All others that it has to wait for have no more turns, or are gone. */
  onRelease: () => void = () => {};
  /** How many turns it still has, while it stops. */
  turnsLeft: () => number | undefined = () => undefined;
  onReload: () => void = () => {};
  /** The supervisor is gone. */
  onLost: () => void = () => process.exit(1);
  readonly #asks = new Asks<GatheredMetrics>();
  #read: (() => Promise<string>) | undefined;
  #waiting = 0;

  constructor() {
    this.beginning = new Promise((resolve) => {
      process.on('message', (message: ToWorker) => {
        if (message.type === 'begin') resolve(message.beginning);
        else this.#hear(message);
      });
    });
    cluster.worker?.once('disconnect', () => {
      // Node would end the process at once.
      if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
      this.onLost();
    });
    // Whoever writes to a supervisor that is gone, Node itself as a server closes, need not know: it is told above.
    process.on('error', () => {});
    this.send({ type: 'hello' });
  }

  get hasRoom(): boolean {
    return this.#waiting < MAX_WAITING;
  }

  send(message: ToSupervisor): void {
    void this.say(message);
  }

  /** Resolves when it is on its way, or cannot be any more. */
  say(message: ToSupervisor): Promise<void> {
    return new Promise((resolve) => {
      if (!process.connected) return resolve();
      const size = JSON.stringify(message).length;
      this.#waiting += size;
      process.send?.(message, undefined, {}, () => {
        this.#waiting -= size;
        resolve();
      });
    });
  }

  #hear(message: Exclude<ToWorker, { type: 'begin' }>): void {
    if (message.type === 'news') this.directory.news(message.news);
    else if (message.type === 'answer') this.directory.answered(message.ask, message);
    else if (message.type === 'gathered') this.#asks.answer(message.ask, message.gathered);
    else if (message.type === 'read') void this.#tell(message.ask);
    else if (message.type === 'ping') this.#pong();
    else if (message.type === 'stop') this.onStop();
    else if (message.type === 'release') this.onRelease();
    else this.onReload();
  }

  #pong(): void {
    const turns = this.turnsLeft();
    this.send({ type: 'pong', ...(turns !== undefined && { turns }) });
  }

  /** One that cannot read its own says nothing, and counts as silent. */
  async #tell(ask: number): Promise<void> {
    try {
      const text = await this.#read?.();
      if (text !== undefined) this.send({ type: 'metrics', ask, text });
    } catch {
      // Whoever scrapes this one hears why.
    }
  }
}
