import type { Place } from './place.ts';
import { quietly } from './quietly.ts';

/** One text frame of a connection, as it crossed the wire. */
export interface Frame {
  /** `in`: from the broker. `out`: to it. */
  readonly direction: 'in' | 'out';
  readonly text: string;
}

/**
 * Hears every text frame of a connection, in order, but for `session.auth` with its token. Secrets that the broker hands out
 * do pass: the `token` of `agents.upsert`, the `resume_token` of `agents.chat`. It is called before each frame goes on
 * its way, so it must be quick; what it throws is said on the console.
 */
export type OnFrame = (frame: Frame) => void;

/** The same place, with somebody who hears what passes. */
export function tapped(place: Place, onFrame: OnFrame | undefined): Place {
  if (!onFrame) return place;
  const tell = (direction: Frame['direction'], text: string) => quietly(() => onFrame({ direction, text }));
  const open: Place['open'] = (listener) => {
    const socket = place.open({
      opened: () => listener.opened(),
      pinged: () => listener.pinged(),
      closed: (end) => listener.closed(end),
      binary: (data) => listener.binary(data),
      message: (text) => {
        tell('in', text);
        listener.message(text);
      },
    });
    return {
      send: (text) => {
        // A token is no sight for a tap.
        if (!isAuthentication(text)) tell('out', text);
        socket.send(text);
      },
      sendBinary: (data) => socket.sendBinary(data),
      close: (code, reason) => socket.close(code, reason),
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
    };
  };
  return { ...place, open };
}

function isAuthentication(text: string): boolean {
  // Of an embedder's chats, say, that only mention it: looked at closely.
  return text.includes('"session.auth"') && (JSON.parse(text) as { method?: unknown }).method === 'session.auth';
}
