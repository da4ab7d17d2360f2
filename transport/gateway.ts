import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link } from '../protocol/link.ts';
import { checkOrigin, type Refusal } from './checks.ts';
import { answerHttp, type HttpSource, refuseHttp, refuseUpgrade } from './http.ts';
import type { OutgoingLimits } from './outgoing.ts';
import { WebSocketLink } from './websocket-link.ts';

/** What a gateway needs to know of the broker behind it. */
export interface GatewayOptions extends HttpSource {
  maxMessageBytes: number;
  maxConnections: number;
  pingIntervalMs: number;
  heartbeatTimeoutMs: number;
  allowedOrigins: ReadonlySet<string>;
  outgoing: OutgoingLimits;
  /** A new connection, ready to be opened. */
  onLink(link: Link): void;
}

/** Every WebSocket of one broker, whichever way in it came: checks, upgrades, heartbeats (`wire.md` section 1). */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: WebSocketServer;
  readonly #links = new Set<WebSocketLink>();
  readonly #heartbeat: NodeJS.Timeout;
  /** Tokens that were merged on connections that are gone. */
  #mergedBefore = 0;
  /** The same for partials that were dropped. */
  #droppedBefore = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: options.maxMessageBytes,
      // Compression would cost more than loopback saves, and memory for each connection.
      perMessageDeflate: false,
    });
    this.#heartbeat = setInterval(() => this.#beat(), options.pingIntervalMs);
    this.#heartbeat.unref();
  }

  /** Connections that are open, or not quite closed yet. */
  get size(): number {
    return this.#links.size;
  }

  /** Tokens that were merged for slow readers, since the start (`wire.md` section 9). */
  get mergedTokens(): number {
    let sum = this.#mergedBefore;
    for (const link of this.#links) sum += link.mergedCount;
    return sum;
  }

  /** Partials that were dropped for slow readers, since the start (`wire.md` section 11). */
  get droppedPartials(): number {
    let sum = this.#droppedBefore;
    for (const link of this.#links) sum += link.droppedCount;
    return sum;
  }

  /** Answers plain HTTP. */
  handleRequest(request: IncomingMessage, response: ServerResponse): void {
    const refusal = checkOrigin(request, this.#options.allowedOrigins);
    if (refusal) refuseHttp(request, response, refusal);
    else void answerHttp(request, response, this.#options);
  }

  /** Makes a connection of an upgrade, or answers why not. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, kind: Link['kind']): void {
    const refusal = this.#refusal(request);
    if (refusal) {
      refuseUpgrade(socket, refusal);
      return;
    }
    // A peer that resets in the middle of the handshake is nobody's fault.
    const ignore = () => {};
    socket.on('error', ignore);
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', ignore);
      const link = new WebSocketLink(ws, socket, kind, this.#options.outgoing);
      this.#links.add(link);
      ws.once('close', () => {
        this.#links.delete(link);
        this.#mergedBefore += link.mergedCount;
        this.#droppedBefore += link.droppedCount;
      });
      this.#options.onLink(link);
    });
  }

  /** Ends the heartbeat. Connections are the broker's to close. */
  stop(): void {
    clearInterval(this.#heartbeat);
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    const refusal = checkOrigin(request, this.#options.allowedOrigins);
    if (refusal) return refusal;
    if (!this.#options.isReady()) return { status: 503, message: 'draining' };
    if (this.size >= this.#options.maxConnections) return { status: 503, message: 'too many connections' };
    return undefined;
  }

  #beat(): void {
    const oldest = performance.now() - this.#options.heartbeatTimeoutMs;
    for (const link of this.#links) {
      if (link.lastHeardAt >= oldest) link.ping();
      else link.close(CloseCode.HeartbeatLost, closeReason(CloseCode.HeartbeatLost));
    }
  }
}
