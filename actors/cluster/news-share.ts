import { writeJson } from '../../protocol/write-json.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

/** A broker for which more than this waits is told the rest later. Bytes. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** How long until it is looked at again. Milliseconds. */
const AGAIN_MS = 100;

/** What families of all brokers tell each other: what changes at once, and all of it where there is a new link. */
export class NewsShare implements PeerTalk {
  readonly #kernel: Kernel;
  /** What is still to be told to whom, and when. */
  readonly #due = new Map<PeerStreams, { rest: Iterator<readonly [kind: string, body: object]>; again?: Deadline }>();

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    kernel.peers.tell = (kind, body) => {
      const text = writeJson({ kind, ...body });
      for (const peer of cluster.openStreams())
        if (peer.link.waitingBytes <= MOST_WAITING_BYTES) peer.tell(text);
        // Then all of it, when there is room.
        else this.opened(peer);
    };
  }

  opened(peer: PeerStreams): void {
    this.lost(peer);
    this.#due.set(peer, { rest: this.#kernel.peers.known() });
    this.#tellMore(peer);
  }

  lost(peer: PeerStreams): void {
    this.#kernel.deadlines.disarm(this.#due.get(peer)?.again);
    this.#due.delete(peer);
  }

  told(_peer: PeerStreams, kind: string, body: unknown): void {
    this.#kernel.peers.heard(kind, body);
  }

  #tellMore(peer: PeerStreams): void {
    const due = this.#due.get(peer);
    if (!due) return;
    while (peer.link.waitingBytes <= MOST_WAITING_BYTES) {
      const { done, value } = due.rest.next();
      if (done) {
        this.#due.delete(peer);
        return;
      }
      const [kind, body] = value;
      peer.tell(writeJson({ kind, ...body }));
    }
    due.again = this.#kernel.deadlines.arm(AGAIN_MS, () => this.#tellMore(peer));
  }
}
