/**
 * How frames get from one broker to others. It may lose frames, double them and change their order: the link sees to that.
 * Frames are whole, unchanged, and at most `MAX_FRAME_BYTES` long.
 *
 * Over Unix sockets there is a connection for each peer ({@link UnixCarrier}). Over NATS core `send` publishes to the peer's
 * subject while the client is connected and has little pending, `announce` publishes to the one that all hear; every peer
 * whose heartbeat is heard is within reach while the client is connected, and out of reach when it is not. Nothing may be
 * published while NATS is away: it would be dropped, or sent too late.
 */
export interface Carrier {
  /** Whether this broker hears anybody at all. While it does not, as with NATS away, nobody's silence means anything. */
  readonly isConnected: boolean;
  /**
   * From now on frames come and go. Called once.
   * @throws what keeps it from that
   */
  open(handlers: CarrierHandlers): Promise<void>;
  /**
   * Hands over a frame, which must not be changed any more but for its `ack`.
   * @returns false where there is no way to that peer, or no room: then the frame was not taken, and `writable` or
   *   `reachable` is told when there is
   */
  send(peer: string, frame: Buffer): boolean;
  /** Hands over a frame to whoever is within reach. Who has no room for it does without. */
  announce(frame: Buffer): void;
  /** Whether there is a way to a peer. */
  reaches(peer: string): boolean;
  /** Delivers what was taken, as far as it can at once, and ends. Nothing is told any more. */
  close(): Promise<void>;
}

/** Who listens to a {@link Carrier}. Never called from inside a call to it, and never throws. */
export interface CarrierHandlers {
  /**
   * A frame has come. It is the listener's until it returns.
   * @param peer - whose connection it came by; undefined where anybody may have sent it, as over NATS
   */
  frame(frame: Buffer, peer: string | undefined): void;
  /** There is a way to a peer, perhaps another one than before: what was taken for it may be gone. */
  reachable(peer: string): void;
  /** There is none any more. */
  unreachable(peer: string): void;
  /** There is room again. */
  writable(peer: string): void;
}
