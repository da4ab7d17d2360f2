import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Limits } from '../protocol/limits.ts';
import { type FaultReport, Faults } from './faults.ts';
import { HttpAnswers, refuseUpgrade } from './http.ts';
import { PageRate } from './page-rate.ts';
import { type ClientFacts, takeFacts } from './relay-facts.ts';
import { RelayLink } from './relay-link.ts';
import { RoutedSockets } from './routed-sockets.ts';
import type { RouteHandler, SocketHandler } from './routes.ts';
import { peerOf } from './waiting-room.ts';

/** What a header may have besides a client's own. Bytes. */
const MAX_HEAD_BYTES = 64 * 1024;
/** How often what is known of clients' rates is gone through. Milliseconds. */
const SWEEP_MS = 10_000;

/**
 * Where one process answers what came in at others, by a Unix socket that none but those can open: who comes, how many, how
 * fast and how large is looked after where they have come in. One rate of wrong keys is for all of them.
 */
export class RelayReceiver {
  readonly #answers: HttpAnswers;
  readonly #routed: RoutedSockets;
  readonly #faults: Faults;
  readonly #rate: PageRate;
  readonly #facts = new WeakMap<IncomingMessage, ClientFacts>();
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // Where the client is, it was checked, and its own chosen.
    handleProtocols: () => false,
    maxPayload: 0,
  });
  readonly #server: Server;
  readonly #sweeper: NodeJS.Timeout;

  constructor(limits: Pick<Limits, 'pagesPerSecond' | 'pageBurst'>, report: FaultReport) {
    this.#faults = new Faults(report);
    this.#rate = new PageRate(limits.pagesPerSecond, limits.pageBurst);
    this.#answers = new HttpAnswers(this.#faults, {
      isHandled: () => {},
      hasRoom: (request) => this.#facts.get(request)?.hasRoom === true,
      mayAsk: ({ socket }) => this.#rate.take(peerOf(socket) ?? 'unix'),
      admit: (request, response) => this.#admit(request, response),
    });
    this.#routed = new RoutedSockets(this.#faults);
    this.#server = createServer({
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
    });
    this.#server.on('request', (request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      this.#upgrade(request, socket, head).catch((error) => {
        this.#faults.report(error, 'a relayed upgrade failed');
        socket.destroy();
      });
    });
    this.#sweeper = setInterval(() => this.#rate.sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** As `HttpAnswers.route`. */
  route(prefix: string, handler: RouteHandler, sockets?: SocketHandler): void {
    this.#answers.route(prefix, handler, sockets);
  }

  /** @param path - nobody else may be able to open it, and nothing be there @throws {Error} Node's own */
  listen(path: string): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#faults.report(error, 'a relayed connection could not be accepted'));
        resolve();
      });
    });
  }

  /** Ends what is open: nobody is served longer than the broker lives. */
  close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#answers.stop();
    this.#routed.stop();
    this.#faults.stop();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      // An answer that is just being written, and a close frame, get out.
      setTimeout(() => this.#server.closeAllConnections(), 100).unref();
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const facts = this.#read(request);
    if (!facts) {
      response.writeHead(400).end();
      return;
    }
    this.#facts.set(request, facts);
    void this.#answers.answer(request, response);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {});
    const route = this.#read(request) && this.#answers.socketsAt(request);
    if (!route) {
      refuseUpgrade(socket, { status: 404, message: 'not found' });
      return;
    }
    const taker = await this.#routed.decide(request, socket, route);
    if ('status' in taker) {
      refuseUpgrade(socket, taker);
      return;
    }
    const { remoteAddress } = request.socket;
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const link = new RelayLink(ws, remoteAddress);
      this.#routed.add(link, ws);
      taker(link);
    });
  }

  #read(request: IncomingMessage): ClientFacts | undefined {
    try {
      return takeFacts(request);
    } catch (error) {
      this.#faults.report(error, 'a relayed request cannot be read');
      return undefined;
    }
  }

  /** It is known who asks: that is told where the client is, which counts it among its connections from now on. */
  #admit(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#facts.get(request)?.hasRoom !== true) return false;
    if (!response.headersSent) response.writeProcessing();
    return true;
  }
}
