import { type CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link } from '../protocol/link.ts';
import { ConnectionError } from './errors.ts';
import type { Socket, SocketListener } from './socket.ts';

/** Links that have had their connection. */
const used = new WeakSet<Link>();

/**
 * A link as a socket. It has no handshake of its own: the link is there, so it is open.
 * @throws {ConnectionError} where it has had its connection.
 */
export function linkSocket(link: Link): (listener: SocketListener) => Socket {
  if (used.has(link)) {
    const help = 'to connect again give a function, link: () => broker.connect()';
    throw new ConnectionError(`a link is one connection, and this one was used; ${help}`, { retryable: false });
  }
  used.add(link);
  return (listener) => {
    // Before anything that the link brings: those come in microtasks of their own.
    queueMicrotask(() => listener.opened());
    link.open({
      text: (data) => listener.message(data),
      binary: (data) => listener.binary(data),
      closed: (code) => listener.closed({ code, reason: closeReason(code as CloseCode) ?? '' }),
    });
    return {
      send: (text) => link.send(text),
      sendBinary: (data) => link.sendBinary(data),
      close: (code, reason) => link.close(code, reason),
      get bufferedAmount() {
        return link.waitingBytes;
      },
    };
  };
}
