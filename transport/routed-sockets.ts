import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { AuthUnavailableError } from '../protocol/auth-unavailable.ts';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link } from '../protocol/link.ts';
import { notNow } from './checks.ts';
import type { Faults } from './faults.ts';
import { routeOf, type SocketHandler, type SocketRefusal } from './routes.ts';

const FAILED: SocketRefusal = { status: 500, message: 'internal error' };

/** WebSockets that routes have. */
export class RoutedSockets {
  readonly #faults: Faults;
  readonly #open = new Set<Link>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** Whether one may be opened, and who takes it. Never rejects. */
  async decide(
    request: IncomingMessage,
    socket: Duplex,
    { prefix, handler }: { prefix: string; handler: SocketHandler },
  ): Promise<SocketRefusal | ((link: Link) => void)> {
    const gone = new AbortController();
    const leave = () => gone.abort();
    socket.once('close', leave);
    try {
      return await handler(request, routeOf(request, prefix, gone.signal));
    } catch (error) {
      if (error instanceof AuthUnavailableError) return notNow(error);
      this.#faults.report(error, `a WebSocket of the route ${prefix} failed`);
      return FAILED;
    } finally {
      socket.off('close', leave);
    }
  }

  /** One is open. */
  add(link: Link, ws: WebSocket): void {
    this.#open.add(link);
    ws.once('close', () => this.#open.delete(link));
  }

  /** Closes what is open: nobody is served longer than the broker lives. */
  stop(): void {
    for (const link of this.#open) link.close(CloseCode.GoingAway, closeReason(CloseCode.GoingAway));
  }
}
