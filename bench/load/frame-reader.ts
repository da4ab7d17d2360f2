/** Takes one whole frame: its opcode, and where its payload lies. The bytes are only lent for the call. */
export type FrameHandler = (opcode: number, data: Buffer, start: number, end: number) => void;

/** Cuts what a server sends into frames. What `ws` and the daemon never send (masks, fragments) is a fault. */
export class FrameReader {
  readonly #handle: FrameHandler;
  /** The beginning of a frame whose end is still to come. */
  #rest: Buffer | undefined;

  constructor(handle: FrameHandler) {
    this.#handle = handle;
  }

  /** Takes the next bytes, wherever they were cut. They may be reused afterwards. */
  push(chunk: Buffer): void {
    const data = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const left = data.length - at;
      if (left < 2) break;
      const first = data[at] as number;
      let length = data[at + 1] as number;
      let header = 2;
      if (length >= 126) {
        if (length > 127) throw new Error('the server masked a frame');
        header = length === 126 ? 4 : 10;
        if (left < header) break;
        length = length === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
      }
      if (left < header + length) break;
      if ((first & 0x80) === 0) throw new Error('the server fragmented a message');
      this.#handle(first & 0x0f, data, at + header, at + header + length);
      at += header + length;
    }
    this.#rest = at < data.length ? Buffer.from(data.subarray(at)) : undefined;
  }
}
