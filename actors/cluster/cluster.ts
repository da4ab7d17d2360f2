import type { ClusterOptions } from '../../cluster/cluster-options.ts';
import type { Place } from '../../cluster/directory.ts';
import { DEAD_MS } from '../../link/members.ts';
import { DEFAULT_MAX_ENTRY_BYTES, Peers } from '../../link/peers.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import { agentsOf } from '../connection/held-key.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import { CpuLoad } from '../kernel/cpu-load.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { TURNS } from '../turns/turns.ts';
import { AgentPlaces } from './agent-places.ts';
import { extensionKind, giveUp } from './extension.ts';
import { Extension, type HostedTurn } from './extension-record.ts';
import { extensionsOf } from './extensions.ts';
import { type GuestOpening, openingOf, readIdentity } from './guest-identity.ts';
import type { GuestLink } from './guest-link.ts';
import { LastTurns } from './last-turns.ts';
import { linkClockOf } from './link-clock.ts';
import { MissingPeers } from './missing-peers.ts';
import { PeerStreams } from './peer-streams.ts';
import { StreamBook } from './stream-book.ts';

/** This broker among others, where it is one of several. */
export const CLUSTER = key<Cluster>('the cluster');

/** What brokers ask of each other, and tell; each by the room that it belongs to. */
export interface PeerTalk {
  told?(peer: PeerStreams, kind: string, body: unknown): void;
  asked?(peer: PeerStreams, method: string, body: string): Promise<string> | undefined;
  opened?(peer: PeerStreams): void;
  lost?(peer: PeerStreams): void;
  placed?(agentKey: string, place: Place): void;
  /** It is attached nowhere any more. */
  gone?(agentKey: string): void;
  /** That broker was dead for so long that nothing is known of it any more. */
  forgotten?(broker: string): void;
  /** What all are to know under a name has changed. */
  registered?(name: string, record: string | undefined): void;
  /** What all know together is known here. @throws what keeps this broker from being one of them */
  joined?(): void;
}

/** One broker's part in a cluster: the others, where agents are, and what connections have elsewhere. */
export class Cluster {
  readonly id: string;
  readonly home: string | undefined;
  /** Of what build this broker is. */
  readonly version: string;
  readonly #kernel: Kernel;
  readonly #options: ClusterOptions;
  readonly #peers: Peers;
  /** The ways to the others. */
  readonly streams = new StreamBook();
  readonly #missing: MissingPeers;
  readonly #talks: PeerTalk[] = [];
  readonly #kind: ChildKind<Extension>;
  readonly #load = new CpuLoad();
  /** Lives of others that were told of, by their names. */
  readonly #epochs = new Map<string, string>();
  /** Guests whose broker has told anew who they are. */
  readonly #guests = new WeakMap<GuestLink, Client>();
  readonly places: AgentPlaces;
  /** Those that are to be there, and were not yet. */
  readonly #awaited: Set<string>;
  /** What a stop waits for beyond its time. */
  readonly lastTurns: LastTurns;
  #opening: Promise<void> | undefined;
  /** When it could be found by the others, in the clock's milliseconds. */
  #openedAt = Number.POSITIVE_INFINITY;

  constructor(kernel: Kernel, options: ClusterOptions) {
    this.#kernel = kernel;
    this.lastTurns = new LastTurns(kernel);
    this.#options = options;
    this.id = options.id;
    this.home = options.home;
    this.version = options.version ?? kernel.version;
    this.#missing = new MissingPeers(kernel, this);
    this.add(this.#missing);
    this.#awaited = new Set(options.peers);
    this.places = new AgentPlaces({ id: options.id, epoch: kernel.epoch }, options.directory, {
      placed: (agent, place) => this.#each('where an agent is', (talk) => talk.placed?.(agent, place)),
      gone: (agent) => this.#each('an agent that is gone', (talk) => talk.gone?.(agent)),
    });
    this.#kind = extensionKind(kernel, {
      open: (extension) => this.streams.get(extension.peer)?.enter(extension, this.#openingOf(extension)),
      over: (extension) => this.#over(extension),
      follow: (client, turn) => this.follow(client, turn),
      ended: () => this.#turnEnded(),
    });
    this.#peers = new Peers({
      self: { id: options.id, epoch: kernel.epoch },
      carrier: options.carrier,
      clock: linkClockOf(kernel),
      // In UTF-16, where half of a surrogate pair stands alone in it; and what brokers add.
      maxEntryBytes: Math.max(DEFAULT_MAX_ENTRY_BYTES, 2 * kernel.limits.maxMessageBytes) + 1024 * 1024,
      ...(options.flushMs === undefined ? {} : { flushMs: options.flushMs }),
      vitals: () => ({ urls: this.urls(), load: this.load(), turns: this.turnCount() }),
      listen: (link) => {
        const streams = new PeerStreams(kernel, link, {
          opened: (peer, epoch) => {
            this.#epochs.set(peer.name, epoch);
            if (this.#awaited.delete(peer.name) && this.isJoined) options.joined?.();
            this.#each('a new link', (talk) => talk.opened?.(peer));
          },
          lost: (peer) => {
            this.#each('a lost link', (talk) => talk.lost?.(peer));
          },
          told: (peer, body) => {
            const { kind, ...said } = parseJson(body) as { kind: string };
            this.#each(kind, (talk) => talk.told?.(peer, kind, said));
          },
          asked: async (peer, method, body) => {
            for (const talk of this.#talks) {
              const answer = talk.asked?.(peer, method, body);
              if (answer) return answer;
            }
            throw new Error(`a broker is asked for ${method}, and does not know that`);
          },
          seesAnew: (link, opening) => this.#seesAnew(link, opening),
        });
        this.streams.add(streams);
        return streams;
      },
      members: {
        joined: ({ id, epoch }) => {
          const before = this.#epochs.get(id);
          if (before !== undefined && before !== epoch) options.directory.buried(id, before);
          this.#epochs.set(id, epoch);
        },
        suspected: () => {},
        recovered: () => {},
        died: ({ id, epoch }) => options.directory.buried(id, epoch),
        forgotten: () => this.#forget(),
      },
      failed: (err) => kernel.log.error({ err }, 'what another broker has said could not be carried out'),
    });
  }

  /** Where people reach this broker, for others to tell. */
  urls(): string[] {
    return [...(this.#options.urls?.() ?? [])].slice(0, 8);
  }

  /** How much of one core this broker's process has used lately. */
  load(): number {
    return this.#load.read();
  }

  /** Whether there was a link with each broker that is to be there. */
  get isJoined(): boolean {
    return this.#awaited.size === 0;
  }

  /** How many live turns this broker tells others that it has. */
  turnCount: () => number = () => 0;

  /** Who looks for a turn that has lost its way to its host. */
  follow: (client: Client, turn: HostedTurn) => void = () => {};

  add(talk: PeerTalk): void {
    this.#talks.push(talk);
  }

  /** Joins the others. Resolves when it may be found by them. @throws what keeps it from that */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { directory } = this.#options;
    await directory.open(
      { id: this.id, epoch: this.#kernel.epoch },
      {
        attached: (agent, place) => this.places.attached(agent, place),
        detached: (agent, place) => this.places.detached(agent, place),
        lost: (agent, client) => this.places.lost(agent, client),
        registered: (name, record) => {
          this.#each('what is registered', (talk) => talk.registered?.(name, record));
        },
      },
    );
    await this.#kernel.get(TURNS).ended?.open();
    for (const talk of this.#talks) talk.joined?.();
    this.places.attachAll();
    await this.#peers.open();
    this.#openedAt = this.#kernel.clock.now();
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    for (const { lanes } of this.openStreams()) lanes.finish();
    await this.#peers.close();
    await this.#kernel.get(TURNS).ended?.close();
    await this.#options.directory.close();
  }

  get directory(): ClusterOptions['directory'] {
    return this.#options.directory;
  }

  /** Each room hears of it, whatever the one before makes of it. */
  #each(what: string, call: (talk: PeerTalk) => void): void {
    for (const talk of this.#talks) {
      try {
        call(talk);
      } catch (err) {
        this.#kernel.log.error(
          { err, what: what.slice(0, 64) },
          'what another broker has said could not be carried out',
        );
      }
    }
  }

  /** A broker of that name is another one, if there is ever one. */
  #forget(): void {
    const { members } = this.#peers;
    for (const name of new Set([...[...this.streams].map(({ name }) => name), ...this.#epochs.keys()])) {
      if (members.get(name) || this.#peers.link(name)) continue;
      this.streams.drop(name);
      this.#epochs.delete(name);
      this.#each('a broker that is forgotten', (talk) => talk.forgotten?.(name));
    }
  }

  /** Every other broker that is known, and how it stands. */
  *members() {
    for (const member of this.#peers.members) yield { ...member, isOpen: this.streams.get(member.id)?.isOpen === true };
  }

  /** Other brokers that can be asked now, by name. */
  openPeers(): string[] {
    return [...this.openStreams()].map(({ name }) => name);
  }

  /** The ways to those that can be reached. */
  *openStreams(): Generator<PeerStreams> {
    for (const streams of this.streams) if (streams.isOpen) yield streams;
  }

  peer(name: string): PeerStreams | undefined {
    return this.streams.get(name);
  }

  /** Tells every broker that can be reached. */
  tellAll(kind: string, body: object): void {
    const text = writeJson({ kind, ...body });
    for (const streams of this.streams) streams.tell(text);
  }

  /** Whether there is a broker that was there a moment ago, and may be there again. */
  awaitsPeer(): boolean {
    for (const { isOpen } of this.members()) if (!isOpen) return true;
    return this.#missing.some();
  }

  /** The same, where it is not known to be dead; and others that this broker cannot have heard of, since it is new itself. */
  awaitsLiving(): boolean {
    if (this.#kernel.clock.now() - this.#openedAt < DEAD_MS) return true;
    for (const { isOpen, status } of this.members()) if (!isOpen && status !== 'dead') return true;
    return false;
  }

  /**
   * What a connection has at another broker, made where it has nothing yet; undefined where that cannot be reached.
   * @throws {WireError} `-32020` where it is not known there who this is by now, and there is no room to say so
   */
  extensionOf(client: Client, peer: string): Extension | undefined {
    const streams = this.streams.get(peer);
    const known = extensionsOf(client).get(peer);
    if (!streams?.isOpen || !client.isOpen) return undefined;
    if (known?.isOpen) {
      this.#renew(known, streams);
      return known;
    }
    const { limits, ref } = this.#kernel;
    const lane = streams.lanes.lane(limits, () => extension.ref && giveUp(extension, ref, extension.ref));
    const extension: Extension = new Extension(client, peer, streams.newStream(), lane);
    extensionsOf(client).set(peer, extension);
    this.#kernel.children.start(this.#kind, `${extension.id}:${extension.stream}`, extension, { extension });
    return extension;
  }

  /** Whoever stops waits for turns elsewhere, too: it is to see that there is one less. */
  #turnEnded(): void {
    const { isDraining, ref } = this.#kernel;
    this.lastTurns.ended();
    if (isDraining) tell(ref, ref, { type: 'sweep' });
  }

  #over(extension: Extension): void {
    extension.isOpen = false;
    this.streams.get(extension.peer)?.leave(extension);
    const own = extensionsOf(extension.client);
    if (own.get(extension.peer) === extension) own.delete(extension.peer);
  }

  #openingOf({ client }: Extension): GuestOpening {
    return openingOf(client, this.#knownAgents());
  }

  *#knownAgents(): Generator<string> {
    yield* this.#kernel.get(AGENTS).keys();
    yield* this.places.keys();
  }

  /** The guest's name goes by that of its connection, which may change. */
  #renew(extension: Extension, streams: PeerStreams): void {
    const { identity } = extension.client;
    const isByFunction = identity?.mayUse && !agentsOf(identity.mayUse);
    if (identity === extension.identity && !isByFunction) return;
    streams.tellIdentity(extension, this.#openingOf(extension));
    extension.identity = identity;
  }

  #seesAnew(link: GuestLink, { identity }: GuestOpening): void {
    const client = this.#guestBy(link);
    if (!client) return;
    client.identity = identity && readIdentity(identity);
    this.#kernel.hooks.sightChanged(client);
  }

  #guestBy(link: GuestLink): Client | undefined {
    const known = this.#guests.get(link);
    if (known) return known;
    for (const client of this.#kernel.clients.values()) {
      if (client.link !== link) continue;
      this.#guests.set(link, client);
      return client;
    }
    return undefined;
  }
}
