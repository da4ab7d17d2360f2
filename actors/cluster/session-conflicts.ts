import type { Claim, Directory } from '../../cluster/directory.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Turn } from '../turns/turn-record.ts';
import { TURNS } from '../turns/turns.ts';
import { HERE, type Here } from './agent-news.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import { saidOver } from './over.ts';
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

/** That turn is the younger one. */
interface Younger {
  readonly row: Row;
  /** The one that whoever says so has. */
  readonly older?: string;
}

/**
 * Two brokers may have a live turn each in one session: they could not hear of each other, what all know together could not be asked, or
 * has lost a claim. Whoever may have such a turn says so as soon as the other can hear it: the older turn keeps the session, the younger
 * one ends with `session_conflict`. What could not be claimed is claimed again, for as long as there is a turn. A turn whose agent is not
 * there has no say before it is: it may have gone on elsewhere, and ended. Nor has one that is known to have ended.
 */
export class SessionConflicts implements PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** When the link with a broker was lost, by its name: what has begun since, that one may not know of. */
  readonly #lostAt = new Map<string, number>();
  /** Sessions of live turns that are to be told of when their agents are there, and before that, perhaps, to be claimed again. */
  readonly #due = new Map<string, 'claim' | 'tell'>();
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
    const { byId, claims } = this.#kernel.get(TURNS);
    for (const { isRestored, createdAt, hasAgent, sessionKey, id } of byId.values()) {
      if (!isRestored && createdAt < since) continue;
      if (hasAgent) rows.push([sessionKey, id]);
      else this.#insist(sessionKey, claims?.holds(sessionKey) ? 'tell' : 'claim');
    }
    this.#tell(peer, rows);
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    if (kind === LIVE) for (const row of (body as { rows: Row[] }).rows) this.#compare(peer, row);
    else if (kind === YOUNGER) this.#isYounger(peer, body as Younger);
    else if (kind === HERE) {
      // It has come there with its agent: its broker has not compared it with any.
      const { session, turn } = body as Here;
      this.#compare(peer, [session, turn]);
    }
  }

  #compare(peer: PeerStreams, [session, turn]: Row): void {
    const own = this.#live(session);
    // The same one is on its way from one broker to the other.
    if (!own || own.id === turn) return;
    if (!this.#mayJudge(peer, own, turn)) return;
    // Their ids sort by time.
    if (own.id > turn) this.#end(own, peer);
    else {
      peer.tell(writeJson({ kind: YOUNGER, row: [session, turn], older: own.id } satisfies Younger & { kind: string }));
      this.#insist(session, 'claim');
    }
  }

  #isYounger(peer: PeerStreams, { row: [session, turn], older }: Younger): void {
    const own = this.#live(session);
    if (own?.id === turn && this.#mayJudge(peer, own, older)) this.#end(own, peer);
  }

  /** Whether one of the two is to end for the other: `own`, and another broker's. */
  #mayJudge(peer: PeerStreams, own: Turn, other: string | undefined): boolean {
    const over = other === undefined ? undefined : saidOver(this.#kernel, own.sessionKey, other);
    if (over !== undefined) peer.tell(over);
    else if (own.hasAgent) return true;
    this.#insist(own.sessionKey, 'claim');
    return false;
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
    for (const some of inParts(rows)) peer.tell(writeJson({ kind: LIVE, rows: some }));
  }

  async #claim(directory: Pick<Directory, 'claim'>, name: string): Promise<Claim> {
    try {
      const claim = await directory.claim(name);
      if (!claim.isOurs) this.#contest(name, claim.broker);
      return claim;
    } catch (error) {
      // Whoever has asked may go on without.
      this.#insist(name, 'claim');
      throw error;
    }
  }

  /** Another broker holds the session of a turn that is live here. */
  #contest(session: string, broker: string): void {
    const own = this.#live(session);
    const peer = this.#cluster.peer(broker);
    if (!own || !peer) return;
    if (own.hasAgent) this.#tell(peer, [[session, own.id]]);
    this.#insist(session, 'claim');
  }

  #insist(session: string, on: 'claim' | 'tell'): void {
    const known = this.#due.get(session);
    if (known === on || known === 'claim' || this.#due.size >= MAX_DUE) return;
    this.#due.set(session, on);
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
    const names = [...this.#due.keys()];
    const settled: Row[] = [];
    const each = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const turn = this.#live(name);
        if (!turn) this.#due.delete(name);
        // Before its agent has accepted it nobody can have heard of it.
        if (!turn?.isAccepted || !turn.hasAgent) continue;
        try {
          if (await this.#isHad(name)) settled.push([name, turn.id]);
        } catch {
          // Nobody can be asked now: all of them later.
          names.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, each));
    // Whoever has another one in such a session had no claim for it, or has lost that, and was not told of this.
    for (const rows of inParts(settled)) this.#cluster.tellAll(LIVE, { rows });
  }

  async #isHad(name: string): Promise<boolean> {
    const claim = this.#due.get(name) === 'claim' ? await this.#directory?.claim(name) : undefined;
    if (claim && !claim.isOurs) {
      this.#contest(name, claim.broker);
      return false;
    }
    this.#due.delete(name);
    const { claims } = this.#kernel.get(TURNS);
    const isLive = this.#live(name) !== undefined;
    // Whoever has asked for it first may have given up by now; or it may have ended meanwhile.
    if (claim && isLive) claims?.had(name);
    else if (claim && !claims?.holds(name)) this.#directory?.release(name);
    return isLive;
  }
}

function* inParts(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += ROWS) yield rows.slice(at, at + ROWS);
}
