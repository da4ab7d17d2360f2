import type { Link, LinkHandlers } from '../protocol/link.ts';
import { type Token, tokenText } from '../protocol/token.ts';

/**
 * Two ends of a connection inside one process: what one sends the other receives, in order, never in the same tick's
 * call. For tests and for an embedder's own clients. Frames are text or bytes, as on a socket.
 *
 * @param failed - hears what a listener has thrown, which ends its connection.
 */
export function linkedPair(failed: (error: unknown) => void = rethrow): [Link, Link] {
  const a = new MemoryLink(failed);
  const b = new MemoryLink(failed);
  a.peer = b;
  b.peer = a;
  return [a, b];
}

/** Nobody has said who should hear of it: then it must not be lost. */
function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** A frame as it is, or what else is to be done. */
type Due = string | Uint8Array | ((handlers: LinkHandlers) => void);

class MemoryLink implements Link {
  readonly kind = 'memory';
  peer: MemoryLink | undefined;
  readonly #failed: (error: unknown) => void;
  #handlers: LinkHandlers | undefined;
  #isClosed = false;
  /** Its listener has heard of its end, which is the last that it hears. */
  #isOver = false;
  #inbox: Due[] = [];
  #isScheduled = false;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  get waitingBytes(): number {
    return 0;
  }

  get isGivenUp(): boolean {
    return this.#isClosed;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    this.#schedule();
  }

  send(text: string): void {
    if (this.#isClosed) return;
    this.peer?.deliver(text);
  }

  sendToken(token: Token): void {
    this.send(tokenText(token));
  }

  /** Nothing waits here, so nothing is dropped. */
  sendPartial(text: string): void {
    this.send(text);
  }

  sendBinary(data: Uint8Array): void {
    if (this.#isClosed) return;
    // As over a socket: what the sender does with its bytes afterwards is its own business.
    const copy = data.slice();
    this.peer?.deliver(copy);
  }

  close(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.peer?.hangUp(code);
    this.deliver((handlers) => this.#end(handlers, code));
  }

  terminate(): void {
    this.close(1006);
  }

  /** The other end has closed: what it sent before still arrives first. */
  hangUp(code: number): void {
    this.deliver((handlers) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      this.#end(handlers, code);
    });
  }

  /** A frame of the other end's. Closed here, it is not read any more. */
  #receive(handlers: LinkHandlers, frame: string | Uint8Array): void {
    if (this.#isOver) return;
    if (this.#isClosed) handlers.unread?.();
    else if (typeof frame === 'string') handlers.text(frame, Buffer.byteLength(frame));
    else handlers.binary(frame);
  }

  #end(handlers: LinkHandlers, code: number): void {
    this.#isOver = true;
    handlers.closed(code);
  }

  deliver(due: Due): void {
    this.#inbox.push(due);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#handlers || this.#inbox.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const due = this.#inbox;
      this.#inbox = [];
      for (const next of due) {
        const handlers = this.#handlers as LinkHandlers;
        try {
          if (typeof next === 'function') next(handlers);
          else this.#receive(handlers, next);
        } catch (error) {
          // A listener that throws has broken its own end, and nobody else's.
          this.#failed(error);
          this.terminate();
        }
      }
      this.#schedule();
    });
  }
}
