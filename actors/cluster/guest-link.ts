import { CloseCode } from '../../protocol/close-codes.ts';
import type { Link, LinkHandlers } from '../../protocol/link.ts';
import { type Token, tokenText } from '../../protocol/token.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { GuestOpening } from './guest-identity.ts';
import type { Lane } from './lanes.ts';

/** So many turns of one guest's have a stream of their own for their tokens; the one used longest ago gives its own up. */
const MAX_TOKEN_STREAMS = 64;

/** What the first entry of a stream that carries a guest's tokens says. */
export interface TokensOf {
  /** The guest's stream, as whoever reads this sees it. */
  tokens_of: number;
}

/** What the last entry of a guest's stream says. */
export interface GuestClose {
  code: number;
  why?: 'overrun' | 'expelled';
}

/**
 * A connection whose socket is at another broker, as this one has it: what is sent to it goes over the link between the
 * two, in a lane of its own, which bounds what waits.
 */
export class GuestLink implements Link {
  readonly kind = 'peer';
  readonly remote: string | undefined;
  readonly origin: string;
  readonly broker: string;
  readonly via: string | undefined;
  readonly #way: Lane;
  readonly #stream: number;
  readonly #newStream: () => number;
  readonly #forget: () => void;
  /** By what all tokens of a turn begin with: the stream that they go by. */
  readonly #tokens = new Map<string, number>();
  #handlers: LinkHandlers | undefined;
  #isClosed = false;

  /**
   * @param stream - its number here
   * @param newStream - gives the next number of this end's
   * @param forget - it is over: nothing that still comes for its stream is its any more
   */
  constructor(
    way: Lane,
    stream: number,
    { client, remote, via }: Pick<GuestOpening, 'client' | 'remote' | 'via'>,
    newStream: () => number,
    forget: () => void,
  ) {
    this.#way = way;
    this.#stream = stream;
    this.origin = client;
    this.broker = way.peer;
    this.remote = remote;
    this.via = via;
    this.#newStream = newStream;
    this.#forget = forget;
  }

  get waitingBytes(): number {
    return this.#way.waitingBytes;
  }

  get isGivenUp(): boolean {
    return this.#isClosed;
  }

  allow(bytes: number): void {
    this.#way.allow(bytes);
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
  }

  send(text: string): void {
    if (this.#mayBeSent(text)) this.#way.send({ kind: 'text', stream: this.#stream, body: text });
  }

  sendToken(token: Token): void {
    const { head, seq, seqFrom, delta } = token;
    if (!this.#mayBeSent(delta)) return;
    // The head is not known as one of a turn's where a token stands in another order among what is replayed.
    const stream = this.#tokens.get(head) ?? this.#openTokens(head);
    if (!this.#way.sendToken({ stream, seq, seqFrom, delta })) this.send(tokenText(token));
  }

  sendPartial(text: string): void {
    this.send(text);
  }

  /** Nothing asks a guest for sound: voice is where the connection is. */
  sendBinary(): void {}

  close(code: number): void {
    if (this.#isClosed) return;
    this.#sayClosed(code);
    this.#end();
    // As of a socket: never from inside this call.
    queueMicrotask(() => this.#handlers?.closed(code));
  }

  terminate(): void {
    this.close(1006);
  }

  /** A frame of its client's. */
  receive(text: string): void {
    if (this.#isClosed) this.#handlers?.unread?.();
    else this.#handlers?.text(text, Buffer.byteLength(text));
  }

  /** Its connection is gone, or the link. @param why - it could not keep up, or its key was removed */
  hangUp(code: number, why?: 'overrun' | 'expelled'): void {
    if (this.#isClosed) return;
    this.#end();
    this.#way.forget();
    if (why === 'overrun') this.#handlers?.overrun?.();
    else if (why === 'expelled') this.#handlers?.expelled?.();
    this.#handlers?.closed(code);
  }

  /** What waits for it would be too much: it ends, alone. */
  overrun(): void {
    this.#way.forget();
    if (this.#isClosed) {
      // That may have been forgotten with the rest.
      this.#sayClosed(CloseCode.SlowConsumer);
      return;
    }
    // As of a socket: never from inside a call.
    queueMicrotask(() => this.#handlers?.overrun?.());
    this.close(CloseCode.SlowConsumer);
  }

  #sayClosed(code: number): void {
    this.#way.send({ kind: 'close', stream: this.#stream, body: writeJson({ code }) });
  }

  #mayBeSent(text: string): boolean {
    if (this.#isClosed) return false;
    if (this.#way.hasRoomFor(text)) return true;
    this.overrun();
    return false;
  }

  #end(): void {
    this.#isClosed = true;
    this.#tokens.clear();
    this.#forget();
  }

  #openTokens(head: string): number {
    if (this.#tokens.size >= MAX_TOKEN_STREAMS) {
      const [oldest] = this.#tokens;
      if (oldest) {
        this.#tokens.delete(oldest[0]);
        this.#way.send({ kind: 'close', stream: oldest[1], body: '' });
      }
    }
    const stream = this.#newStream();
    this.#tokens.set(head, stream);
    const body: TokensOf = { tokens_of: -this.#stream };
    this.#way.send({ kind: 'open', stream, body: writeJson(body) });
    this.#way.send({ kind: 'head', stream, body: head });
    return stream;
  }
}
