import type { Carrier } from './carrier.ts';
import { type LinkClock, systemLinkClock } from './clock.ts';
import { FrameKind, readHead } from './frame.ts';
import { type Heartbeat, heartbeatFrame, readHeartbeat } from './heartbeat.ts';
import { HEARTBEAT_MS, MAX_MEMBERS, type Member, type MemberHandlers, Members } from './members.ts';
import { PeerLink, type PeerLinkHandlers } from './peer-link.ts';

/** What is said to a peer is gathered for so long since the last message to it. Milliseconds. */
export const DEFAULT_FLUSH_MS = 2;
/** Of one entry: a message of the daemon's default size, twice, for what is added to it. */
export const DEFAULT_MAX_ENTRY_BYTES = 32 * 1024 * 1024;

/** What {@link Peers} are made of. */
export interface PeersOptions {
  /** This broker: its name, unlike any other's, and the id of its life. */
  readonly self: { readonly id: string; readonly epoch: string };
  readonly carrier: Carrier;
  readonly clock?: LinkClock;
  /** Default: {@link DEFAULT_FLUSH_MS}. */
  readonly flushMs?: number;
  /** Default: {@link DEFAULT_MAX_ENTRY_BYTES}. */
  readonly maxEntryBytes?: number;
  /** What this broker's heartbeat tells besides. Asked twice a second; never throws. */
  readonly vitals: () => Pick<Heartbeat, 'urls' | 'load' | 'turns'>;
  /** Who listens to the link with a peer. Called once for each; never throws. */
  readonly listen: (link: PeerLink) => PeerLinkHandlers;
  /** Who hears of other brokers. */
  readonly members: MemberHandlers;
  /** Hears what a listener has thrown. Never throws. */
  readonly failed: (error: unknown) => void;
}

/** The other brokers: who is there, and a link with each that can be reached. */
export class Peers {
  readonly members: Members;
  readonly #options: PeersOptions;
  readonly #clock: LinkClock;
  readonly #links = new Map<string, PeerLink>();
  #ignored = 0;
  #timer: unknown;
  #isClosed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemLinkClock;
    const { members } = options;
    this.members = new Members(this.#clock, {
      joined: (member) => this.#attempt(() => members.joined(member)),
      suspected: (member) => this.#attempt(() => members.suspected(member)),
      recovered: (member) => this.#attempt(() => members.recovered(member)),
      died: (member) => {
        this.#links.get(member.id)?.lose('dead');
        this.#forget();
        this.#attempt(() => members.died(member));
      },
      forgotten: (member) => {
        this.#forget();
        this.#attempt(() => members.forgotten(member));
      },
    });
  }

  /** Frames that were none, or came from somebody else than they say. */
  get ignoredFrames(): number {
    return this.#ignored;
  }

  /** @throws what keeps the carrier from opening */
  async open(): Promise<void> {
    await this.#options.carrier.open({
      frame: (frame, peer) => this.#take(frame, peer),
      reachable: (peer) => this.#linkOf(peer)?.reachable(),
      unreachable: (peer) => this.#links.get(peer)?.unreachable(),
      writable: (peer) => this.#links.get(peer)?.writable(),
    });
    this.#beat(this.#clock.now());
  }

  /** The link with a peer that was within reach at least once. It may not be open. */
  link(peer: string): PeerLink | undefined {
    return this.#links.get(peer);
  }

  /** Says goodbye to all. What was written is sent as far as it can be at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await this.#options.carrier.close();
  }

  #beat(due: number): void {
    if (this.#isClosed) return;
    const { self, vitals, carrier } = this.#options;
    this.members.judge(due, carrier.isConnected);
    this.#attempt(() => carrier.announce(heartbeatFrame({ ...self, ...vitals() })));
    const next = this.#clock.now() + HEARTBEAT_MS;
    this.#timer = this.#clock.setTimeout(() => this.#beat(next), HEARTBEAT_MS);
  }

  #take(frame: Buffer, peer: string | undefined): void {
    const head = readHead(frame);
    if (!head || head.from === this.#options.self.id || (peer !== undefined && peer !== head.from)) {
      // What this broker has announced comes back to it where all hear the same subject.
      if (head?.from !== this.#options.self.id) this.#ignored += 1;
      return;
    }
    if (head.kind !== FrameKind.heartbeat) {
      this.members.seen(head.from);
      this.#linkOf(head.from)?.take(head, frame);
      return;
    }
    const beat = readHeartbeat(frame.subarray(head.bodyAt), head.from);
    if (beat) this.members.heard(beat);
    else this.#ignored += 1;
  }

  #linkOf(peer: string): PeerLink | undefined {
    const known = this.#links.get(peer);
    if (known || this.#isClosed || this.#links.size >= MAX_MEMBERS) return known;
    const {
      self,
      carrier,
      flushMs = DEFAULT_FLUSH_MS,
      maxEntryBytes = DEFAULT_MAX_ENTRY_BYTES,
      failed,
    } = this.#options;
    const clock = this.#clock;
    const link = new PeerLink({ self, peer, carrier, clock, flushMs, maxEntryBytes, failed }, this.#options.listen);
    this.#links.set(peer, link);
    return link;
  }

  /** Lets go of the links with whoever is dead and out of reach, so that there is room for others. */
  #forget(): void {
    for (const [peer, link] of this.#links) {
      const status: Member['status'] | undefined = this.members.get(peer)?.status;
      if (link.isOpen || status === 'alive' || status === 'suspect' || this.#options.carrier.reaches(peer)) continue;
      link.close();
      this.#links.delete(peer);
    }
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#options.failed(error);
    }
  }
}
