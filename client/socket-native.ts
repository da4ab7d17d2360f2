import type { SocketFactory } from './socket.ts';

/** The platform's own WebSocket: browsers, and whatever else has one. */
export const openNativeSocket: SocketFactory = (url, listener) => {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => listener.opened());
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') listener.message(data);
    else listener.binary(new Uint8Array(data));
  });
  // It says nothing that `close`, which always follows, does not say as well; but a WebSocket that comes from the
  // `ws` package throws an error that nobody listens to.
  socket.addEventListener('error', () => {});
  socket.addEventListener('close', ({ code, reason }) => listener.closed({ code, reason }));
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    sendBinary: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data as Uint8Array<ArrayBuffer>);
    },
    close: (code, reason) => socket.close(code, reason),
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
  };
};
