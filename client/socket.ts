/** What the SDK needs of a WebSocket: the one place where Node and the browser differ. */
export interface Socket {
  /** Sends one text frame. On a socket that is closing or closed it does nothing. */
  send(text: string): void;
  /** Sends one binary frame, in order with the others. */
  sendBinary(data: Uint8Array): void;
  /** Starts the closing handshake. Harmless when called again. */
  close(code: number, reason: string): void;
  /** Bytes that were sent and have not left yet. */
  readonly bufferedAmount: number;
}

/** What a {@link Socket} tells its owner. */
export interface SocketListener {
  /** The WebSocket is open. At most once, and before any message. */
  opened(): void;
  /** One text frame. */
  message(text: string): void;
  /** A ping, where the platform shows it: browsers do not. */
  pinged(): void;
  /** One binary frame. */
  binary(data: Uint8Array): void;
  /** The end, exactly once, also of a connection that never opened. */
  closed(end: SocketEnd): void;
}

/** How a {@link Socket} ended. */
export interface SocketEnd {
  /** WebSocket close code; 1006 where there was none. */
  code: number;
  reason: string;
  /** What went wrong, where the platform says so: browsers do not. */
  error?: unknown;
  /** HTTP status of a refused upgrade, where the platform says so (`wire.md` section 1). */
  status?: number | undefined;
  /** The beginning of what was said with that status. */
  body?: string | undefined;
}

/**
 * Opens a WebSocket. It never calls its listener before it has returned.
 * @throws where the URL is none.
 */
export type SocketFactory = (url: string, listener: SocketListener) => Socket;
