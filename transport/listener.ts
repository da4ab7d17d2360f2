import { constants } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Faults } from './faults.ts';
import type { Gateway } from './gateway.ts';
import { Handshakes } from './handshakes.ts';
import { refuseUpgrade } from './http.ts';
import { certificateOf } from './peer-certificate.ts';
import type { TlsCertificates, TlsOptions } from './tls-options.ts';

/** Where a broker can be reached. */
export interface Address {
  /** For a WebSocket client: `ws://host:port`, with TLS `wss://host:port`, or `ws+unix:/path:/`. */
  url: string;
  host?: string;
  port?: number;
  socket?: string;
}

/**
 * Where to listen: TCP, by default both loopback addresses and 9100 (port 0 picks a free one), or a Unix socket. A port with
 * `tls` speaks `wss` and `https` alone.
 */
export type ListenOptions = { host?: string; port?: number; tls?: TlsOptions } | { socket: string };

/** Connections that may wait to be accepted: everybody comes back at once after a restart. Node's own 511 would turn many away. */
const BACKLOG = 4_096;
/** How long a client may take over the head of a request, or to begin one. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for those that are too slow. Its own 30 seconds would make 40 of the 10. */
const TIMEOUT_CHECK_MS = 1_000;

/** An HTTP server of the broker's own: WebSocket upgrades and the few plain pages. */
export class Listener {
  readonly #server: Server | SecureServer;
  readonly #tls: TlsOptions | undefined;
  /** Sockets that are not WebSockets (yet), to be ended with the server. */
  readonly #plain = new Set<Socket>();
  readonly #faults: Faults;

  /** @throws {Error} where `tls` cannot be used: see `checkCertificates`. */
  constructor(gateway: Gateway, kind: 'tcp' | 'unix', faults: Faults, tls?: TlsOptions) {
    this.#faults = faults;
    this.#tls = tls;
    const timeouts = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    };
    if (tls) this.#server = this.#secured(createSecureServer({ ...timeouts, ...serverOptions(tls) }), gateway, tls);
    else {
      this.#server = createServer(timeouts);
      this.#server.on('connection', (socket) => {
        if (!gateway.openDoor(socket)) refuseUpgrade(socket, { status: 503, message: 'too many connections' });
        else this.#keep(socket);
      });
    }
    this.#server.on('request', (request, response) => gateway.handleRequest(request, response));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => gateway.handleMalformed(error, socket));
    this.#server.on('upgrade', (request, socket, head) => {
      this.#plain.delete(socket as Socket);
      gateway.handleUpgrade(request, socket, head, kind);
    });
  }

  /** Whose clients it asks for certificates, if it speaks TLS at all. */
  get tls(): Pick<TlsOptions, 'clientAuth'> | undefined {
    return this.#tls;
  }

  /** Shows another certificate to whoever comes from now on; who is there stays. Nothing without TLS. @throws {Error} */
  renew({ cert, key, ca }: TlsCertificates): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ cert, key, ...(ca && { ca }) });
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
        resolve(toAddress(options, server.address(), this.#tls ? 'wss' : 'ws'));
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

  #keep(socket: Socket): void {
    this.#plain.add(socket);
    socket.once('close', () => this.#plain.delete(socket));
  }

  /** Puts the door before TLS, so that who only knocks is bounded as on any port, and again behind it. */
  #secured(server: SecureServer, gateway: Gateway, tls: TlsOptions): SecureServer {
    // Node's own, which begins to speak TLS at once.
    const begin = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    const handshakes = new Handshakes({
      timeoutMs: gateway.handshakeTimeoutMs,
      begin: (socket) => {
        for (const listener of begin) listener.call(server, socket);
      },
      slow: (socket) => gateway.cutHandshake(socket),
    });
    server.on('connection', (socket: Socket) => {
      // What it speaks is TLS: no answer without it would be read.
      if (!gateway.openDoor(socket)) return socket.destroy();
      this.#keep(socket);
      handshakes.enter(socket);
    });
    // Ahead of HTTP.
    server.prependListener('secureConnection', (secured: TLSSocket) => {
      const socket = handshakes.finish(secured);
      if (!socket) return secured.destroy();
      this.#plain.delete(socket);
      this.#keep(secured);
      gateway.secure(socket, secured, certificateOf(secured, tls.agentSan), tls.clientAuth ?? 'none');
    });
    server.on('tlsClientError', (error) => gateway.countHandshake(error));
    return server;
  }
}

/** A client whose certificate does not count is answered, by HTTP: a handshake that is broken off tells nobody why. */
function serverOptions({ cert, key, ca, clientAuth = 'none' }: TlsOptions) {
  const clients = clientAuth === 'none' ? {} : { requestCert: true, rejectUnauthorized: false };
  return { cert, key, ...(ca && { ca }), ...clients, secureOptions: constants.SSL_OP_NO_RENEGOTIATION };
}

function toAddress(
  options: { host: string; port: number } | { socket: string },
  bound: AddressInfo | string | null,
  scheme: 'ws' | 'wss',
): Address {
  if ('socket' in options) return { url: `ws+unix:${options.socket}:/`, socket: options.socket };
  const port = typeof bound === 'object' && bound ? bound.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `${scheme}://${host}:${port}`, host: options.host, port };
}
