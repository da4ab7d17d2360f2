import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Claimed } from '../turns/claims.ts';
import type { Elsewhere, Wanted } from '../turns/elsewhere.ts';
import { firstOf, HeldCalls } from '../turns/held-calls.ts';
import {
  awaitAgent,
  hasMoved,
  isGoneOnWith,
  isOver,
  type LeftTurn,
  leftTurns,
  takeOverTurn,
} from '../turns/moved-turn.ts';
import type { Turn } from '../turns/turn-record.ts';
import { TURNS } from '../turns/turns.ts';
import { AgentNews, HERE, type Here, UNNAMED, type Unnamed } from './agent-news.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import { LeavingTurns } from './leaving-turns.ts';
import { type Asked, type AskedPart, addPart, type Given, type GivenPart } from './moved-parts.ts';
import { leaveOlder } from './older-connections.ts';
import { OVER, type Over, saidOver } from './over.ts';
import type { PeerStreams } from './peer-streams.ts';

const TAKE = 'turn.take';
const MORE = 'turn.more';
const LEFT = 'turns.left';

/** What became of a turn that was asked for; `lost`: whoever had it is gone. */
type Fetched = 'here' | 'ended' | 'unknown' | 'lost';

/** Turns without their agents, as another broker is asked about them. */
interface Left {
  turns: LeftTurn[];
}

/** Which of them go on there, or have ended there; and agents of them that are there, and have named all that they go on with. */
interface LeftAnswer {
  turns: string[];
  /** A broker of an older version does not say. */
  unnamed?: Unnamed[];
}

/** So often a broker is asked again that is not ready, or not there. Milliseconds. */
const AGAIN_MS = 100;
/** So long a turn is looked for: a broker that was killed is there again by then, or stays away. Milliseconds. */
const LOOK_MS = 25_000;
/** And an answer about the last of them may take so long more: until then what waits here for its agent does not end. Milliseconds. */
const SLOW_MS = 10_000;
/** So many turns another broker is asked about at once. */
const MOST_LEFT = 1_000;

/** A turn that is looked for, and whether those that have ended were searched for it. */
interface Sought {
  readonly row: Wanted;
  wereAsked: boolean;
}

/**
 * Turns go with their agents: a broker that an agent comes back to asks the others for what it names. Who has a turn keeps it
 * until it has heard that the other one has it, too: then it is the other's. Where nobody has it any more, and its broker is
 * gone, it is put together from what its agent has.
 */
export class MovedTurns implements Elsewhere, PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** By session: what waits for a turn of it that an agent here goes on with. */
  readonly #fetched = new Map<string, { count: number; calls: HeldCalls }>();
  readonly #readOn: (turnId: string) => void;
  readonly leaving: LeavingTurns;
  /** Turns that others are being asked for, and whether one has said meanwhile that it goes on there. */
  readonly #asking = new Map<string, boolean>();
  readonly #news: AgentNews;

  /** @param readOn - whoever waits here for a turn to be somewhere may ask for it now */
  constructor(kernel: Kernel, cluster: Cluster, readOn: (turnId: string) => void) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#readOn = readOn;
    this.leaving = new LeavingTurns(kernel, cluster);
    this.#news = new AgentNews(kernel, cluster);
  }

  async fetch(client: Client, wanted: readonly Wanted[]): Promise<Map<string, 'ended' | 'lost'>> {
    const found = new Map<string, 'ended' | 'lost'>();
    const until = this.#kernel.clock.now() + LOOK_MS;
    const left = new Set(wanted.map((row): Sought => ({ row, wereAsked: false })));
    const lost = new Set<Sought>();
    const here = new Set<string>();
    const kept = new Set<Turn>();
    for (const { session_id } of wanted) this.#hold(session_id);
    try {
      for (;;) {
        // One by one: a log may be long. And round after round: one that nobody has holds up none that somebody has.
        for (const each of left) {
          const { turn_id, session_id } = each.row;
          const is = client.isOpen ? await this.#fetch(each, client, until) : 'unknown';
          if (is === undefined) continue;
          const claimed = is === 'lost' ? await this.#claim(session_id) : undefined;
          // Who held it is gone, and not yet for everybody.
          if (claimed === 'unreachable' && this.#kernel.clock.now() < until) continue;
          if (is === 'ended' || (is === 'lost' && claimed === 'ours')) found.set(turn_id, is);
          left.delete(each);
          if (is === 'here') here.add(turn_id);
          // One that is lost is about to be put together.
          if (found.get(turn_id) === 'lost') lost.add(each);
          else this.#letGo(session_id);
        }
        if (left.size === 0) break;
        this.#keep(client, until, kept);
        await this.#later();
      }
      lost.clear();
      // It had ended where it was, and that was heard only now.
      for (const turnId of here) if (!this.#kernel.get(TURNS).byId.has(turnId)) found.set(turnId, 'ended');
      return found;
    } finally {
      for (const { row } of [...left, ...lost]) this.#letGo(row.session_id);
    }
  }

  /** What waits here for this agent is named as well: it does not end while the answer waits for what is looked for. */
  #keep({ agentKey = '' }: Client, until: number, kept: Set<Turn>): void {
    const { clock } = this.#kernel;
    for (const turn of this.#kernel.get(TURNS).orphans.of(agentKey)) {
      if (kept.has(turn)) continue;
      kept.add(turn);
      awaitAgent(this.#kernel, turn, until - clock.now() + SLOW_MS);
    }
  }

  pending(sessionKeys: readonly string[]): HeldCalls | undefined {
    return firstOf(this.#fetched, sessionKeys)?.calls ?? this.leaving.pending(sessionKeys);
  }

  /** Whoever asks for it here now would hear that there is none. */
  #hold(sessionKey: string): void {
    const fetched = this.#fetched.get(sessionKey);
    if (fetched) fetched.count += 1;
    else this.#fetched.set(sessionKey, { count: 1, calls: new HeldCalls() });
  }

  #letGo(sessionKey: string): void {
    const fetched = this.#fetched.get(sessionKey);
    if (!fetched) return;
    fetched.count -= 1;
    if (fetched.count > 0) return;
    this.#fetched.delete(sessionKey);
    fetched.calls.release(this.#kernel, () => {});
  }

  unnamed(client: Client): void {
    this.#news.unnamed(client);
  }

  resumed(client: Client, { turn_id: turn, session_id: session }: Pick<Wanted, 'turn_id' | 'session_id'>): void {
    // Whoever was given it may have it by now, or soon.
    if (this.leaving.end(turn)) this.#isHere(client, { turn, session });
  }

  rebuilt(
    client: Client,
    { turn_id: turn, session_id: session }: Pick<Wanted, 'turn_id' | 'session_id'>,
    isThere: boolean,
  ): void {
    if (isThere) this.#isHere(client, { turn, session });
    this.#letGo(session);
  }

  /** A turn of another broker's goes on here: whoever has something of it, or reads it, is to know. */
  #isHere(client: Client, said: Pick<Here, 'turn' | 'session'>): void {
    this.#news.isHere(client, said);
    this.#readOn(said.turn);
  }

  placed(agentKey: string): void {
    this.#news.placed(agentKey);
  }

  recovered(): void {
    for (const peer of this.#cluster.openStreams()) this.#askAboutLeft(peer);
  }

  /** What was said on the link before may be lost: that a turn is there which this broker has without its agent. */
  opened(peer: PeerStreams): void {
    // Those from before a restart are not all there yet.
    if (!this.#kernel.get(TURNS).recovery) this.#askAboutLeft(peer);
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    if (kind === HERE) this.#isThere(peer, body as Here);
    else if (kind === OVER) {
      const { turn, ending } = body as Over;
      isOver(this.#kernel, turn, ending);
    } else if (kind === UNNAMED) this.#news.isUnnamed(body as Unnamed);
  }

  asked(peer: PeerStreams, method: string, body: string): Promise<string> | undefined {
    if (method === LEFT) {
      const { turns } = parseJson(body) as Left;
      const here = turns.filter((each) => isGoneOnWith(this.#kernel, each));
      const unnamed = this.#news.said(new Set(turns.map(({ agent }) => agent)));
      return Promise.resolve(writeJson({ turns: here.map(({ id }) => id), unnamed } satisfies LeftAnswer));
    }
    if (method === TAKE) return Promise.resolve(this.leaving.give(peer, parseJson(body) as Asked));
    if (method === MORE) return Promise.resolve(this.leaving.giveMore(peer, parseJson(body) as AskedPart));
    return undefined;
  }

  /** A turn goes on at another broker, which says so. */
  #isThere(peer: PeerStreams, { turn: turnId, session, agent, revision }: Here): void {
    const kernel = this.#kernel;
    if (this.#asking.has(turnId)) this.#asking.set(turnId, true);
    leaveOlder(kernel, this.#cluster.places, agent, revision);
    this.#isAt(turnId);
    const turn = kernel.get(TURNS).byId.get(turnId);
    const over = saidOver(kernel, session, turnId);
    // Its agent has come here by a newer connection: whoever has it there is to know.
    if (turn?.speaker) this.#news.isHere(turn.speaker, { turn: turnId, session });
    else if (over !== undefined) peer.tell(over);
  }

  #isAt(turnId: string): void {
    this.leaving.end(turnId, () => hasMoved(this.#kernel, turnId));
    this.#readOn(turnId);
  }

  #askAboutLeft(peer: PeerStreams): void {
    const left = leftTurns(this.#kernel);
    for (let from = 0; from < left.length; from += MOST_LEFT) {
      const asked: Left = { turns: left.slice(from, from + MOST_LEFT) };
      peer.ask(LEFT, writeJson(asked)).then(
        (text) => {
          const { turns, unnamed = [] } = parseJson(text) as LeftAnswer;
          for (const turnId of turns) this.#isAt(turnId);
          // What they have not named is nowhere any more.
          for (const each of unnamed) this.#news.isUnnamed(each);
        },
        // The link was lost: it is asked again with the next one.
        () => {},
      );
    }
  }

  /**
   * Asks a broker for a turn, and for all parts of it.
   * @throws {Error} where the link is lost, and where it has the turn no more
   */
  async #take(peer: PeerStreams | undefined, asked: Asked, client: Client): Promise<Given> {
    if (!peer) return { is: 'later' };
    const given = parseJson(await peer.ask(TAKE, writeJson(asked))) as Given;
    if (!('turn' in given)) return given;
    let { next: at = null }: { next?: number | null } = given;
    while (at !== null) {
      // Its agent has left: the next connection asks again.
      if (!client.isOpen) return { is: 'later' };
      const said: AskedPart = { turn_id: asked.turn_id, at };
      const part = parseJson(await peer.ask(MORE, writeJson(said))) as GivenPart;
      if (!('is' in part)) {
        addPart(given.turn, part);
        at = part.next;
      } else if (part.is === 'later') await this.#later();
      else throw new Error('a turn that was on its way here is there no more');
    }
    return given;
  }

  #later(): Promise<void> {
    return new Promise((resolve) => {
      this.#kernel.deadlines.arm(AGAIN_MS, resolve);
    });
  }

  async #hasEnded(turnId: string, sessionKey: string, client: Client): Promise<boolean> {
    const { ended } = this.#kernel.get(TURNS);
    return ended !== undefined && client.isOpen && ended.finds.hasEnded(client, turnId, sessionKey);
  }

  /** Asks all others for a turn, once. @returns what became of it; undefined: they are to be asked again */
  async #fetch(sought: Sought, client: Client, until: number): Promise<Fetched | undefined> {
    const { turn_id: turnId, session_id: session, hasTicket: askTicket } = sought.row;
    const { clock } = this.#kernel;
    const hasTicket = askTicket();
    const { agentKey: agent = '' } = client;
    const revision = this.#cluster.places.ownRevision(agent, client.id);
    // With a ticket nobody waits for a broker that is dead: its agent has all of the turn.
    const isMissing = hasTicket ? this.#cluster.awaitsLiving() : this.#cluster.awaitsPeer();
    let isLater = revision === undefined || isMissing;
    let isHeld = false;
    for (const name of revision === undefined ? [] : this.#cluster.openPeers()) {
      const asked = { agent, revision: revision as number, turn_id: turnId, session_key: session };
      let given: Given;
      this.#asking.set(turnId, false);
      try {
        given = await this.#take(this.#cluster.peer(name), asked, client);
        // Its agent was there again before this broker had it.
        if (this.#asking.get(turnId)) given = { is: 'later' };
      } catch {
        isLater = true;
        continue;
      } finally {
        this.#asking.delete(turnId);
      }
      if ('turn' in given) {
        takeOverTurn(this.#kernel, given.turn);
        this.#isHere(client, { turn: turnId, session });
        return 'here';
      }
      if (given.is === 'ended') return 'ended';
      if (given.is === 'later') isLater = isHeld = true;
    }
    if (!client.isOpen) return 'unknown';
    const isLast = !isLater || clock.now() >= until;
    // Whoever had it may be gone: asked when all others have said no, and when nobody is waited for any more.
    const isSearched = isLast || (!sought.wereAsked && revision !== undefined);
    sought.wereAsked ||= revision !== undefined;
    if (isSearched && (await this.#hasEnded(turnId, session, client))) return 'ended';
    if (!isLast) return undefined;
    return hasTicket && !isHeld ? 'lost' : 'unknown';
  }

  /** Whether the session of a turn that nobody has any more may have it again: another one may have been opened in it. */
  #claim(sessionKey: string): Promise<Claimed['is']> {
    const { claims } = this.#kernel.get(TURNS);
    return new Promise((resolve) => {
      if (claims) claims.claim(sessionKey, undefined, ({ is }) => resolve(is));
      else resolve('ours');
    });
  }
}
