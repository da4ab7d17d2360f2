import type { Link, LinkHandlers } from '../../../broker.ts';
import { linkedPair } from '../../../transport/linked-pair.ts';
import { LinkedClient } from '../../support/linked.ts';

/** The broker's end of a linked pair, which can lag, be overrun and sent a binary frame: the pair itself never does. */
export class LaggingLink implements Link {
  readonly kind = 'memory';
  waitingBytes = 0;
  readonly #link: Link;
  #handlers: LinkHandlers | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    this.#link.open(handlers);
  }
  send(text: string): void {
    this.#link.send(text);
  }
  sendToken(token: Parameters<Link['sendToken']>[0]): void {
    this.#link.sendToken(token);
  }
  sendPartial(text: string): void {
    this.#link.sendPartial(text);
  }
  sendBinary(data: Uint8Array): void {
    this.#link.sendBinary(data);
  }
  close(code: number): void {
    this.#link.close(code, '');
  }
  terminate(): void {
    this.#link.terminate();
  }
  /** The client cannot keep up. */
  overrun(): void {
    this.#handlers?.overrun?.();
  }
  /** A binary frame of the client's. */
  binary(): void {
    this.#handlers?.binary(new Uint8Array(1));
  }
}

/** A client of a broker's, and the broker's end of its link. */
export function laggingPair(open: (link: Link) => void): { client: LinkedClient; link: LaggingLink } {
  const [near, far] = linkedPair();
  const link = new LaggingLink(far);
  open(link);
  return { client: new LinkedClient(near), link };
}
