import type { Token } from './token.ts';

/** How a connection's bytes come and go, as everybody but `transport/` sees it. */
export interface Link {
  /** Which way in it came. */
  readonly kind: 'tcp' | 'unix' | 'upgrade' | 'memory';
  /** Bytes that wait to be written. */
  readonly waitingBytes: number;
  /** From now on frames arrive at `handlers`; nothing was delivered before. Called once. */
  open(handlers: LinkHandlers): void;
  /** Queues one text frame. Frames keep their order; after `close` it does nothing. */
  send(text: string): void;
  /** Queues a token, which may be merged with the one before it while it waits (`wire.md` section 9). */
  sendToken(token: Token): void;
  /** Queues a text frame that a newer one makes needless: of those that wait, the oldest go first (section 9). */
  sendPartial(text: string): void;
  /** Queues one binary frame, in order with the others (section 11). */
  sendBinary(data: Uint8Array): void;
  /** Closes once everything queued was written. `closed` is called when the peer has agreed, or has had long enough. */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
}

/** Who listens to a {@link Link}. Never called from inside a call to the link. */
export interface LinkHandlers {
  /** `bytes` is its size on the wire. */
  text(data: string, bytes: number): void;
  binary(data: Uint8Array): void;
  /** The peer cannot keep up (`wire.md` section 9): nothing more is queued, and the connection is to be closed. */
  overrun?(): void;
  /** Called exactly once, last. */
  closed(code: number): void;
}
