import type { IncomingMessage } from 'node:http';
import { unread } from '../../protocol/frame-scan.ts';
import { isObject, type JsonObject, unwritable } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { ClientGone, DEFAULT_RETRY_MS, FrontError, NotJson } from './errors.ts';

/** How long a body may take to arrive whole. Milliseconds. */
const BODY_TIMEOUT_MS = 10_000;
/** Two of the largest at least. */
const LEAST_AT_ONCE = 48 * 1024 * 1024;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/** Reads the bodies of requests: JSON alone, bounded one by one and all together. */
export class Bodies {
  readonly #maxBytes: number;
  readonly #maxAllBytes: number;
  /** Those that are not whole. */
  readonly #arriving = new Set<Arriving>();
  /** What has arrived of them. */
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxAllBytes = Math.max(LEAST_AT_ONCE, 2 * maxBytes);
  }

  /**
   * The object that a body is; integers of any length keep their digits.
   * @throws {FrontError} 400, 408, 413, 415, 429 @throws {ClientGone}
   */
  async readObject(request: IncomingMessage): Promise<JsonObject> {
    const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
    if (!JSON_TYPE.test(type)) throw new FrontError(415, null, 'the body is JSON: content-type application/json');
    if (encoding.toLowerCase() !== 'identity') throw new FrontError(415, null, 'the body is not compressed');
    const value = parse(await this.#read(request));
    if (!isObject(value)) throw FrontError.badRequest('the body is a JSON object');
    return value;
  }

  async #read(request: IncomingMessage): Promise<Buffer> {
    if (Number(request.headers['content-length'] ?? 0) > this.#maxBytes) throw this.#tooLarge();
    const chunks: Buffer[] = [];
    let forget = () => {};
    const arriving: Arriving = { bytes: 0, since: performance.now(), giveUp: () => {} };
    this.#arriving.add(arriving);
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const late = () => reject(new FrontError(408, null, 'the body did not arrive in time', CLOSING));
        const timer = setTimeout(late, BODY_TIMEOUT_MS);
        timer.unref();
        arriving.giveUp = () => reject(tooMany());
        const leave = () => reject(new ClientGone());
        const end = () => resolve(Buffer.concat(chunks));
        const take = (chunk: Buffer) => {
          // It was given up, and that is not heard yet.
          if (!this.#arriving.has(arriving)) return;
          if (arriving.bytes + chunk.length > this.#maxBytes) {
            reject(this.#tooLarge());
            return;
          }
          chunks.push(chunk);
          arriving.bytes += chunk.length;
          this.#bytes += chunk.length;
          while (this.#bytes > this.#maxAllBytes) this.#giveUp();
        };
        // The request is there until its answer is over, and so would be whatever listens to it, with the whole body.
        forget = () => {
          clearTimeout(timer);
          request.off('close', leave).off('error', leave).off('end', end).off('data', take);
        };
        request.on('close', leave).on('error', leave).on('end', end).on('data', take);
      });
    } finally {
      forget();
      this.#forget(arriving);
      // What still comes is read and forgotten: a client that is in the middle of sending would not hear the answer.
      request.on('error', ignore).resume();
    }
  }

  #tooLarge(): FrontError {
    return new FrontError(413, 'too_large', `the body may have ${this.#maxBytes} bytes`);
  }

  /** Who costs most goes: bytes, times how long. Whoever sends as fast as he can is held up by nobody who dawdles. */
  #giveUp(): void {
    const now = performance.now();
    const costOf = ({ bytes, since }: Arriving) => bytes * (now - since + 1);
    const [worst] = [...this.#arriving].sort((a, b) => costOf(b) - costOf(a));
    // More than nothing has arrived, so there is somebody.
    this.#forget(worst as Arriving);
    worst?.giveUp();
  }

  #forget(arriving: Arriving): void {
    if (this.#arriving.delete(arriving)) this.#bytes -= arriving.bytes;
  }
}

/** A body on its way. */
interface Arriving {
  bytes: number;
  since: number;
  /** It is refused. */
  giveUp(): void;
}

const tooMany = (): FrontError =>
  new FrontError(429, 'limit_exceeded', 'too much is being sent to the broker at once', {
    retryAfterMs: DEFAULT_RETRY_MS,
  });

/** Not written where it is used: there it would hold on to the body, as everything that is. */
const ignore = (): void => {};

const CLOSING = { headers: { connection: 'close' } };
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws {FrontError} 400 */
function parse(body: Buffer): unknown {
  let value: unknown;
  try {
    const text = utf8.decode(body);
    const excess = unread(text);
    if (excess) throw FrontError.badRequest(`the body is refused unread: ${excess.reason}`);
    value = parseJson(text);
  } catch (error) {
    if (error instanceof FrontError) throw error;
    throw new NotJson();
  }
  const reason = unwritable(value);
  if (reason !== undefined) throw FrontError.badRequest(`the body: ${reason}`);
  return value;
}
