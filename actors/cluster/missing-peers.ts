import { isPeerName } from '../../link/frame.ts';
import { FORGET_MS, MAX_MEMBERS } from '../../link/members.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

const MISSING = 'brokers.missing';

/**
 * Brokers that others have heard of, and this one has not: it is new itself, and they are out of reach. What they may have is
 * not to be taken for gone. Each is remembered for a minute since that was told.
 */
export class MissingPeers implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Pick<Cluster, 'members' | 'id'>;
  /** Until when, in the clock's milliseconds. */
  readonly #until = new Map<string, number>();

  constructor(kernel: Kernel, cluster: Pick<Cluster, 'members' | 'id'>) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  /** @param isThere - whether a broker can be asked now */
  some(isThere: (name: string) => boolean): boolean {
    const now = this.#kernel.clock.now();
    for (const [name, until] of this.#until) {
      if (until <= now) this.#until.delete(name);
      else if (!isThere(name)) return true;
    }
    return false;
  }

  opened(peer: PeerStreams): void {
    const names: string[] = [];
    for (const { id, isOpen } of this.#cluster.members()) if (!isOpen && id !== peer.name) names.push(id);
    if (names.length > 0) peer.tell(writeJson({ kind: MISSING, names }));
  }

  told(_peer: PeerStreams, kind: string, body: unknown): void {
    if (kind !== MISSING) return;
    const until = this.#kernel.clock.now() + FORGET_MS;
    for (const name of (body as { names: string[] }).names.slice(0, MAX_MEMBERS)) {
      const hasRoom = this.#until.size < MAX_MEMBERS || this.#until.has(name);
      if (hasRoom && isPeerName(name) && name !== this.#cluster.id) this.#until.set(name, until);
    }
  }
}
