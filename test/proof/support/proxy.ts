import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { own } from '../../e2e/support/cleanup.ts';
import { HostileLane, type Manners } from './proxy-lane.ts';
import type { Random } from './random.ts';

/** How long the side that is not told of a cut goes on believing in its connection, at most. Milliseconds. */
const UNAWARE_MS = 800;

/** What a {@link HostileProxy} does to those who go through it. */
export interface Hostility extends Manners {
  /** Bytes that a connection carries between two cuts, on average. Undefined: it is never cut. */
  bytesPerCut?: number;
  /** Cuts in all, so that whatever goes through it can end. */
  cuts?: number;
}

/**
 * A TCP proxy in front of the daemon that behaves as the worst of networks: it holds bytes back, lets them through one by
 * one, and cuts connections anywhere, in the middle of a frame too, so that both sides, or one long before the other,
 * hear of it. Bytes that had not left it are lost with the connection. It is gone after the test.
 */
export class HostileProxy {
  readonly url: string;
  /** Connections cut so far. */
  cuts = 0;
  /** Connections made so far. */
  connections = 0;
  #hostility: Hostility | undefined;
  readonly #target: number;
  readonly #random: Random;
  readonly #live = new Set<() => void>();

  private constructor(server: Server, target: number, random: Random) {
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#target = target;
    this.#random = random;
    server.on('connection', (socket) => this.#carry(socket));
    own(() => {
      server.close();
      for (const drop of [...this.#live]) drop();
    });
  }

  /** @param url of the daemon behind it. @param random decides what happens to whom. */
  static async to(url: string, random: Random): Promise<HostileProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HostileProxy(server, Number(new URL(url).port), random);
  }

  /** From now on it does its worst, to connections that are there already too. */
  rage(hostility: Hostility): void {
    this.#hostility = hostility;
  }

  /** From now on it is a plain wire. */
  calm(): void {
    this.#hostility = undefined;
  }

  /** Cuts every connection now. */
  cutAll(): void {
    for (const drop of [...this.#live]) drop();
  }

  #carry(client: Socket): void {
    const random = this.#random.fork(this.connections);
    this.connections += 1;
    const daemon = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const drop = () => {
      this.#live.delete(drop);
      // A reset, which takes back even what the kernel has: what is on its way in a real network is lost as well.
      client.resetAndDestroy();
      daemon.resetAndDestroy();
    };
    this.#live.add(drop);

    let credit: number | undefined;
    const passed = (bytes: number) => {
      const { bytesPerCut, cuts = Number.POSITIVE_INFINITY } = this.#hostility ?? {};
      if (bytesPerCut === undefined || this.cuts >= cuts || !this.#live.has(drop)) return;
      // An exponential distribution: a cut is as likely in the handshake as anywhere else.
      credit ??= -Math.log(1 - random.next()) * bytesPerCut;
      credit -= bytes;
      if (credit > 0) return;
      this.cuts += 1;
      this.#live.delete(drop);
      for (const lane of lanes) lane.stop();
      void cut(client, daemon, random);
    };
    const manners = () => this.#hostility;
    const lanes = [
      new HostileLane(client, daemon, random.fork(1), manners, passed),
      new HostileLane(daemon, client, random.fork(2), manners, passed),
    ];
    for (const socket of [client, daemon]) {
      socket.on('error', () => {});
      socket.on('close', () => this.#live.delete(drop));
    }
  }
}

/** Ends a connection for both sides, or for one some time before the other; by a reset, or as if it were a close. */
async function cut(client: Socket, daemon: Socket, random: Random): Promise<void> {
  const end = (socket: Socket) => (random.chance(0.5) ? socket.resetAndDestroy() : socket.destroy());
  const [first, second] = random.chance(0.5) ? [client, daemon] : [daemon, client];
  end(first);
  if (random.chance(0.5)) await delay(random.int(UNAWARE_MS), undefined, { ref: false });
  end(second);
}
