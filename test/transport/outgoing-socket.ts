import { Duplex } from 'node:stream';
import { type Token, tokenHead } from '../../protocol/token.ts';
import { Outgoing, type OutgoingLimits } from '../../transport/outgoing.ts';

/** Reads WebSocket frames as RFC 6455 has them, and throws at anything that a server must not send. */
export function decodeFrames(bytes: Buffer): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== 0x81) throw new Error(`no whole text frame at ${at}: ${bytes[at]}`);
    const short = bytes.readUInt8(at + 1);
    let length = short;
    at += 2;
    if (short === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (short === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    } else if (short > 127) throw new Error('masked');
    // "The minimal number of bytes MUST be used to encode the length" (section 5.2).
    if ((short === 126 && length < 126) || (short === 127 && length < 65_536)) throw new Error('a length too long');
    if (at + length > bytes.length) throw new Error('cut off');
    texts.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return texts;
}

/** A socket whose reader takes what the test says, and nothing else. */
export class StalledSocket extends Duplex {
  readonly #taken: Buffer[] = [];
  readonly #waiting: { chunk: Buffer; done: (error?: Error) => void }[] = [];
  #isReading = false;

  /** @param highWaterMark bytes from which on `write` says that it is full. */
  constructor(highWaterMark = 16 * 1024) {
    super({ highWaterMark });
    this.on('error', () => {});
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#waiting.push({ chunk, done });
    if (this.#isReading) setImmediate(() => this.takeOne());
  }

  /** As a socket does: whoever waits for a write is told that it failed. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const write of this.#waiting.splice(0)) write.done(error ?? new Error('destroyed'));
    done(error);
  }

  /** Bytes of the frames that were read so far. */
  get taken(): Buffer {
    return Buffer.concat(this.#taken);
  }

  /** The reader takes one write. */
  takeOne(): void {
    const next = this.#waiting.shift();
    if (!next) return;
    this.#taken.push(next.chunk);
    next.done();
  }

  /** From now on the reader takes everything. */
  resumeReading(): void {
    this.#isReading = true;
    this.takeOne();
  }

  /** The frames that were read so far, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  get frames(): any[] {
    return decodeFrames(this.taken).map((text) => JSON.parse(text));
  }
}

/** Fills the socket: more than it is handed before it has taken anything (`SOCKET_BYTES`). What follows waits. */
const PLUG = JSON.stringify({ plug: 'x'.repeat(256 * 1024) });
/** What waits from the beginning: the plug and its frame's header. */
export const PLUGGED = PLUG.length + 10;

/** Limits so near that a few frames pass them. */
export const SMALL: OutgoingLimits = {
  softLimitBytes: PLUGGED + 10_000,
  hardLimitBytes: PLUGGED + 100_000,
  hardLimitMs: 10_000,
  cutBytes: PLUGGED + 400_000,
};

/** What is due in this tick is done. */
export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An outgoing queue before a socket that is full, so that what follows waits. */
export async function stalledQueue(limits: Partial<OutgoingLimits> = {}, highWaterMark?: number) {
  const socket = new StalledSocket(highWaterMark);
  const overruns: number[] = [];
  const outgoing = new Outgoing(socket, { ...SMALL, ...limits }, () => overruns.push(outgoing.waitingBytes));
  outgoing.push(PLUG);
  await tick();
  return {
    socket,
    outgoing,
    overruns,
    /** The reader takes everything, and these are the frames behind the plug. */
    async readAll() {
      socket.resumeReading();
      while (outgoing.waitingBytes > 0) await tick();
      return socket.frames.slice(1);
    },
  };
}

/** A turn's head, and its tokens one after another. */
export function turnOf(name: string) {
  const head = tokenHead({ session_id: name, turn_id: `turn-${name}`, agent_id: 'echo' });
  let seq = 0;
  return {
    head,
    next(delta: string): Token {
      seq += 1;
      return { head, seq, seqFrom: seq, delta };
    },
    /** A number is taken by an event that is no plain token. */
    skip(): number {
      seq += 1;
      return seq;
    },
  };
}
