import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { CERTIFICATE_NEEDED, type ClientCertificate } from '../protocol/client-certificate.ts';
import type { ProtectedResource } from '../protocol/jwt.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Link } from '../protocol/link.ts';
import { chooseSubprotocol } from './bearer.ts';
import { type Admitted, checkOrigin, type Refusal } from './checks.ts';
import type { ConsolePages } from './console-pages.ts';
import { type Admission, Entrance, type Judged } from './entrance.ts';
import type { Faults } from './faults.ts';
import { Heartbeats } from './heartbeats.ts';
import { HttpAnswers, refuseHttp, refuseUpgrade, unauthorized } from './http.ts';
import { PlainDoor } from './plain-door.ts';
import { RefusedUpgrades } from './refused-upgrades.ts';
import { RoutedSockets } from './routed-sockets.ts';
import type { RouteHandler, SocketHandler, SocketRefusal } from './routes.ts';
import { SharedAnswer } from './shared-answer.ts';
import type { Strangers } from './strangers.ts';
import type { TlsOptions } from './tls-options.ts';
import { TurnShare } from './turn-share.ts';
import { UnfinishedMessages } from './unfinished.ts';
import { peerOf, WaitingRoom } from './waiting-room.ts';
import { type LinkOptions, WebSocketLink } from './websocket-link.ts';

/** What a gateway needs to know of the broker behind it. `I`: who somebody is. */
export interface GatewayOptions<I extends object> {
  limits: Limits;
  /** Who may come besides those of this machine. */
  admitted: Admitted;
  /** Hears of those who may not. */
  strangers: Strangers;
  /** Where to say what failed and nobody else hears of. */
  faults: Faults;
  /** Accepting chats: false while draining. */
  isReady(): boolean;
  /** The Prometheus text, and its content type. */
  metrics(): Promise<{ text: string; contentType: string }>;
  /** The console, if there is one. */
  pages?: ConsolePages | undefined;
  /** Who comes by a token in a header, now or later. Undefined: that is not for the header to say. Never rejects. */
  identify(token: string, remote: string | undefined): Judged<I> | Promise<Judged<I>>;
  /** Whether `/metrics` answers somebody. Undefined: it answers everybody. */
  mayScrape?: ((request: IncomingMessage) => Promise<boolean>) | undefined;
  /** What is told of whose tokens count, if anybody's do. */
  resource?: ProtectedResource | undefined;
  /** A new connection, ready to be opened, the request that it was, and who its token says that it is. */
  onLink(link: Link, request: IncomingMessage, who: I | undefined): void;
}

/** How often is looked for what has lasted too long, at most. */
const SWEEP_MS = 1_000;

/** What stands for a certificate where there has to be one, and is none that counts. */
const REFUSED = Symbol('no certificate that counts');

/** A request to become a WebSocket, as Node has it. */
interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  kind: Link['kind'];
  /** What hears the socket's errors until it is one. */
  ignore(): void;
}

/** Every WebSocket of one broker, whichever way in it came: checks, upgrades, heartbeats (`wire.md` section 1). */
export class Gateway<I extends object = object> {
  readonly #options: GatewayOptions<I>;
  readonly #server: WebSocketServer;
  readonly #http: HttpAnswers;
  readonly #routed: RoutedSockets;
  readonly #links = new Set<WebSocketLink>();
  readonly #refused = new RefusedUpgrades();
  /** Links whose clients have not authenticated. */
  readonly #strangers: WaitingRoom<WebSocketLink>;
  readonly #entrance: Entrance<I>;
  readonly #unfinished: UnfinishedMessages;
  /** What those who speak TLS have shown, or that it does not suffice. */
  readonly #certificates = new WeakMap<object, ClientCertificate | typeof REFUSED>();
  readonly #door: PlainDoor;
  readonly #linkOptions: LinkOptions;
  readonly #heartbeats: Heartbeats;
  readonly #sweeper: NodeJS.Timeout;
  /** Tokens that were merged on connections that are gone. */
  #mergedBefore = 0;
  /** The same for partials that were dropped. */
  #droppedBefore = 0;

  constructor(options: GatewayOptions<I>) {
    this.#options = options;
    const { limits } = options;
    this.#door = new PlainDoor(limits, () => this.size < limits.maxConnections);
    this.#http = new HttpAnswers(options.faults, this.#door);
    this.#routed = new RoutedSockets(options.faults);
    this.#addPages(options);
    // Half of all places at most, however few there are: the rest is for those who authenticate.
    const strangers = Math.min(limits.maxUnauthenticatedConnections, Math.ceil(limits.maxConnections / 2));
    this.#strangers = new WaitingRoom(strangers, limits.maxUnauthenticatedPerAddress, (link) => link.giveUp());
    this.#entrance = new Entrance({
      limits,
      mostJudged: strangers,
      check: (request) => this.#check(request),
      isReady: () => options.isReady(),
      count: () => this.size,
      identify: (token, remote) => options.identify(token, remote),
      hasRoom: (address) => this.#strangers.hasRoom(address),
      mayAsk: (request) => this.#door.mayAsk(request),
    });
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
      handleProtocols: chooseSubprotocol,
    });
    this.#heartbeats = new Heartbeats(this.#links, limits);
    const sweepMs = Math.max(20, Math.min(SWEEP_MS, limits.messageTimeoutMs / 4, limits.pageTimeoutMs / 4));
    this.#sweeper = setInterval(() => {
      this.#unfinished.sweep(sweepMs);
      this.#door.sweep();
    }, sweepMs);
    this.#sweeper.unref();
  }

  /** Connections that are open, or not quite closed yet, and those whom routes have admitted. */
  get size(): number {
    return this.#links.size + this.#door.admitted;
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

  /** How long a handshake of TLS may take. */
  get handshakeTimeoutMs(): number {
    return this.#options.limits.tlsHandshakeTimeoutMs;
  }

  /** It has taken longer than that. */
  cutHandshake(socket: Socket): void {
    this.#door.cut(socket);
  }

  /** A handshake failed. */
  countHandshake(error: NodeJS.ErrnoException): void {
    this.#door.failed(error);
  }

  /** A socket of the broker's own ports speaks TLS from now on, by one of its own. */
  secure(
    socket: Socket,
    secured: TLSSocket,
    certificate: ClientCertificate | undefined,
    clientAuth: NonNullable<TlsOptions['clientAuth']>,
  ): void {
    if (!this.#door.secure(socket, secured)) {
      secured.destroy();
      return;
    }
    if (certificate || clientAuth === 'none') {
      if (certificate) this.#certificates.set(secured, certificate);
      return;
    }
    const isShown = secured.getPeerX509Certificate() !== undefined;
    const isRefused = clientAuth === 'require';
    if (isRefused) this.#certificates.set(secured, REFUSED);
    if (isShown || isRefused)
      this.#options.strangers.refuse({
        reason: isShown ? 'certificate' : 'no_certificate',
        value: isShown ? String(secured.authorizationError) : '',
      });
  }

  /** Upgrades that were refused, by status, since the start. */
  get refusedUpgrades(): ReadonlyMap<number, number> {
    return this.#refused.counts;
  }

  /** Leads what is asked below a prefix to an embedder's handler. @throws {Error} where it is no prefix, or taken. */
  route(prefix: string, handler: RouteHandler, sockets?: SocketHandler): void {
    this.#http.route(prefix, handler, sockets);
  }

  /** Answers plain HTTP. */
  handleRequest(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#door.begin(request, response)) return;
    const refusal = this.#check(request);
    if (refusal) refuseHttp(request, response, refusal);
    else void this.#http.answer(request, response);
  }

  /** What came on a socket of the broker's own ports is no HTTP, or was cut off. */
  handleMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    this.#door.malformed(error, socket);
  }

  /** Makes a connection of an upgrade, or answers why not. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, kind: Link['kind']): void {
    if (!this.#door.leave(socket)) {
      this.#refused.count(400);
      return;
    }
    // A peer that resets in the middle of the handshake is nobody's fault.
    const ignore = () => {};
    socket.on('error', ignore);
    const upgrade: Upgrade = { request, socket, head, kind, ignore };
    const failed = (error: unknown) => this.#options.faults.report(error, 'an upgrade failed');
    const route = this.#http.socketsAt(request);
    if (route) {
      this.#upgradeRouted(upgrade, route).catch(failed);
      return;
    }
    const admission = this.#entrance.admit(request, socket);
    const go = (admitted: Admission<I>) => this.#upgradeOwn(upgrade, admitted);
    if (admission instanceof Promise) void admission.then(go).catch(failed);
    else go(admission);
  }

  /** A client of the broker's. */
  #upgradeOwn(upgrade: Upgrade, admission: Admission<I>): void {
    if ('status' in admission) this.#refuse(upgrade, admission);
    else
      this.#upgrade(upgrade, (link) => {
        if (!admission.who) this.#strangers.enter(link, peerOf(upgrade.request.socket));
        this.#options.onLink(link, upgrade.request, admission.who);
      });
  }

  /** Somebody whom a route takes. */
  async #upgradeRouted(upgrade: Upgrade, route: { prefix: string; handler: SocketHandler }): Promise<void> {
    const { request, socket } = upgrade;
    const taker = await this.#entrance.admitTo(request, socket, () => this.#routed.decide(request, socket, route));
    if ('status' in taker) this.#refuse(upgrade, taker);
    else
      this.#upgrade(upgrade, (link, ws) => {
        this.#routed.add(link, ws);
        taker(link);
      });
  }

  #refuse({ socket }: Upgrade, refusal: SocketRefusal): void {
    this.#refused.count(refusal.status);
    refuseUpgrade(socket, refusal, this.#options.resource?.location);
  }

  #upgrade(
    { request, socket, head, kind, ignore }: Upgrade,
    opened: (link: WebSocketLink, ws: WebSocket) => void,
  ): void {
    let isUpgraded = false;
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      isUpgraded = true;
      socket.off('error', ignore);
      const certificate = this.#certificates.get(socket);
      const known = certificate === REFUSED ? undefined : certificate;
      const link = new WebSocketLink(ws, socket, kind, this.#linkOptions, known);
      this.#links.add(link);
      ws.once('close', () => {
        this.#links.delete(link);
        this.#strangers.leave(link);
        this.#mergedBefore += link.mergedCount;
        this.#droppedBefore += link.droppedCount;
      });
      opened(link, ws);
    });
    // What is no WebSocket handshake ws has answered by itself. One that is cut off was not refused.
    if (!isUpgraded && !socket.destroyed) this.#refused.count(request.method === 'GET' ? 400 : 405);
  }

  /** Ends the heartbeat, and what handlers of routes still owe. Connections are the broker's to close. */
  stop(): void {
    this.#heartbeats.stop();
    clearInterval(this.#sweeper);
    this.#http.stop();
    this.#routed.stop();
  }

  #addPages({ isReady, metrics, pages, limits, mayScrape, resource }: GatewayOptions<I>): void {
    const http = this.#http;
    http.page('/healthz', () => ({ status: 200, body: 'ok\n' }));
    http.page('/readyz', () => (isReady() ? { status: 200, body: 'ready\n' } : { status: 503, body: 'draining\n' }));
    const shared = new SharedAnswer(async () => {
      const { text, contentType } = await metrics();
      return { status: 200, type: contentType, body: Buffer.from(text) };
    }, limits.metricsMaxAgeMs);
    http.page('/metrics', async ({ request }) =>
      mayScrape && !(await mayScrape(request)) ? unauthorized(resource?.location) : shared.get(),
    );
    for (const path of resource?.paths ?? [])
      http.page(path, () => ({ status: 200, type: 'application/json', body: JSON.stringify(resource?.metadata) }));
    if (!pages) return;
    http.page('/', (request) => pages.index(request));
    http.page('/inspect/stately', (request) => pages.stately(request));
    http.pagesBelow('/assets', (request) => pages.asset(request));
  }

  #check(request: IncomingMessage): Refusal | undefined {
    // It was told of at the handshake.
    if (this.#certificates.get(request.socket) === REFUSED) return { status: 403, message: CERTIFICATE_NEEDED };
    const refusal = checkOrigin(request, this.#options.admitted);
    if (refusal) this.#options.strangers.refuse(refusal);
    return refusal;
  }
}
