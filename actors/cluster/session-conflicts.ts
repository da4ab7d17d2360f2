import type { Claim, Directory } from '../../cluster/directory.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Turn } from '../turns/turn-record.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

const LIVE = 'sessions.live';
const YOUNGER = 'session.younger';

/** So many sessions are told of at a time. */
const ROWS = 500;
/**
 * A session that could not be claimed is claimed again after so long, and then after twice as long each time, up to the second; so many
 * at a time. Before whoever wanted it comes again: each of his turns would end. Milliseconds.
 */
const FIRST_MS = 25;
const AGAIN_MS = 500;
const AT_ONCE = 16;
/** A link that is lost may have carried nothing for so long before. Milliseconds. */
const UNHEARD_MS = 15_000;
/** So many are to be claimed again at most. */
const MAX_DUE = 100_000;

/** A session, by the name that its agent has for it, and the turn that is live in it. */
type Row = readonly [session: string, turn: string];

/**
 * Two brokers may have a live turn each in one session: they could not hear of each other, what all know together could not be asked, or
 * has lost a claim. Whoever may have such a turn says so as soon as the other can hear it: the older turn keeps the session, the younger
 * one ends with `session_conflict`. What could not be claimed is claimed again, for as long as there is a turn. A turn whose agent is not
 * there has no say before it is: it may have gone on elsewhere, and ended.
 */
export class SessionConflicts implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** When the link with a broker was lost, by its name: what has begun since, that one may not know of. */
  readonly #lostAt = new Map<string, number>();
  /** Sessions of live turns that are to be claimed again. */
  readonly #due = new Set<string>();
  #isWorking = false;
  #waitMs = FIRST_MS;
  #directory: Pick<Directory, 'claim' | 'release'> | undefined;

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  /** Names of sessions, as a directory has them: claims that are not had are seen to. */
  over(directory: Pick<Directory, 'claim' | 'release'>): Pick<Directory, 'claim' | 'release'> {
    this.#directory = directory;
    return {
      claim: (name) => this.#claim(directory, name),
      release: (name) => {
        this.#due.delete(name);
        directory.release(name);
      },
    };
  }

  lost({ name }: PeerStreams): void {
    if (!this.#lostAt.has(name)) this.#lostAt.set(name, Date.now() - UNHEARD_MS);
  }

  forgotten(broker: string): void {
    this.#lostAt.delete(broker);
  }

  opened(peer: PeerStreams): void {
    const since = this.#lostAt.get(peer.name) ?? 0;
    this.#lostAt.delete(peer.name);
    const rows: Row[] = [];
    for (const turn of this.#kernel.get(TURNS).byId.values()) {
      if (!turn.isRestored && turn.createdAt < since) continue;
      if (turn.hasAgent) rows.push([turn.sessionKey, turn.id]);
      else this.#insist(turn.sessionKey);
    }
    for (let at = 0; at < rows.length; at += ROWS) this.#tell(peer, rows.slice(at, at + ROWS));
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    if (kind === LIVE) for (const row of (body as { rows: Row[] }).rows) this.#compare(peer, row);
    else if (kind === YOUNGER) {
      const [session, turn] = (body as { row: Row }).row;
      const own = this.#live(session);
      if (own?.id !== turn) return;
      if (own.hasAgent) this.#end(own, peer);
      else this.#insist(session);
    }
  }

  #compare(peer: PeerStreams, [session, turn]: Row): void {
    const own = this.#live(session);
    // The same one is on its way from one broker to the other.
    if (!own || own.id === turn) return;
    const hasEnded = this.#kernel.get(TURNS).logs.find(session, turn, this.#kernel.clock.now()) !== undefined;
    if (hasEnded || !own.hasAgent) this.#insist(session);
    // Their ids sort by time.
    else if (own.id > turn) this.#end(own, peer);
    else {
      peer.tell(writeJson({ kind: YOUNGER, row: [session, turn] }));
      this.#insist(session);
    }
  }

  #end(turn: Turn, { name }: PeerStreams): void {
    this.#kernel.log.warn(
      { broker: name, session: turn.sessionId, turn: turn.id },
      'another broker has an older turn in this session: this one ends',
    );
    if (turn.ref) tell(this.#kernel.ref, turn.ref, { type: 'session.taken' });
  }

  #live(session: string): Turn | undefined {
    return this.#kernel.get(TURNS).sessions.live(session);
  }

  #tell(peer: PeerStreams, rows: readonly Row[]): void {
    peer.tell(writeJson({ kind: LIVE, rows }));
  }

  async #claim(directory: Pick<Directory, 'claim'>, name: string): Promise<Claim> {
    try {
      const claim = await directory.claim(name);
      if (!claim.isOurs) this.#contest(name, claim.broker);
      return claim;
    } catch (error) {
      // Whoever has asked may go on without.
      this.#insist(name);
      throw error;
    }
  }

  /** Another broker holds the session of a turn that is live here. */
  #contest(session: string, broker: string): void {
    const own = this.#live(session);
    const peer = this.#cluster.peer(broker);
    if (!own || !peer) return;
    if (own.hasAgent) this.#tell(peer, [[session, own.id]]);
    if (!this.#due.has(session)) this.#insist(session);
  }

  #insist(session: string): void {
    if (this.#due.size >= MAX_DUE) return;
    this.#due.add(session);
    this.#waitMs = FIRST_MS;
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#later();
  }

  #later(): void {
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(2 * waitMs, AGAIN_MS);
    this.#kernel.deadlines.arm(waitMs, () => {
      void this.#claimAgain().finally(() => {
        if (this.#due.size > 0 && !this.#kernel.isDraining) this.#later();
        else this.#isWorking = false;
      });
    });
  }

  async #claimAgain(): Promise<void> {
    const names = [...this.#due];
    const each = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const turn = this.#live(name);
        if (!turn) this.#due.delete(name);
        // Before its agent has accepted it nobody can have heard of it.
        if (!turn?.isAccepted || !turn.hasAgent) continue;
        try {
          const claim = await this.#directory?.claim(name);
          if (claim?.isOurs) this.#settle(name);
          else if (claim) this.#contest(name, claim.broker);
        } catch {
          // Nobody can be asked now: all of them later.
          names.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, each));
  }

  #settle(name: string): void {
    this.#due.delete(name);
    const { claims } = this.#kernel.get(TURNS);
    // Whoever has asked for it first may have given up by now.
    if (this.#live(name)) claims?.had(name);
    // It may have ended meanwhile.
    else if (!claims?.holds(name)) this.#directory?.release(name);
  }
}
