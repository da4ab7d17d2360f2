import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Faults } from './faults.ts';
import type { Gateway } from './gateway.ts';
import { refuseUpgrade } from './http.ts';

/** Where a broker can be reached. */
export interface Address {
  /** For a WebSocket client: `ws://host:port`, or `ws+unix:/path:/`. */
  url: string;
  host?: string;
  port?: number;
  socket?: string;
}

/** Where to listen: TCP, by default `127.0.0.1` and 9100 (port 0 picks a free one), or a Unix socket. */
export type ListenOptions = { host?: string; port?: number } | { socket: string };

/** Connections that may wait to be accepted: everybody comes back at once after a restart. Node's own 511 would turn many away. */
const BACKLOG = 4_096;
/** How long a client may take over the head of a request, or to begin one. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for those that are too slow. Its own 30 seconds would make 40 of the 10. */
const TIMEOUT_CHECK_MS = 1_000;

/** An HTTP server of the broker's own: WebSocket upgrades and the few plain pages. */
export class Listener {
  readonly #server: Server;
  /** Sockets that are not WebSockets (yet), to be ended with the server. */
  readonly #plain = new Set<Socket>();
  readonly #faults: Faults;

  constructor(gateway: Gateway, kind: 'tcp' | 'unix', faults: Faults) {
    this.#faults = faults;
    this.#server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    this.#server.on('connection', (socket) => {
      if (!gateway.openDoor(socket)) {
        refuseUpgrade(socket, { status: 503, message: 'too many connections' });
        return;
      }
      this.#plain.add(socket);
      socket.once('close', () => this.#plain.delete(socket));
    });
    this.#server.on('request', (request, response) => gateway.handleRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      this.#plain.delete(socket as Socket);
      gateway.handleUpgrade(request, socket, head, kind);
    });
  }

  /** @throws {Error} Node's own, `EADDRINUSE` and the like. */
  listen(options: { host: string; port: number } | { socket: string }): Promise<Address> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const listening = () => {
        server.off('error', reject);
        // What a listening server still reports (out of file handles, say) ends nobody's stream: it is logged.
        server.on('error', (error) => this.#faults.report(error, 'a connection could not be accepted'));
        resolve(toAddress(options, server.address()));
      };
      if ('socket' in options) {
        // The socket file takes its mode from the umask at the moment that it is made: 0600 (section 1).
        const before = process.umask(0o177);
        try {
          server.listen(options.socket, listening);
        } finally {
          process.umask(before);
        }
      } else server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, listening);
    });
  }

  /** Stops listening, and ends what is not a WebSocket. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      for (const socket of this.#plain) socket.destroy();
    });
  }
}

function toAddress(
  options: { host: string; port: number } | { socket: string },
  bound: AddressInfo | string | null,
): Address {
  if ('socket' in options) return { url: `ws+unix:${options.socket}:/`, socket: options.socket };
  const port = typeof bound === 'object' && bound ? bound.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `ws://${host}:${port}`, host: options.host, port };
}
