import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../load/random.ts';

/** A TCP proxy before the daemon, which cuts connections without a word to either side. */
export class Cutter {
  /** Where it listens: `ws://host:port`. */
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #clients = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (client) => this.#pipe(client));
  }

  /** @param url of the daemon; it may be gone for a while, and there again. */
  static async to(url: string): Promise<Cutter> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Cutter(server, Number(new URL(url).port));
  }

  /** Cuts one connection. @returns whether there was one */
  cutOne(random: Random): boolean {
    if (this.#clients.size === 0) return false;
    random.pick([...this.#clients]).destroy();
    return true;
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  #pipe(client: Socket): void {
    const daemon = connect(this.#port, '127.0.0.1');
    this.#clients.add(client);
    for (const [from, to] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        this.#clients.delete(client);
        to.destroy();
      });
    }
  }
}
