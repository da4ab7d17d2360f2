import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Link } from '../protocol/link.ts';
import { AWAY_MS } from '../protocol/patience.ts';
import { checkOrigin, type Refusal } from './checks.ts';
import type { ConsolePages } from './console-pages.ts';
import type { Faults } from './faults.ts';
import { HttpAnswers, refuseHttp, refuseUpgrade } from './http.ts';
import { PlainDoor } from './plain-door.ts';
import type { RouteHandler } from './routes.ts';
import { SharedAnswer } from './shared-answer.ts';
import { TurnShare } from './turn-share.ts';
import { UnfinishedMessages } from './unfinished.ts';
import { peerOf, WaitingRoom } from './waiting-room.ts';
import { type LinkOptions, WebSocketLink } from './websocket-link.ts';

/** What a gateway needs to know of the broker behind it. */
export interface GatewayOptions {
  limits: Limits;
  allowedOrigins: ReadonlySet<string>;
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

/** How often is looked for what has lasted too long, at most. */
const SWEEP_MS = 1_000;

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
  /** Links whose clients have not authenticated. */
  readonly #strangers: WaitingRoom<WebSocketLink>;
  readonly #unfinished: UnfinishedMessages;
  readonly #door: PlainDoor;
  readonly #linkOptions: LinkOptions;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #sweeper: NodeJS.Timeout;
  #beatAt = performance.now();
  /** Since when this process has been here without a break, as far as is known. */
  #hereSince = Number.NEGATIVE_INFINITY;
  /** Tokens that were merged on connections that are gone. */
  #mergedBefore = 0;
  /** The same for partials that were dropped. */
  #droppedBefore = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { limits } = options;
    this.#door = new PlainDoor(limits);
    this.#http = new HttpAnswers(options.faults, this.#door);
    this.#addPages(options);
    // Half of all places at most, however few there are: the rest is for those who authenticate.
    const strangers = Math.min(limits.maxUnauthenticatedConnections, Math.ceil(limits.maxConnections / 2));
    this.#strangers = new WaitingRoom(strangers, limits.maxUnauthenticatedPerAddress, (link) => link.giveUp());
    this.#unfinished = new UnfinishedMessages(
      Math.max(limits.maxUnfinishedBytes, 2 * limits.maxMessageBytes),
      limits.messageTimeoutMs,
    );
    this.#linkOptions = {
      outgoing: limits,
      maxUnauthenticatedBytes: limits.maxUnauthenticatedBytes,
      unfinished: this.#unfinished,
      turns: new TurnShare(),
      onAdmitted: (link) => this.#strangers.leave(link),
    };
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.maxMessageBytes,
      // Compression would cost more than loopback saves, and memory for each connection.
      perMessageDeflate: false,
    });
    this.#heartbeat = setInterval(() => this.#beat(), limits.pingIntervalMs);
    this.#heartbeat.unref();
    const sweepMs = Math.max(20, Math.min(SWEEP_MS, limits.messageTimeoutMs / 4, limits.pageTimeoutMs / 4));
    this.#sweeper = setInterval(() => {
      this.#unfinished.sweep(sweepMs);
      this.#door.sweep();
    }, sweepMs);
    this.#sweeper.unref();
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

  /** Bytes that messages take which have not arrived whole. */
  get unfinishedBytes(): number {
    return this.#unfinished.bytes;
  }

  /** Sockets of the broker's own ports that are no WebSockets. */
  get plainConnections(): number {
    return this.#door.size;
  }

  /** What plain HTTP was refused for, and how often, since the start. */
  get refusedRequests(): ReadonlyMap<string, number> {
    return this.#door.refused;
  }

  /** Whether a socket of the broker's own ports may stay: until it closes, or is upgraded, it counts. */
  openDoor(socket: Socket): boolean {
    return this.#door.open(socket);
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
    if (!this.#door.begin(request, response)) return;
    const refusal = checkOrigin(request, this.#options.allowedOrigins);
    if (refusal) refuseHttp(request, response, refusal);
    else void this.#http.answer(request, response);
  }

  /** Makes a connection of an upgrade, or answers why not. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, kind: Link['kind']): void {
    if (!this.#door.leave(socket)) {
      this.#countRefused(400);
      return;
    }
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
      const link = new WebSocketLink(ws, socket, kind, this.#linkOptions);
      this.#links.add(link);
      this.#strangers.enter(link, peerOf(request.socket));
      ws.once('close', () => {
        this.#links.delete(link);
        this.#strangers.leave(link);
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
    clearInterval(this.#sweeper);
    this.#http.stop();
  }

  #addPages({ isReady, metrics, pages, limits }: GatewayOptions): void {
    const http = this.#http;
    http.page('/healthz', () => ({ status: 200, body: 'ok\n' }));
    http.page('/readyz', () => (isReady() ? { status: 200, body: 'ready\n' } : { status: 503, body: 'draining\n' }));
    const shared = new SharedAnswer(async () => {
      const { text, contentType } = await metrics();
      return { status: 200, type: contentType, body: Buffer.from(text) };
    }, limits.metricsMaxAgeMs);
    http.page('/metrics', () => shared.get());
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
    if (this.size >= this.#options.limits.maxConnections) return { status: 503, message: 'too many connections' };
    if (!this.#strangers.hasRoom(peerOf(request.socket))) {
      return { status: 503, message: 'too many connections that have not authenticated' };
    }
    return undefined;
  }

  #beat(): void {
    const now = performance.now();
    // Stopped, asleep or held up: nobody was pinged, and what they have said has not been read.
    if (now - this.#beatAt > this.#options.limits.pingIntervalMs + AWAY_MS) this.#hereSince = now;
    this.#beatAt = now;
    // Timers run before anything is read: first what waits in the sockets.
    setImmediate(() => this.#judge());
  }

  #judge(): void {
    const oldest = performance.now() - this.#options.limits.heartbeatTimeoutMs;
    for (const link of this.#links) {
      if (Math.max(link.lastHeardAt, this.#hereSince) >= oldest) link.ping();
      else link.close(CloseCode.HeartbeatLost, closeReason(CloseCode.HeartbeatLost));
    }
  }
}
