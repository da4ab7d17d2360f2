import type { FeedRecord } from '../../protocol/inspect.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import {
  type FeedWatcher,
  HEAD_BYTES,
  MAX_UNSENT_BYTES,
  type Numbered,
  type OtherFeeds,
  OWN_FEED,
} from '../shown/feeds.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

/** A broker is asked for all of its actors no more often than this, whoever asks. Milliseconds. */
const ASKED_EVERY_MS = 250;
/** So long one is waited for before another is asked. Milliseconds. */
const ANSWERED_MS = 10_000;
/** What a record's ids get longer by, in bytes, roughly. */
const MARK_BYTES = 64;

/** What watchers of this broker know of another one's actors. */
interface Heard {
  /** They are to be told of all of them. */
  readonly wanting: Set<FeedWatcher>;
  /** They are being told. */
  readonly receiving: Set<FeedWatcher>;
  /** They hear what becomes of them. */
  readonly knowing: Set<FeedWatcher>;
  /** When it was asked for all of them, by the broker's clock. */
  askedAt: number;
}

/**
 * The statecharts of all brokers for who watches at one. While somebody does, each other broker has that one as a watcher of its
 * own: what it tells goes over the link once, and waits there, or is dropped, as it does for a connection. Of all actors as
 * they stand one broker tells at a time.
 */
export class InspectShare implements PeerTalk, OtherFeeds {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** Brokers that watch here. */
  readonly #readers = new Map<PeerStreams, FeedWatcher>();
  readonly #watching = new Set<FeedWatcher>();
  readonly #heard = new Map<PeerStreams, Heard>();
  /** Who tells all that it has. */
  #asked: PeerStreams | undefined;
  #deadline: Deadline | undefined;

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  follow(watcher: FeedWatcher): readonly string[] {
    this.#watching.add(watcher);
    const names = [];
    for (const peer of this.#cluster.openStreams()) {
      this.#want(peer, watcher);
      names.push(peer.name);
    }
    this.#askNext();
    return names;
  }

  leave(watcher: FeedWatcher): void {
    this.#watching.delete(watcher);
    for (const heard of this.#heard.values()) forget(heard, watcher);
    if (this.#watching.size > 0) return;
    for (const peer of this.#heard.keys()) peer.tell(writeJson({ kind: 'inspect.leave' }));
    this.#heard.clear();
    this.#settled();
  }

  opened(peer: PeerStreams): void {
    for (const watcher of this.#watching) this.#want(peer, watcher);
    this.#askNext();
  }

  lost(peer: PeerStreams): void {
    this.#unwatch(peer);
    this.#lose(peer);
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    switch (kind) {
      case 'inspect.watch':
        this.#watch(peer);
        return;
      case 'inspect.leave':
        this.#unwatch(peer);
        return;
      case 'inspect.off':
        this.#lose(peer);
        return;
      case 'inspect.records':
        for (const sized of (body as { records: Numbered[] }).records) this.#hear(peer, sized);
    }
  }

  /** Another broker has somebody who watches, and is to know of every actor here as it stands. */
  #watch(peer: PeerStreams): void {
    const feed = this.#kernel.peek(OWN_FEED);
    if (!feed) {
      peer.tell(writeJson({ kind: 'inspect.off' }));
      return;
    }
    const watcher =
      this.#readers.get(peer) ??
      feed.open({
        get isReady() {
          return peer.isOpen && peer.link.waitingBytes < MAX_UNSENT_BYTES;
        },
        send: (records) => void peer.tell(writeJson({ kind: 'inspect.records', records })),
      });
    this.#readers.set(peer, watcher);
    feed.tellWhole(watcher);
  }

  #unwatch(peer: PeerStreams): void {
    const watcher = this.#readers.get(peer);
    if (!watcher) return;
    this.#readers.delete(peer);
    this.#kernel.get(OWN_FEED).close(watcher);
  }

  #want(peer: PeerStreams, watcher: FeedWatcher): void {
    const heard = this.#heard.get(peer) ?? newHeard();
    this.#heard.set(peer, heard);
    forget(heard, watcher);
    heard.wanting.add(watcher);
  }

  /** Nothing is heard of a broker any more. Who watches is told. */
  #lose(peer: PeerStreams): void {
    const heard = this.#heard.get(peer);
    if (!heard) return;
    this.#heard.delete(peer);
    const at = Math.round(this.#kernel.wall.now());
    const record = { at, type: 'broker' as const, broker: peer.name, seen: 'lost' as const };
    const feed = this.#kernel.peek(OWN_FEED);
    for (const watchers of [heard.wanting, heard.receiving, heard.knowing])
      for (const watcher of watchers) feed?.push(watcher, { record, bytes: HEAD_BYTES });
    if (this.#asked === peer) this.#settled();
  }

  /** One tells all that it has after the other: so no more waits for a watcher than it can be sent. */
  #askNext(): void {
    if (this.#asked) return;
    const now = this.#kernel.clock.now();
    let isEarly = false;
    for (const [peer, heard] of this.#heard) {
      if (heard.wanting.size === 0) continue;
      if (now - heard.askedAt < ASKED_EVERY_MS) {
        isEarly = true;
        continue;
      }
      heard.askedAt = now;
      this.#asked = peer;
      this.#arm(ANSWERED_MS);
      peer.tell(writeJson({ kind: 'inspect.watch' }));
      return;
    }
    if (isEarly) this.#arm(ASKED_EVERY_MS);
  }

  #arm(afterMs: number): void {
    const { deadlines } = this.#kernel;
    deadlines.disarm(this.#deadline);
    this.#deadline = deadlines.arm(afterMs, () => this.#settled());
  }

  #settled(): void {
    this.#kernel.deadlines.disarm(this.#deadline);
    this.#deadline = undefined;
    this.#asked = undefined;
    this.#askNext();
  }

  #hear(peer: PeerStreams, { record, bytes }: Numbered): void {
    const heard = this.#heard.get(peer);
    if (!heard) return;
    if (record.type === 'broker' && record.seen === 'begins') move(heard.wanting, heard.receiving);
    const feed = this.#kernel.get(OWN_FEED);
    const sized = { record: ofBroker(record, peer.name), bytes: bytes + MARK_BYTES };
    const isOfAll = heard.receiving.size > 0 && record.type !== 'dropped';
    for (const watcher of isOfAll ? heard.receiving : heard.knowing) feed.push(watcher, sized);
    if (!heard.receiving.size) return;
    // One that begins and is not whole has lost some on the way: they are told so, and ask again.
    if (record.type === 'dropped') for (const watcher of heard.receiving) feed.push(watcher, sized);
    else if (record.type !== 'broker' || record.seen !== 'whole') return;
    move(heard.receiving, heard.knowing);
    if (this.#asked === peer) this.#settled();
  }
}

const newHeard = (): Heard => ({
  wanting: new Set(),
  receiving: new Set(),
  knowing: new Set(),
  askedAt: Number.NEGATIVE_INFINITY,
});

function forget({ wanting, receiving, knowing }: Heard, watcher: FeedWatcher): void {
  for (const watchers of [wanting, receiving, knowing]) watchers.delete(watcher);
}

function move(from: Set<FeedWatcher>, to: Set<FeedWatcher>): void {
  for (const watcher of from) to.add(watcher);
  from.clear();
}

/** A record of another broker's: its ids are unlike those of any other broker's actors. */
function ofBroker(record: FeedRecord, broker: string): FeedRecord {
  const mark = <T extends string | null>(id: T): T => (id === null ? id : (`${broker}/${id}` as T));
  switch (record.type) {
    case 'started': {
      const { actor } = record;
      return { ...record, actor: { ...actor, id: mark(actor.id), parent: mark(actor.parent), broker } };
    }
    case 'event':
      return { ...record, actor: mark(record.actor), from: mark(record.from) };
    case 'transition':
    case 'ended':
      return { ...record, actor: mark(record.actor) };
    default:
      return record;
  }
}
