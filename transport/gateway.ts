import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link } from '../protocol/link.ts';
import { checkOrigin, type Refusal } from './checks.ts';
import type { ConsolePages } from './console-pages.ts';
import type { Faults } from './faults.ts';
import { HttpAnswers, refuseHttp, refuseUpgrade } from './http.ts';
import type { OutgoingLimits } from './outgoing.ts';
import type { RouteHandler } from './routes.ts';
import { WebSocketLink } from './websocket-link.ts';

/** What a gateway needs to know of the broker behind it. */
export interface GatewayOptions {
  maxMessageBytes: number;
  maxConnections: number;
  pingIntervalMs: number;
  heartbeatTimeoutMs: number;
  allowedOrigins: ReadonlySet<string>;
  outgoing: OutgoingLimits;
  /** Where to say what failed and nobody else hears of. */
  faults: Faults;
  /** Accepting chats: false while draining. */
  isReady(): boolean;
  /** The Prometheus text, and its content type. */
  metrics(): Promise<{ text: string; contentType: string }>;
  /** The console, if there is one. */
  pages?: ConsolePages | undefined;
  /** A new connection, ready to be opened, and the request that it was. */
  onLink(link: Link, request: IncomingMessage): void;
}

/** What an upgrade can be refused with: no WebSocket, not from here, not with GET, no room. */
const REFUSALS = [400, 403, 405, 503] as const;

/** Every WebSocket of one broker, whichever way in it came: checks, upgrades, heartbeats (`wire.md` section 1). */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: WebSocketServer;
  readonly #http: HttpAnswers;
  readonly #links = new Set<WebSocketLink>();
  /** Upgrades that did not happen, by the status that they were answered with. */
  readonly #refused = new Map<number, number>(REFUSALS.map((status) => [status, 0]));
  readonly #heartbeat: NodeJS.Timeout;
  /** Tokens that were merged on connections that are gone. */
  #mergedBefore = 0;
  /** The same for partials that were dropped. */
  #droppedBefore = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#http = new HttpAnswers(options.faults);
    this.#addPages(options);
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

  /** Upgrades that were refused, by status, since the start. */
  get refusedUpgrades(): ReadonlyMap<number, number> {
    return this.#refused;
  }

  /** Leads what is asked below a prefix to an embedder's handler. @throws {Error} where it is no prefix, or taken. */
  route(prefix: string, handler: RouteHandler): void {
    this.#http.route(prefix, handler);
  }

  /** Answers plain HTTP. */
  handleRequest(request: IncomingMessage, response: ServerResponse): void {
    const refusal = checkOrigin(request, this.#options.allowedOrigins);
    if (refusal) refuseHttp(request, response, refusal);
    else void this.#http.answer(request, response);
  }

  /** Makes a connection of an upgrade, or answers why not. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, kind: Link['kind']): void {
    const refusal = this.#refusal(request);
    if (refusal) {
      this.#countRefused(refusal.status);
      refuseUpgrade(socket, refusal);
      return;
    }
    let isUpgraded = false;
    // A peer that resets in the middle of the handshake is nobody's fault.
    const ignore = () => {};
    socket.on('error', ignore);
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      isUpgraded = true;
      socket.off('error', ignore);
      const link = new WebSocketLink(ws, socket, kind, this.#options.outgoing);
      this.#links.add(link);
      ws.once('close', () => {
        this.#links.delete(link);
        this.#mergedBefore += link.mergedCount;
        this.#droppedBefore += link.droppedCount;
      });
      this.#options.onLink(link, request);
    });
    // What is no WebSocket handshake ws has answered by itself. One that is cut off was not refused.
    if (!isUpgraded && !socket.destroyed) this.#countRefused(request.method === 'GET' ? 400 : 405);
  }

  /** Ends the heartbeat, and what handlers of routes still owe. Connections are the broker's to close. */
  stop(): void {
    clearInterval(this.#heartbeat);
    this.#http.stop();
  }

  #addPages({ isReady, metrics, pages }: GatewayOptions): void {
    const http = this.#http;
    http.page('/healthz', () => ({ status: 200, body: 'ok\n' }));
    http.page('/readyz', () => (isReady() ? { status: 200, body: 'ready\n' } : { status: 503, body: 'draining\n' }));
    http.page('/metrics', async () => {
      const { text, contentType } = await metrics();
      return { status: 200, type: contentType, body: text };
    });
    if (!pages) return;
    http.page('/', (request) => pages.index(request));
    http.page('/inspect/stately', (request) => pages.stately(request));
    http.pagesBelow('/assets', (request) => pages.asset(request));
  }

  #countRefused(status: (typeof REFUSALS)[number]): void {
    this.#refused.set(status, (this.#refused.get(status) ?? 0) + 1);
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
