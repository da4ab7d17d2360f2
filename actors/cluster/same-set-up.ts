import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';
import { HOME } from './registry-share.ts';

const SET_UP = 'set_up';
/** The home broker is to have been heard of by then: whoever is none is said to be. Milliseconds. */
const HOME_THERE_MS = 15_000;
/** Of each thing so many brokers are spoken of. */
const MAX_SAID = 256;

const OTHER_HOME =
  'the home of this cluster is another broker than this one was given (--cluster-home): what that keeps is not known here';
const OTHERS_HOME =
  'another broker was given another home (--cluster-home): agents and keys of one are not known at the other';
const OTHER_TOKENS =
  'a broker of this cluster has other tokens: who is let in at one is refused at the other, and no turn goes between them by its ticket';
const OTHER_VERSION =
  'a broker of this cluster is of another version: what one of them does not know yet it cannot do for the other, so let all be of one version soon';
const NO_HOME =
  'the home broker was not heard of so far (--cluster-home): nothing can be registered until one of that name is started';

/** What a broker was started with, and all are to be started with alike. */
interface SetUp {
  home: string | null;
  /** The same from every broker with the same tokens; null where nothing is proved by them. */
  tokens: string | null;
  version: string;
}

/**
 * Brokers of a cluster that were not started alike work, in a way: each has agents and tokens of its own. Nobody means that, so it
 * is said in the log, once of each other broker.
 */
export class SameSetUp implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #own: SetUp;
  /** What was said of whom. */
  readonly #said = new Map<string, Set<string>>();

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#own = {
      home: cluster.home ?? null,
      tokens: kernel.get(TURNS).tickets?.proof ?? null,
      version: cluster.version,
    };
    const { id, home } = cluster;
    if (home !== undefined && home !== id) kernel.deadlines.arm(HOME_THERE_MS, () => this.#lookForHome(home));
  }

  /** What all know together says which broker is home. */
  registered(name: string, keeper: string | undefined): void {
    const { id, home } = this.#cluster;
    // At home itself it is judged by whoever keeps what is registered.
    if (name !== HOME || keeper === undefined || home === id || home === keeper) return;
    this.#say('home', { broker: keeper, home: home ?? null }, OTHER_HOME);
  }

  opened(peer: PeerStreams): void {
    peer.tell(writeJson({ kind: SET_UP, ...this.#own }));
  }

  told({ name: broker }: PeerStreams, kind: string, body: unknown): void {
    if (kind !== SET_UP) return;
    const { home, tokens, version } = body as Partial<SetUp>;
    const own = this.#own;
    if (home !== own.home) {
      const told = { broker, home: own.home, its_home: typeof home === 'string' ? home.slice(0, 64) : null };
      this.#say('its home', told, OTHERS_HOME);
    }
    if (own.tokens !== null && typeof tokens === 'string' && tokens !== own.tokens)
      this.#say('tokens', { broker }, OTHER_TOKENS);
    // One that says none is older than this.
    const its = typeof version === 'string' ? version.slice(0, 64) : null;
    if (its !== own.version) this.#say('version', { broker, version: own.version, its_version: its }, OTHER_VERSION);
  }

  #lookForHome(home: string): void {
    for (const { id } of this.#cluster.members()) if (id === home) return;
    this.#say('nobody', { broker: home }, NO_HOME);
  }

  #say(what: string, told: { broker: string; [more: string]: string | null }, words: string): void {
    const said = this.#said.get(what) ?? new Set();
    if (said.has(told.broker) || said.size >= MAX_SAID) return;
    this.#said.set(what, said.add(told.broker));
    this.#kernel.log.warn(told, words);
  }
}
