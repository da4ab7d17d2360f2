import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../../soak/load/random.ts';
import { own } from '../e2e/support/cleanup.ts';

interface Wire {
  readonly target: number;
  readonly near: Socket;
  readonly far: Socket;
}

/**
 * What stands in front of several servers, as a load balancer does: each connection goes to any of them. Its wires are cut,
 * stalled and left half open. It is gone after the test.
 */
export class Front {
  readonly port: number;
  /** Ports of those that take whoever comes from now on; of none, everybody is cut off. */
  targets: readonly number[];
  readonly #random: Random;
  readonly #wires = new Set<Wire>();
  /** Ends at a server whose client is gone, and has not said so. */
  readonly #left = new Set<Socket>();
  #isStalled = false;

  private constructor(server: Server, targets: readonly number[], random: Random) {
    this.port = (server.address() as AddressInfo).port;
    this.targets = targets;
    this.#random = random;
    server.on('connection', (near) => this.#carry(near));
    own(() => {
      server.close();
      this.flow();
      this.cut();
    });
  }

  static async of(targets: readonly number[], random: Random): Promise<Front> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Front(server, targets, random);
  }

  /** Cuts all wires; those to one server, where that is said. Both ends know. */
  cut(target?: number): void {
    for (const { near, far } of this.#to(target)) {
      near.destroy();
      far.destroy();
    }
  }

  /** Cuts them for whoever has come by them; the server hears nothing more, and does not know why, until {@link flow}. */
  leave(target?: number): void {
    for (const wire of this.#to(target)) {
      const { near, far } = wire;
      this.#wires.delete(wire);
      this.#left.add(far);
      far.unpipe(near);
      far.resume();
      near.unpipe(far);
      near.destroy();
    }
  }

  /** Nothing goes either way, of what is there and of what comes. */
  stall(): void {
    this.#isStalled = true;
    for (const { near, far } of this.#wires) stop(near, far);
  }

  /** Everything goes again. */
  flow(): void {
    // Joined twice, everything would come twice.
    if (this.#isStalled) for (const { near, far } of this.#wires) join(near, far);
    this.#isStalled = false;
    for (const far of this.#left) far.destroy();
    this.#left.clear();
  }

  #to(target: number | undefined): Wire[] {
    return [...this.#wires].filter((wire) => target === undefined || wire.target === target);
  }

  #carry(near: Socket): void {
    near.on('error', () => {});
    if (this.targets.length === 0) {
      near.destroy();
      return;
    }
    const target = this.#random.pick(this.targets);
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const wire = { target, near, far };
    this.#wires.add(wire);
    far.on('error', () => {});
    near.on('close', () => {
      if (this.#wires.delete(wire)) far.destroy();
    });
    far.on('close', () => {
      this.#left.delete(far);
      this.#wires.delete(wire);
      near.destroy();
    });
    if (this.#isStalled) stop(near, far);
    else join(near, far);
  }
}

function join(near: Socket, far: Socket): void {
  near.pipe(far);
  far.pipe(near);
}

function stop(near: Socket, far: Socket): void {
  near.unpipe(far).pause();
  far.unpipe(near).pause();
}
