import { quietly } from './quietly.ts';
import type { SocketFactory } from './socket.ts';

/** One text frame of a connection, as it crossed the wire. */
export interface Frame {
  /** `in`: from the broker. `out`: to it. */
  readonly direction: 'in' | 'out';
  readonly text: string;
}

/**
 * Hears every frame of a connection, in order, but for `session.auth` with its token. It is called before each frame
 * goes on its way, so it must be quick; what it throws is said on the console.
 */
export type OnFrame = (frame: Frame) => void;

/** The same kind of socket, with somebody who hears what passes. */
export function tapped(open: SocketFactory, onFrame: OnFrame | undefined): SocketFactory {
  if (!onFrame) return open;
  const tell = (direction: Frame['direction'], text: string) => quietly(() => onFrame({ direction, text }));
  return (url, listener) => {
    // Every connection's first frame is `session.auth` (`wire.md` section 3): a token is no sight for a tap.
    let authenticating = true;
    const socket = open(url, {
      opened: () => listener.opened(),
      pinged: () => listener.pinged(),
      closed: (end) => listener.closed(end),
      message: (text) => {
        tell('in', text);
        listener.message(text);
      },
    });
    return {
      send: (text) => {
        if (!authenticating) tell('out', text);
        authenticating = false;
        socket.send(text);
      },
      close: (code, reason) => socket.close(code, reason),
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
    };
  };
}
