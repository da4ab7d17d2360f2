import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { own } from '../../e2e/support/cleanup.ts';
import { Opcode, rawFrame } from './raw-frames.ts';

/** How a {@link RawSocket} ended: with the daemon's close frame, or without one. */
export interface RawEnd {
  code: number | undefined;
}

const open = new Set<Socket>();
own(() => {
  for (const socket of open) socket.destroy();
});

/** A TCP connection on which anything may be written. Whatever the test ends like, it is destroyed. */
export function rawConnect(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  open.add(socket);
  socket.once('close', () => open.delete(socket));
  return socket;
}

/** The head of an upgrade as it should be. */
export function upgradeHead(): string[] {
  return [
    'GET / HTTP/1.1',
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
  ];
}

/**
 * A WebSocket written by hand over TCP. It reads what the daemon sends strictly: a frame that RFC 6455 forbids to a
 * server is a fault, and {@link closed} rejects with it.
 */
export class RawSocket {
  readonly socket: Socket;
  readonly closed: Promise<RawEnd>;
  /** Payloads of the pongs that came. */
  readonly pongs: string[] = [];
  onText: (text: string) => void = () => {};
  #waiting: Buffer = Buffer.alloc(0);
  #code: number | undefined;
  #fail: (fault: Error) => void = () => {};

  private constructor(socket: Socket, rest: Buffer) {
    this.socket = socket;
    this.closed = new Promise((resolve, reject) => {
      this.#fail = reject;
      socket.once('close', () => resolve({ code: this.#code }));
    });
    // Whoever waits hears of it; a fault after that is of no interest.
    this.closed.catch(() => socket.destroy());
    socket.on('data', (bytes) => this.#read(bytes));
    // The daemon's end of the connection is over: so is ours.
    socket.on('end', () => socket.end());
    if (rest.length > 0) this.#read(rest);
  }

  /** Connects and upgrades. */
  static open(port: number): Promise<RawSocket> {
    const socket = rawConnect(port);
    socket.setNoDelay(true);
    socket.write(`${upgradeHead().join('\r\n')}\r\n\r\n`);
    return new Promise((resolve, reject) => {
      let head = Buffer.alloc(0);
      const gone = () => reject(new Error(`no upgrade: ${head.toString('latin1')}`));
      const read = (bytes: Buffer) => {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', read).off('close', gone);
        if (head.toString('latin1', 0, 12) === 'HTTP/1.1 101') resolve(new RawSocket(socket, head.subarray(end + 4)));
        else gone();
      };
      socket.on('data', read).once('close', gone);
    });
  }

  write(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** Writes text frames, all in one write. */
  sendTexts(texts: readonly string[]): void {
    this.socket.write(Buffer.concat(texts.map((text) => rawFrame(text))));
  }

  /** Closes as a well-behaved client does. */
  close(): void {
    this.write(rawFrame(Buffer.of(1000 >> 8, 1000 & 0xff), { opcode: Opcode.close }));
  }

  /** Breaks off with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #read(bytes: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    try {
      for (let frame = this.#next(); frame; frame = this.#next()) this.#take(frame.first, frame.payload);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #next(): { first: number; payload: Buffer } | undefined {
    const bytes = this.#waiting;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    if (second & 0x80) throw new Error('the daemon sent a masked frame');
    const head = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (bytes.length < head) return undefined;
    const length = second < 126 ? second : second === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < head + length) return undefined;
    this.#waiting = bytes.subarray(head + length);
    return { first, payload: bytes.subarray(head, head + length) };
  }

  #take(first: number, payload: Buffer): void {
    if (this.#code !== undefined) throw new Error('the daemon sent a frame after its close frame');
    if (first === (0x80 | Opcode.text)) this.onText(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    else if (first === (0x80 | Opcode.pong)) this.pongs.push(payload.toString('latin1'));
    else if (first === (0x80 | Opcode.close)) {
      this.#code = payload.length === 0 ? 1005 : payload.readUInt16BE(0);
      // Answered in kind. What we wrote before it may have been cut, so that this lands in the middle of something.
      this.socket.end(rawFrame(payload.subarray(0, 2), { opcode: Opcode.close }));
    } else if (first !== (0x80 | Opcode.ping)) throw new Error(`the daemon sent a frame that begins with ${first}`);
  }
}
