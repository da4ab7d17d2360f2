import { ClusterError } from '../../cluster/errors.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { AgentRecord } from '../connection/agent-store.ts';
import { KEY_CHANGES } from '../connection/key-changes.ts';
import { KEYS } from '../connection/key-ring.ts';
import type { KeyRecord } from '../connection/key-store.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

/** Whoever asks for all that is kept is told so many bytes at a time. */
const PAGE_BYTES = 256 * 1024;
/** A broker for which more than this waits is told what has changed later, when it asks. Bytes. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** Under this all know which broker keeps what there is once. */
export const HOME = 'home';

/** What is kept under a name, as JSON: an agent's record or a key's, with a hash in place of its token. */
type Row = readonly [name: string, record: string | null];

/**
 * Agents and keys, which the home broker keeps, as all brokers know them. It tells each what changes, over the link: so
 * whoever has asked for it through another broker finds that broker knowing of it. Who has a new link asks for all of it. In
 * the directory it is for those who come while the home broker is away.
 */
export class RegistryShare implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #home: string;
  readonly #homeBefore: string | undefined;
  /** At home: names that the directory does not have as they are. */
  readonly #unwritten = new Set<string>();
  #isWriting = false;
  /** At home: what the directory had at the start, until all of it is known. */
  #written: Map<string, string> | undefined = new Map();
  /** At home: the broker that the directory says is. */
  #keeper: string | undefined;
  /** At home: the directory says that it is this one. */
  #isMarked = false;
  /** At home: which names each broker is being told. */
  readonly #pages = new Map<string, readonly string[]>();
  /** At home: who was not told of something, and knows that. */
  readonly #stale = new Set<string>();
  /** Elsewhere: what is known from home. */
  readonly #learned = new Set<string>();
  /** Elsewhere: what was told since all was asked for. */
  #seen: Set<string> | undefined;
  /** Elsewhere: home says itself what there is. */
  #isTold = false;

  /** @param homeBefore - whose place this broker takes, where it is home */
  constructor(kernel: Kernel, cluster: Cluster, home: string, homeBefore?: string) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#home = home;
    this.#homeBefore = homeBefore;
    if (!this.#isHome) return;
    const [agents, keys] = [kernel.get(AGENTS), kernel.get(KEYS)];
    agents.changed = (id) => this.#once(agents.kept, `agent:${id}`);
    keys.changed = (id) => this.#once(keys.kept, `key:${id}`);
  }

  get #isHome(): boolean {
    return this.#home === this.#cluster.id;
  }

  /** At home: another broker is, by now. */
  get #isDisplaced(): boolean {
    return this.#keeper !== undefined && this.#keeper !== this.#cluster.id;
  }

  /** At home: an agent is gone, one too that was never registered. */
  agentRemoved(agentKey: string): void {
    if (this.#isHome) this.#tellAll(`agent:${agentKey}`);
  }

  /** What could not be written is tried again. */
  sweep(): void {
    if (this.#isHome) void this.#write();
  }

  registered(name: string, record: string | undefined): void {
    if (name === HOME && this.#isHome) this.#isKept(record);
    if (!isName(name)) return;
    if (!this.#isHome) {
      if (!this.#isTold) this.#learn([name, record ?? null]);
    } else if (record !== undefined) this.#written?.set(name, record);
  }

  /**
   * What was registered with another home broker is not this one's to remove.
   * @throws {ClusterError} where this one was to be home, and another one is
   */
  joined(): void {
    const written = this.#written;
    if (!this.#isHome || !written) return;
    const { id } = this.#cluster;
    const keeper = this.#keeper;
    if (keeper !== undefined && keeper !== id && keeper !== this.#homeBefore) {
      // It has no part in anything.
      this.#cluster.directory.close().catch((err: unknown) => {
        this.#kernel.log.warn({ err }, 'what all brokers know together could not be left');
      });
      throw new ClusterError(
        `the home of this cluster is broker ${keeper}, and this one, ${id}, was started as its home: give it --cluster-home ${keeper}, or --cluster-home-was ${keeper} to have it take that place`,
      );
    }
    this.#written = undefined;
    const [one] = this.#names();
    if (one === undefined && written.size > 0)
      this.#kernel.log.warn(
        { known: written.size },
        'this home broker keeps no agent and no key, and those that others know are removed: is that its own home directory?',
      );
    for (const name of new Set([...this.#names(), ...written.keys()]))
      if (this.#rowOf(name)[1] !== (written.get(name) ?? null)) this.#unwritten.add(name);
    void this.#write();
  }

  opened(peer: PeerStreams): void {
    if (peer.name === this.#home) void this.#askAll(peer);
  }

  lost(peer: PeerStreams): void {
    this.#pages.delete(peer.name);
    this.#stale.delete(peer.name);
    if (peer.name !== this.#home) return;
    this.#seen = undefined;
    this.#isTold = false;
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    if (peer.name !== this.#home) return;
    if (kind === 'registered') for (const row of (body as { rows: Row[] }).rows) this.#learn(row);
    else if (kind === 'registry.stale') void this.#askAll(peer);
  }

  asked(peer: PeerStreams, method: string, body: string): Promise<string> | undefined {
    if (method !== 'registry' || !this.#isHome) return undefined;
    return Promise.resolve(writeJson({ next: this.#tellPage(peer, Number((parseJson(body) as { at?: unknown }).at)) }));
  }

  /** The directory says who is home. Whoever says so last is. */
  #isKept(keeper: string | undefined): void {
    const before = this.#keeper;
    this.#keeper = keeper;
    // The directory is another one: it is said anew.
    if (keeper === undefined) this.#isMarked = false;
    if (this.#written || !this.#isDisplaced || keeper === before) return;
    this.#kernel.log.error(
      { home: keeper },
      'another broker is the home of this cluster now: what is registered here is written for no other',
    );
  }

  #once(kept: Promise<void> | undefined, name: string): void {
    const changed = () => this.#tellAll(name);
    // What could not be kept is as it was before, and that is told.
    if (kept) void kept.then(changed, changed);
    else changed();
  }

  #tellAll(name: string): void {
    const text = writeJson({ kind: 'registered', rows: [this.#rowOf(name)] });
    for (const peer of this.#cluster.openStreams()) {
      if (this.#stale.has(peer.name)) continue;
      if (peer.link.waitingBytes <= MOST_WAITING_BYTES) peer.tell(text);
      else {
        this.#stale.add(peer.name);
        peer.tell(writeJson({ kind: 'registry.stale' }));
      }
    }
    this.#unwritten.add(name);
    void this.#write();
  }

  /** @returns where the next page begins; null: there is none */
  #tellPage(peer: PeerStreams, from: number): number | null {
    if (from === 0) {
      this.#stale.delete(peer.name);
      this.#pages.set(peer.name, [...this.#names()]);
    }
    const names = this.#pages.get(peer.name) ?? [];
    const rows: Row[] = [];
    let at = from;
    for (let bytes = 0; at < names.length && bytes < PAGE_BYTES; at += 1) {
      const row = this.#rowOf(names[at] as string);
      bytes += row[0].length + (row[1]?.length ?? 0);
      rows.push(row);
    }
    // Before the answer, on the same link: nothing that changes later can come before.
    peer.tell(writeJson({ kind: 'registered', rows }));
    if (at < names.length) return at;
    this.#pages.delete(peer.name);
    return null;
  }

  async #askAll(peer: PeerStreams): Promise<void> {
    const seen = new Set<string>();
    this.#seen = seen;
    this.#isTold = true;
    try {
      let at: number | null = 0;
      while (at !== null) {
        at = (parseJson(await peer.ask('registry', writeJson({ at }))) as { next: number | null }).next;
        if (this.#seen !== seen) return;
      }
    } catch (err) {
      // With another link it is asked again; until then what is known stays.
      this.#kernel.log.warn({ err }, 'what the home broker keeps is not known whole');
      return;
    }
    this.#seen = undefined;
    for (const name of [...this.#learned]) if (!seen.has(name)) this.#learn([name, null]);
  }

  #learn([name, text]: Row): void {
    this.#seen?.add(name);
    const { kind, id } = partsOf(name);
    if (text === null) this.#learned.delete(name);
    else this.#learned.add(name);
    if (kind === 'agent') this.#learnAgent(id, text === null ? undefined : (parseJson(text) as AgentRecord));
    else this.#learnKey(id, text === null ? undefined : (parseJson(text) as KeyRecord));
  }

  #learnAgent(id: string, record: AgentRecord | undefined): void {
    const kernel = this.#kernel;
    kernel.get(AGENTS).learn(id, record);
    if (record) return;
    kernel.hooks.agentRemoved(id);
    const attached = kernel.attached.get(id);
    if (attached) tell(kernel.ref, attached.ref, { type: 'connection.close', code: CloseCode.Forbidden });
  }

  #learnKey(id: string, record: KeyRecord | undefined): void {
    const keys = this.#kernel.get(KEYS);
    const changes = this.#kernel.get(KEY_CHANGES);
    const before = keys.record(id);
    keys.learn(id, record);
    if (record) changes.changed(id);
    else if (before) changes.removed(id, before);
  }

  *#names(): Generator<string> {
    for (const id of this.#kernel.get(AGENTS).keys()) yield `agent:${id}`;
    for (const id of this.#kernel.get(KEYS).ids()) yield `key:${id}`;
  }

  #rowOf(name: string): Row {
    const { kind, id } = partsOf(name);
    const record = this.#kernel.get<{ record(id: string): object | undefined }>(kind === 'agent' ? AGENTS : KEYS);
    const known = record.record(id);
    return [name, known ? writeJson(known) : null];
  }

  /** One after the other, in the order in which they have changed; what fails is tried again with the next sweep. */
  async #write(): Promise<void> {
    const { directory } = this.#cluster;
    if (this.#isWriting || this.#written || !directory.register) return;
    this.#isWriting = true;
    if (await this.#mark()) await this.#writeRows();
    this.#isWriting = false;
  }

  /** Nothing is written before it is certain whose it is. @returns whether this broker is home */
  async #mark(): Promise<boolean> {
    const { id, directory } = this.#cluster;
    if (this.#isMarked) return !this.#isDisplaced;
    try {
      const before = this.#keeper;
      await directory.register?.(HOME, id);
      // Somebody else may have said so since.
      if (this.#keeper === before) this.#keeper = id;
      this.#isMarked = true;
    } catch (err) {
      this.#kernel.log.warn({ err }, 'that this broker is home could not be written for others');
    }
    return this.#isMarked && !this.#isDisplaced;
  }

  async #writeRows(): Promise<void> {
    const { directory } = this.#cluster;
    for (const name of this.#unwritten) {
      // What was not written is not another home's to be rid of: this one may be home again.
      if (this.#isDisplaced) return;
      this.#unwritten.delete(name);
      try {
        await directory.register?.(name, this.#rowOf(name)[1] ?? undefined);
      } catch (err) {
        this.#unwritten.add(name);
        this.#kernel.log.warn(
          { err, unwritten: this.#unwritten.size },
          'what is registered could not be written for others',
        );
        return;
      }
    }
  }
}

const isName = (name: string): boolean => name.startsWith('agent:') || name.startsWith('key:');

function partsOf(name: string): { kind: string; id: string } {
  const at = name.indexOf(':');
  return { kind: name.slice(0, at), id: name.slice(at + 1) };
}
