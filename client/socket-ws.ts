import { WebSocket } from 'ws';
import type { SocketFactory } from './socket.ts';

/** How long the peer has to answer a closing handshake, so that a program that closes can also end. Milliseconds. */
const CLOSE_TIMEOUT = 2_000;

/** The `ws` package's WebSocket, for Node. Takes `ws:`, `wss:` and `ws+unix:/path/to.sock:/` URLs. */
export const openWsSocket: SocketFactory = (url, listener) => {
  // Compression costs more time than it saves bytes on the loopback connections this is made for.
  const socket = new WebSocket(url, { perMessageDeflate: false });
  let failure: unknown;
  let status: number | undefined;
  socket.on('open', () => listener.opened());
  socket.on('message', (data, isBinary) => {
    // The default binaryType hands over one Buffer.
    if (isBinary) listener.binary(data as Buffer);
    else listener.message(data.toString());
  });
  socket.on('ping', () => listener.pinged());
  socket.on('unexpected-response', (_request, response) => {
    status = response.statusCode;
    response.resume();
    socket.terminate();
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('close', (code, reason) => {
    listener.closed({ code, reason: reason.toString(), error: failure, status });
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
};
