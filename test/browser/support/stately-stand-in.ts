import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Frame, Page } from 'playwright-core';
import { own } from '../../e2e/support/cleanup.ts';
import { eventually } from './eventually.ts';

/**
 * A page in place of Stately's inspector: it keeps what it is handed, and says that it is there when it is told to, as
 * `createBrowserReceiver()` of `@statelyai/inspect` does.
 */
const PAGE = `<!doctype html><title>stand-in</title><script>
  const heard = [];
  addEventListener('message', ({ data, origin }) => heard.push({ origin, data }));
  const connect = () => parent.postMessage({ type: '@statelyai.connected' }, '*');
</script>`;

/** An event as it was handed over, with the origin of who did. */
export interface Handed {
  origin: string;
  data: { type: string; [field: string]: unknown };
}

/** A web server with the stand-in on a port, so an origin, of its own. */
export class StandIn {
  readonly url: string;

  private constructor(url: string) {
    this.url = url;
  }

  static async start(): Promise<StandIn> {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    own(() => server.closeAllConnections());
    own(() => server.close());
    return new StandIn(`http://127.0.0.1:${(server.address() as AddressInfo).port}/inspect`);
  }

  /** The stand-in in its frame on a page, once it is loaded. */
  async frameIn(page: Page): Promise<StandInFrame> {
    await eventually(() => page.frames().some((frame) => frame.url() === this.url)).toBe(true);
    const frame = page.frames().find((one) => one.url() === this.url);
    if (!frame) throw new Error('the frame is gone');
    await frame.waitForLoadState();
    return new StandInFrame(frame);
  }
}

/** The stand-in, as a test plays it. */
export class StandInFrame {
  readonly #frame: Frame;

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** Says that it is ready. */
  connect(): Promise<unknown> {
    return this.#frame.evaluate('connect()');
  }

  /** Loads it again: it knows nothing any more. */
  async reload(): Promise<void> {
    await this.#frame.evaluate('heard.unshift("before"); location.reload()');
    await eventually(() => this.heard().then(([first]) => first)).not.toBe('before');
    await this.#frame.waitForLoadState();
  }

  /** Everything that it was handed. */
  heard(): Promise<Handed[]> {
    return this.#frame.evaluate('heard');
  }

  /** What it was handed of one type. */
  async heardOf(type: string): Promise<Handed['data'][]> {
    return (await this.heard()).map(({ data }) => data).filter((data) => data.type === type);
  }
}
