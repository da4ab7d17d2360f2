import type { ServerResponse } from 'node:http';
import type { Limits } from '../../protocol/limits.ts';
import { PatientTimer } from '../../protocol/patience.ts';
import { cutUnread } from './unread.ts';

/** After so much silence a comment is sent: proxies cut what says nothing. Milliseconds. */
export const KEEP_ALIVE_MS = 15_000;
const COMMENT = ': still here\n\n';

/** How much may wait for one reader (`docs/protocol.md#9-slow-readers-and-fast-senders`). */
export type StreamLimits = Pick<
  Limits,
  'softLimitBytes' | 'hardLimitBytes' | 'hardLimitMs' | 'cutBytes' | 'pageTimeoutMs'
>;

/**
 * A response of server-sent events. Everything due in one tick leaves in one write. What waits for its reader is bounded as
 * it is for a socket: who cannot keep up is cut.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #limits: StreamLimits;
  readonly #alive: NodeJS.Timeout;
  #due: string[] = [];
  #isScheduled = false;
  #isOver = false;
  #hard: PatientTimer | undefined;
  /** Hears that no more than the soft limit waits again. */
  onDrained: (() => void) | undefined;

  /** @param headers beside those of every such response. */
  constructor(response: ServerResponse, limits: StreamLimits, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response;
    this.#limits = limits;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    // The first byte is not to wait for the first event.
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    this.#alive = setInterval(() => this.#write(COMMENT), KEEP_ALIVE_MS);
    this.#alive.unref();
    response.once('close', () => this.#stop());
  }

  /** More than the soft limit waits to be read: whoever can join what it sends does so. */
  get isBehind(): boolean {
    return this.#response.writableLength > this.#limits.softLimitBytes;
  }

  /** Sends one event's data, which is a line. @param name its `event:` line. */
  send(data: string, name?: string): void {
    if (this.#isOver) return;
    this.#due.push(name === undefined ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => this.#flush());
  }

  /** Ends it, after what was sent. */
  end(): void {
    if (this.#isOver) return;
    this.#flush();
    this.#stop();
    this.#response.end();
    cutUnread(this.#response, this.#limits);
  }

  #flush(): void {
    this.#isScheduled = false;
    if (this.#isOver || this.#due.length === 0) return;
    const text = this.#due.length === 1 ? (this.#due[0] as string) : this.#due.join('');
    this.#due = [];
    this.#write(text);
    this.#alive.refresh();
  }

  #write(text: string): void {
    if (this.#isOver) return;
    const { cutBytes, hardLimitBytes, hardLimitMs } = this.#limits;
    this.#response.write(text, this.#written);
    const waiting = this.#response.writableLength;
    if (waiting > cutBytes) this.#cut();
    else if (waiting > hardLimitBytes) this.#hard ??= new PatientTimer(() => this.#cut(), hardLimitMs);
  }

  readonly #written = (): void => {
    const waiting = this.#response.writableLength;
    if (this.#hard && waiting <= this.#limits.hardLimitBytes) {
      this.#hard.stop();
      this.#hard = undefined;
    }
    if (waiting <= this.#limits.softLimitBytes) this.onDrained?.();
  };

  /** Its reader cannot keep up: to whoever writes it is as if it had gone. */
  #cut(): void {
    this.#stop();
    this.#response.destroy();
  }

  #stop(): void {
    this.#isOver = true;
    this.#due = [];
    clearInterval(this.#alive);
    this.#hard?.stop();
  }
}
