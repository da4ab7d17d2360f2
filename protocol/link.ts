import type { ClientCertificate } from './client-certificate.ts';
import type { Principal } from './principal.ts';
import type { Token } from './token.ts';

/** How a connection's bytes come and go, as everybody but `transport/` sees it. */
export interface Link {
  /** Which way in it came. */
  readonly kind: 'tcp' | 'unix' | 'upgrade' | 'memory' | 'peer';
  /** The address that it came from; undefined where it has none, as over a Unix socket. */
  readonly remote?: string | undefined;
  /** Of a guest's: the id of the client at its own broker. */
  readonly origin?: string | undefined;
  /** Of a guest's: the name of that broker. */
  readonly broker?: string | undefined;
  /** Of a guest's: the kind of the link that its client has at its own broker. */
  readonly via?: string | undefined;
  /** What its client's certificate says, where it has shown one that counts. */
  readonly certificate?: ClientCertificate | undefined;
  /** Bytes that wait to be written. */
  readonly waitingBytes: number;
  /** True: what is sent goes nowhere any more. Its end is under way. */
  readonly isGivenUp?: boolean;
  /** From now on frames arrive at `handlers`; nothing was delivered before. Called once. */
  open(handlers: LinkHandlers): void;
  /**
   * Its client has said who it is, or need not: from now on it may send as much as anybody. A link whose other end is
   * in this process bounds nothing, and has no need of it.
   * @param who - those who come by several links get of each turn of the event loop what others get by one
   */
  admit?(who: Principal): void;
  /**
   * So many bytes come at once, on purpose: until they are written, that much more may wait (section 9). A link
   * that bounds nothing has no need of it.
   */
  allow?(bytes: number): void;
  /** Queues one text frame. Frames keep their order; after `close` it does nothing. @param counted as for binary ones. */
  send(text: string, counted?: WaitingAudio): void;
  /** Queues a token, which may be merged with the one before it while it waits (`wire.md` section 9). */
  sendToken(token: Token): void;
  /** Queues a text frame that a newer one makes needless: of those that wait, the oldest go first (section 9). */
  sendPartial(text: string): void;
  /**
   * Queues one binary frame, in order with the others (section 11). @param counted what it counts in while it waits; a
   * link in which nothing waits leaves it alone.
   */
  sendBinary(data: Uint8Array, counted?: WaitingAudio): void;
  /** Reads nothing more until `resume`; what was read already still arrives. A link that cannot has neither. */
  pause?(): void;
  resume?(): void;
  /** Closes once everything queued was written. `closed` is called when the peer has agreed, or has had long enough. */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
}

/** Whether a client is at its other end, and neither the program around the broker nor another broker. */
export const isSocket = ({ kind }: Pick<Link, 'kind'>): boolean => kind !== 'memory' && kind !== 'peer';

/** Whether it is a guest's: its client's own connection is at another broker of the cluster. */
export const isGuest = ({ kind }: Pick<Link, 'kind'>): boolean => kind === 'peer';

/** How much of one voice stream waits in a link: to be written, and not yet handed to the socket. */
export interface WaitingAudio {
  bytes: number;
  /** Some of it was handed to the socket. Never throws, and asks nothing of the link. */
  written?(): void;
}

/** Who listens to a {@link Link}. Never called from inside a call to the link. */
export interface LinkHandlers {
  /** `bytes` is its size on the wire. */
  text(data: string, bytes: number): void;
  binary(data: Uint8Array): void;
  /** A frame came although this end has closed, or is about to: it is not read. */
  unread?(): void;
  /** The peer cannot keep up (`wire.md` section 9): nothing more is queued, and the connection is to be closed. */
  overrun?(): void;
  /** Of a guest's: its client's key was removed, and its own broker closes it. What it has here ends with it. */
  expelled?(): void;
  /**
   * Called exactly once, last. `code` is what this end has closed with, else what the peer has; 1006 where the
   * connection was lost, 1005 where the peer gave no reason.
   */
  closed(code: number): void;
}
