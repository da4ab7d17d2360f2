/** One text frame of a connection, as it crossed the wire. */
export interface Frame {
  /** `in`: from the broker. `out`: to it. */
  readonly direction: 'in' | 'out';
  readonly text: string;
}

/**
 * Hears every text frame of a connection, in order, but for `session.auth` and `session.refresh` with their tokens. Secrets that the broker hands out
 * do pass: the `token` of `agents.upsert`, the `resume_token` of `agents.chat`. It is called before each frame goes on
 * its way, so it must be quick; what it throws is said on the console.
 */
export type OnFrame = (frame: Frame) => void;
