import { WebSocket } from 'ws';
import type { SocketFactory, SocketListener } from './socket.ts';

/** How long the peer has to answer a closing handshake, so that a program that closes can also end. Milliseconds. */
const CLOSE_TIMEOUT = 2_000;

/** Of what a refusal says only so much is read. Characters. */
const MAX_BODY = 256;

/** What a `wss:` connection believes and shows. All in PEM, as text or bytes: not the files' names. */
export interface ClientTlsOptions {
  /** The authorities that may have signed the broker's certificate. Default: those that Node knows, and no others. */
  ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  /** A certificate of the client's own, where the broker asks for one; it may stand in place of a token. */
  cert?: string | Buffer | undefined;
  /** The private key of that, without a passphrase. */
  key?: string | Buffer | undefined;
}

/**
 * The `ws` package's WebSocket, for Node. Takes `ws:`, `wss:` and `ws+unix:/path/to.sock:/` URLs.
 * @param tls asked anew at each connection where it is a function.
 */
export function wsSocket(tls?: ClientTlsOptions | (() => ClientTlsOptions)): SocketFactory {
  return (url, listener) => openWsSocket(url, listener, typeof tls === 'function' ? tls() : tls);
}

function openWsSocket(
  url: string,
  listener: SocketListener,
  { ca, cert, key }: ClientTlsOptions = {},
): ReturnType<SocketFactory> {
  const shown = { ...(ca && { ca: [ca].flat() as (string | Buffer)[] }), ...(cert && { cert }), ...(key && { key }) };
  // Compression costs more time than it saves bytes on the loopback connections this is made for.
  const socket = new WebSocket(url, { perMessageDeflate: false, ...shown });
  let failure: unknown;
  let status: number | undefined;
  let body = '';
  socket.on('open', () => listener.opened());
  socket.on('message', (data, isBinary) => {
    // The default binaryType hands over one Buffer.
    if (isBinary) listener.binary(data as Buffer);
    else listener.message(data.toString());
  });
  socket.on('ping', () => listener.pinged());
  socket.on('unexpected-response', (_request, response) => {
    status = response.statusCode;
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text.slice(0, MAX_BODY - body.length);
      if (body.length >= MAX_BODY) socket.terminate();
    });
    response.on('close', () => socket.terminate());
    response.on('error', () => {});
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('close', (code, reason) => {
    listener.closed({ code, reason: reason.toString(), error: failure, status, body });
  });
  return {
    send: (text) => {
      // `send` before `open` throws, after the end it only reports: neither is of interest here.
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    sendBinary: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    close: (code, reason) => {
      if (socket.readyState === WebSocket.CONNECTING) return socket.terminate();
      socket.close(code, reason);
      const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT);
      socket.once('close', () => clearTimeout(timer));
    },
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
  };
}
