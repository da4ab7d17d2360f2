import type { RawData, WebSocket } from 'ws';
import type { Link, LinkHandlers } from '../protocol/link.ts';
import type { Principal } from '../protocol/principal.ts';
import { type Token, tokenText } from '../protocol/token.ts';

/** How often is looked whether a slow reader has read. Milliseconds. */
const POLL_MS = 20;
/** What cannot be sent in a close frame, as a code, is told as this. */
const GONE = 1001;

/**
 * A WebSocket whose client is at another process, as its taker has it: the other end of {@link joinLinks}. Who it is for is
 * the first that is said by it; whatever bounds the client is there.
 */
export class RelayLink implements Link {
  readonly kind = 'upgrade';
  readonly remote: string | undefined;
  readonly #ws: WebSocket;

  constructor(ws: WebSocket, remote: string | undefined) {
    this.#ws = ws;
    this.remote = remote;
    // What is wrong with it ends it, and that is told.
    ws.on('error', () => {});
  }

  get waitingBytes(): number {
    return this.#ws.bufferedAmount;
  }

  get isGivenUp(): boolean {
    return this.#ws.readyState !== this.#ws.OPEN;
  }

  open(handlers: LinkHandlers): void {
    this.#ws.on('message', (data: Buffer, isBinary) => {
      if (this.isGivenUp) handlers.unread?.();
      else if (isBinary) handlers.binary(data);
      else handlers.text(data.toString(), data.length);
    });
    this.#ws.once('close', (code) => handlers.closed(code));
  }

  admit({ tenant, sub }: Principal): void {
    this.#ws.send(JSON.stringify({ tenant, sub }));
  }

  send(text: string): void {
    if (!this.isGivenUp) this.#ws.send(text);
  }

  sendToken(token: Token): void {
    this.send(tokenText(token));
  }

  sendPartial(text: string): void {
    this.send(text);
  }

  sendBinary(data: Uint8Array): void {
    if (!this.isGivenUp) this.#ws.send(data);
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }
}

/**
 * Joins a client's link to the WebSocket that leads to its taker's process. Neither end is read faster than the other
 * takes it.
 * @param softLimitBytes - with more waiting at one end, nothing more is read from the other
 */
export function joinLinks(link: Link, ws: WebSocket, softLimitBytes: number): void {
  const toTaker = follow(() => ws.bufferedAmount > softLimitBytes, link);
  const toClient = follow(() => link.waitingBytes > softLimitBytes, ws);
  let isAdmitted = false;
  link.open({
    text(text) {
      ws.send(text);
      toTaker.look();
    },
    binary(data) {
      ws.send(data);
      toTaker.look();
    },
    overrun: () => link.close(1013, ''),
    closed(code) {
      toTaker.stop();
      toClient.stop();
      ws.close(sendable(code));
    },
  });
  ws.on('message', (data: RawData, isBinary) => {
    if (!isAdmitted) {
      isAdmitted = true;
      link.admit?.(JSON.parse(data.toString()) as Principal);
      return;
    }
    if (isBinary) link.sendBinary(data as Buffer);
    else link.send(data.toString());
    toClient.look();
  });
  ws.once('close', (code, reason) => {
    toTaker.stop();
    toClient.stop();
    link.close(sendable(code), reason.toString());
  });
  ws.resume();
}

/** Stops reading while too much waits where it goes. */
function follow(isFull: () => boolean, source: { pause?(): void; resume?(): void }) {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearInterval(timer);
  return {
    look() {
      if (timer || !isFull()) return;
      source.pause?.();
      timer = setInterval(() => {
        if (isFull()) return;
        stop();
        timer = undefined;
        source.resume?.();
      }, POLL_MS);
    },
    stop,
  };
}

/** Codes that say that there was no close frame are in none (RFC 6455, section 7.4.1). */
const sendable = (code: number): number => (code === 1005 || code === 1006 || code === 1015 ? GONE : code);
