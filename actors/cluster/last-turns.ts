import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { endInPlace } from './extension.ts';
import { mayBeResumed } from './extension-record.ts';
import { extensionsOf, hostedTurns } from './extensions.ts';

/** How long the end waits for what other brokers still say of turns: within what it waits for answers. Milliseconds. */
const SETTLE_MS = 800;

/**
 * Turns at other brokers whose hosts are connections of this one, when their time is over: each host hears how its turn has
 * ended before it is closed. Who has the turn says it, where that stops, too; else this broker does.
 */
export class LastTurns {
  readonly #kernel: Kernel;
  #settled: (() => void) | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** What the end waits for. */
  settle(): readonly Promise<void>[] {
    const { clients, deadlines } = this.#kernel;
    if (hostedTurns(clients.values()) === 0) return [];
    const settled = new Promise<void>((resolve) => {
      const deadline = deadlines.arm(SETTLE_MS, () => {
        this.#settled = undefined;
        for (const client of clients.values()) this.#endAll(client);
        resolve();
      });
      this.#settled = () => {
        deadlines.disarm(deadline);
        resolve();
      };
    });
    return [settled];
  }

  /** One of them has ended, and its host was told. */
  ended(): void {
    if (!this.#settled || hostedTurns(this.#kernel.clients.values()) > 0) return;
    this.#settled();
    this.#settled = undefined;
  }

  /** Those that can be resumed go on where they are. */
  #endAll(client: Client): void {
    for (const [, { turns }] of extensionsOf(client))
      for (const [id, turn] of turns) {
        if (turn.role !== 'controller' || mayBeResumed(turn)) continue;
        turns.delete(id);
        const why = { error: 'the broker is stopping', code: 'draining' } as const;
        endInPlace(this.#kernel, this.#kernel.ref, client, turn, why);
      }
  }
}
