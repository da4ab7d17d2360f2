import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Limits } from '../protocol/limits.ts';
import { AWAY_MS } from '../protocol/patience.ts';
import type { WebSocketLink } from './websocket-link.ts';

/** Asks each link whether its peer is still there, and closes those that have not been heard for too long. */
export class Heartbeats {
  readonly #links: ReadonlySet<WebSocketLink>;
  readonly #limits: Pick<Limits, 'pingIntervalMs' | 'heartbeatTimeoutMs'>;
  readonly #timer: NodeJS.Timeout;
  #beatAt = performance.now();
  /** Since when this process has been here without a break, as far as is known. */
  #hereSince = Number.NEGATIVE_INFINITY;

  constructor(links: ReadonlySet<WebSocketLink>, limits: Pick<Limits, 'pingIntervalMs' | 'heartbeatTimeoutMs'>) {
    this.#links = links;
    this.#limits = limits;
    this.#timer = setInterval(() => this.#beat(), limits.pingIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    // Stopped, asleep or held up: nobody was pinged, and what they have said has not been read.
    if (now - this.#beatAt > this.#limits.pingIntervalMs + AWAY_MS) this.#hereSince = now;
    this.#beatAt = now;
    // Timers run before anything is read: first what waits in the sockets.
    setImmediate(() => this.#judge());
  }

  #judge(): void {
    const oldest = performance.now() - this.#limits.heartbeatTimeoutMs;
    for (const link of this.#links) {
      if (link.isPaused || Math.max(link.lastHeardAt, this.#hereSince) >= oldest) link.ping();
      else link.close(CloseCode.HeartbeatLost, closeReason(CloseCode.HeartbeatLost));
    }
  }
}
