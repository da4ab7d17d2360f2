import { writeJson } from '../../protocol/write-json.ts';
import { settled } from '../kernel/audience.ts';
import type { ToldEvent } from '../kernel/event-log.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { createEventId } from '../kernel/unique-ids.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

/** A broker for which more than this waits is told that it has missed events. Bytes. */
const MOST_WAITING_BYTES = 2 * 1024 * 1024;
/** What is said to a broker has left by then, and waits for its acknowledgement. Milliseconds. */
const GATHERED_MS = 100;
/** So many tenants are told that they may have missed something. */
const MOST_TENANTS = 1_000;
/** So many brokers that were dead for long are remembered: one that was cut off and is back is told that it has missed something. */
const MOST_GONE = 256;

/**
 * The events of all brokers in the log of each: each tells the others its own, in order, and numbers all of them for its own
 * readers. What a broker could not be told, because the link was lost or too much waited for it, it is told to have missed.
 */
export class EventShare implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** Tenants of which another broker was not told something, by its name. */
  readonly #missed = new Map<string, Set<string>>();
  /** Tenants of which something was said to another broker, by its name, since it had all that was: it may be lost with the link. */
  readonly #underway = new Map<string, Set<string>>();
  /** When that was said last, by the broker's name. In the clock's milliseconds. */
  readonly #saidAt = new Map<string, number>();
  /** With which brokers there has been a link. */
  readonly #known = new Set<string>();
  /** Those of them that are forgotten elsewhere, the first of them first; and the tenants of which any of these was not told something. */
  readonly #gone = new Set<string>();
  readonly #missedByGone = new Set<string>();
  /** How many events of others were told so far that change what a snapshot shows. */
  #changes = 0;

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    kernel.events.told = (event) => this.#tell(event);
  }

  /** See {@link #changes}. */
  get changes(): number {
    return this.#changes;
  }

  opened(peer: PeerStreams): void {
    this.#known.add(peer.name);
    if (this.#gone.delete(peer.name)) for (const tenant of this.#missedByGone) note(this.#missed, peer.name, tenant);
    if (this.#gone.size === 0) this.#missedByGone.clear();
    this.#tellMissed(peer);
  }

  lost({ name }: PeerStreams): void {
    for (const tenant of this.#underway.get(name) ?? []) note(this.#missed, name, tenant);
    this.#underway.delete(name);
  }

  /** What each of them has missed is kept for all of them as one. */
  forgotten(broker: string): void {
    this.#saidAt.delete(broker);
    if (!this.#known.delete(broker)) return;
    this.#gone.add(broker);
    for (const tenant of this.#missed.get(broker) ?? []) this.#noteGone(tenant);
    this.#missed.delete(broker);
    const [oldest] = this.#gone;
    if (this.#gone.size > MOST_GONE && oldest !== undefined) this.#gone.delete(oldest);
  }

  #noteGone(tenant: string): void {
    if (this.#missedByGone.size < MOST_TENANTS) this.#missedByGone.add(tenant);
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    if (kind === 'event') this.#add((body as { told: ToldEvent }).told);
    else if (kind === 'events.missed')
      for (const tenant of (body as { tenants: string[] }).tenants) this.#note(peer, tenant);
  }

  #add(told: ToldEvent): void {
    this.#kernel.events.add(told);
    const { kind } = told.event;
    if (kind.startsWith('approval.') || kind.startsWith('agent.')) this.#changes += 1;
  }

  /** For this broker's readers alone: every broker that has missed some says so itself. */
  #note({ name }: PeerStreams, tenant: string): void {
    this.#changes += 1;
    this.#kernel.events.add({
      id: createEventId(),
      tenant,
      bytes: 0,
      views: undefined,
      audience: { is: 'tenant', tenant },
      event: {
        timestamp: new Date().toISOString(),
        kind: 'cluster.events_missed',
        message: `events of broker ${name} may be missing here`,
        payload: { broker: name },
      },
    });
  }

  #tell({ views, ...rest }: ToldEvent): void {
    let text: string | undefined;
    if (this.#gone.size > 0) this.#noteGone(rest.tenant);
    for (const streams of this.#cluster.streams) {
      if (!streams.isOpen || streams.link.waitingBytes > MOST_WAITING_BYTES) {
        if (this.#known.has(streams.name)) note(this.#missed, streams.name, rest.tenant);
        continue;
      }
      this.#tellMissed(streams);
      this.#sent(streams, rest.tenant);
      text ??= writeJson({ kind: 'event', told: { ...rest, views: views && settled(views) } });
      streams.tell(text, true);
    }
  }

  #sent({ name, link }: PeerStreams, tenant: string): void {
    const now = this.#kernel.clock.now();
    const isGathered = now - (this.#saidAt.get(name) ?? now) < GATHERED_MS;
    if (link.waitingBytes === 0 && !isGathered) this.#underway.delete(name);
    this.#saidAt.set(name, now);
    note(this.#underway, name, tenant);
  }

  #tellMissed(peer: PeerStreams): void {
    const tenants = this.#missed.get(peer.name);
    if (!tenants) return;
    this.#missed.delete(peer.name);
    for (const tenant of tenants) this.#sent(peer, tenant);
    peer.tell(writeJson({ kind: 'events.missed', tenants: [...tenants] }), true);
  }
}

function note(tenants: Map<string, Set<string>>, broker: string, tenant: string): void {
  const its = tenants.get(broker) ?? new Set();
  tenants.set(broker, its);
  if (its.size < MOST_TENANTS) its.add(tenant);
}
