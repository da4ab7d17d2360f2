import { isPeerName } from '../../link/frame.ts';
import { FORGET_MS, MAX_MEMBERS } from '../../link/members.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

const KNOWN = 'brokers.known';

/**
 * Brokers that others know, and with which this one has no link: it is new itself, say, and they are out of its reach. What they may
 * have is not to be taken for gone. Each is remembered for a minute since another one has named it.
 */
export class MissingPeers implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Pick<Cluster, 'members' | 'id' | 'peer'>;
  /** Until when, in the clock's milliseconds. */
  readonly #until = new Map<string, number>();

  constructor(kernel: Kernel, cluster: Pick<Cluster, 'members' | 'id' | 'peer'>) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  /** Whether there is one. */
  some(): boolean {
    const now = this.#kernel.clock.now();
    for (const [name, until] of this.#until) {
      if (until <= now) this.#until.delete(name);
      else if (!this.#cluster.peer(name)?.isOpen) return true;
    }
    return false;
  }

  opened(peer: PeerStreams): void {
    // Those, too, with which there is a link: it may be a moment until that is known to be dead.
    const names = [...this.#cluster.members()].map(({ id }) => id).filter((id) => id !== peer.name);
    if (names.length > 0) peer.tell(writeJson({ kind: KNOWN, names }));
  }

  told(_peer: PeerStreams, kind: string, body: unknown): void {
    if (kind !== KNOWN) return;
    const until = this.#kernel.clock.now() + FORGET_MS;
    for (const name of (body as { names: string[] }).names.slice(0, MAX_MEMBERS)) {
      const hasRoom = this.#until.size < MAX_MEMBERS || this.#until.has(name);
      if (hasRoom && isPeerName(name) && name !== this.#cluster.id) this.#until.set(name, until);
    }
  }
}
