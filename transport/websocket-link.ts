import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link, LinkHandlers } from '../protocol/link.ts';

/** Beyond this many bytes waiting to be written, a connection is given up with 4413 (`wire.md` section 9). */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** How long the peer gets to answer a close frame before the socket is cut. */
const CLOSE_TIMEOUT_MS = 2_000;

/** One accepted WebSocket as a {@link Link}. */
export class WebSocketLink implements Link {
  readonly kind: Link['kind'];
  /** When the peer was last heard, in the milliseconds of `performance.now()`: any frame counts, a pong too. */
  lastHeardAt = performance.now();
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  #isCorked = false;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(ws: WebSocket, socket: Duplex, kind: Link['kind']) {
    this.#ws = ws;
    this.#socket = socket;
    this.kind = kind;
    // ws has closed, or is about to, with the code that fits (1009, 1007, 1002): nothing to add.
    ws.on('error', () => {});
    if ('setNoDelay' in socket) (socket as Socket).setNoDelay(true);
  }

  get waitingBytes(): number {
    return this.#ws.bufferedAmount;
  }

  open(handlers: LinkHandlers): void {
    const ws = this.#ws;
    ws.on('message', (data: RawData, isBinary: boolean) => {
      this.lastHeardAt = performance.now();
      // The default binaryType hands over one Buffer.
      const bytes = data as Buffer;
      if (isBinary) handlers.binary(bytes);
      else handlers.text(bytes.toString(), bytes.length);
    });
    const heard = () => {
      this.lastHeardAt = performance.now();
    };
    ws.on('pong', heard);
    ws.on('ping', heard);
    ws.once('close', (code) => {
      clearTimeout(this.#closeTimer);
      handlers.closed(code);
    });
  }

  send(text: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#cork();
    this.#ws.send(text);
    if (this.waitingBytes > MAX_WAITING_BYTES) {
      this.close(CloseCode.SlowConsumer, closeReason(CloseCode.SlowConsumer));
      // The close frame would wait behind all that the peer does not read.
      this.terminate();
    }
  }

  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  close(code: number, reason: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.close(code, reason);
    this.#closeTimer = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS);
    this.#closeTimer.unref();
  }

  terminate(): void {
    this.#ws.terminate();
  }

  /** Everything that is due in this tick leaves in one write: worth more than any other economy (law 1). */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }
}
