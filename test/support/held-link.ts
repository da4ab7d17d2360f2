import type { Link, WaitingAudio } from '../../protocol/link.ts';

type Held = { frame: string | Uint8Array; bytes: number; counted: WaitingAudio };

/** The broker's end of a linked pair whose other end reads what somebody counts when it is told to, and all else at once. */
export class HeldLink implements Link {
  readonly kind = 'memory';
  /** What else is said to wait. */
  other = 0;
  /** The most that has waited. */
  most = 0;
  readonly #link: Link;
  #held: Held[] = [];

  constructor(link: Link) {
    this.#link = link;
  }

  get waitingBytes(): number {
    return this.other + this.#held.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  open(handlers: Parameters<Link['open']>[0]): void {
    this.#link.open(handlers);
  }
  send(text: string, counted?: WaitingAudio): void {
    if (counted) this.#hold(text, Buffer.byteLength(text), counted);
    else this.#link.send(text);
  }
  sendToken(token: Parameters<Link['sendToken']>[0]): void {
    this.#link.sendToken(token);
  }
  sendPartial(text: string): void {
    this.#link.sendPartial(text);
  }
  sendBinary(data: Uint8Array, counted?: WaitingAudio): void {
    if (counted) this.#hold(data, data.length, counted);
    else this.#link.sendBinary(data);
  }
  close(code: number): void {
    this.#link.close(code, '');
  }
  terminate(): void {
    this.#link.terminate();
  }
  /** The other end reads all of it. */
  release(): void {
    for (const { frame, bytes, counted } of this.#held.splice(0)) {
      counted.bytes -= bytes;
      if (typeof frame === 'string') this.#link.send(frame);
      else this.#link.sendBinary(frame);
      counted.written?.();
    }
  }

  #hold(frame: string | Uint8Array, bytes: number, counted: WaitingAudio): void {
    counted.bytes += bytes;
    this.#held.push({ frame, bytes, counted });
    this.most = Math.max(this.most, this.waitingBytes);
  }
}
