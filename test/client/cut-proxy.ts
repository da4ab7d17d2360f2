import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy between a client and a broker, whose wires a test cuts. It is gone after the test. */
export class CutProxy {
  readonly url: string;
  #target: number;
  readonly #sockets = new Set<Socket>();
  #isOpen = true;
  /** Stops what comes from the broker, of each WebSocket, and lets it flow again. */
  readonly #holds = new Set<{ hold(): void; letGo(): void }>();
  #connected: (() => void)[] = [];
  #refused: (() => void)[] = [];

  private constructor(server: Server, target: number) {
    this.#target = target;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#pipe(socket));
  }

  /** @param url of the broker behind it. */
  static async to(url: string): Promise<CutProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new CutProxy(server, portOf(url));
    onTestFinished(() => {
      proxy.close();
      server.close();
    });
    return proxy;
  }

  /** Cuts every wire, without a word to either side. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts every wire, and lets nobody through until {@link open}. */
  close(): void {
    this.#isOpen = false;
    this.cut();
  }

  /** Lets everybody through again. @param url another broker, which is there now instead. */
  open(url?: string): void {
    if (url !== undefined) this.#target = portOf(url);
    this.#isOpen = true;
  }

  /** From now on the clients of the WebSockets that are open hear nothing more; what they say arrives. */
  hold(): void {
    for (const { hold } of this.#holds) hold();
  }

  /** They hear what was held back, and whatever comes. */
  letGo(): void {
    for (const { letGo } of this.#holds) letGo();
  }

  /** The next client that is let through. */
  connected(): Promise<void> {
    return new Promise((resolve) => this.#connected.push(resolve));
  }

  /** The next client that is not. */
  refused(): Promise<void> {
    return new Promise((resolve) => this.#refused.push(resolve));
  }

  #pipe(client: Socket): void {
    if (!this.#isOpen) {
      client.destroy();
      for (const resolve of this.#refused.splice(0)) resolve();
      return;
    }
    const broker = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.once('data', (head) => {
      if (!/^upgrade: websocket/im.test(head.toString('latin1'))) return;
      const valve = { hold: () => void broker.unpipe(client).pause(), letGo: () => void broker.pipe(client) };
      this.#holds.add(valve);
      client.once('close', () => this.#holds.delete(valve));
    });
    for (const resolve of this.#connected.splice(0)) resolve();
  }
}

const portOf = (url: string) => Number(new URL(url).port);
