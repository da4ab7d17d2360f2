import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { endOrphans } from '../turns/agent-resume.ts';
import type { Elsewhere, Wanted } from '../turns/elsewhere.ts';
import { HeldCalls } from '../turns/held-calls.ts';
import { hasMoved, isGoneOnWith, type LeftTurn, leftTurns, readyToMove, takeOverTurn } from '../turns/moved-turn.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import { hasRoomFor } from './cluster-errors.ts';
import type { PeerStreams } from './peer-streams.ts';

const TAKE = 'turn.take';
const HERE = 'turn.here';
const LEFT = 'turns.left';
const UNNAMED = 'agent.unnamed';

/** A turn that another broker is asked for. */
interface Asked {
  agent: string;
  /** Of the agent's connection at whoever asks: who has a newer one keeps its turns. */
  revision: number;
  turn_id: string;
  session_key: string;
}

/** What it answers. `later`: it is not ready, or gives it to somebody else. */
type Given = { turn: unknown } | { is: 'ended' | 'unknown' | 'later' };

/** What became of a turn that was asked for; `lost`: whoever had it is gone. */
type Fetched = 'here' | 'ended' | 'unknown' | 'lost';

/** Turns without their agents, as another broker is asked about them. */
interface Left {
  turns: LeftTurn[];
}

/** So often a broker is asked again that is not ready, or not there. Milliseconds. */
const AGAIN_MS = 100;
/** So long a turn is looked for: a broker that was killed is there again by then, or stays away. Milliseconds. */
const LOOK_MS = 25_000;
/** So long a turn is nobody else's after it was given, if nothing is heard of that. Milliseconds. */
const LEAVING_MS = 5_000;
/** So many turns another broker is asked about at once. */
const MOST_LEFT = 1_000;

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
  /** To whom a turn of this broker's was given, and until when it is nobody else's. */
  readonly #leaving = new Map<string, { peer: string; until: number }>();

  /** @param readOn - whoever waits here for a turn to be somewhere may ask for it now */
  constructor(kernel: Kernel, cluster: Cluster, readOn: (turnId: string) => void) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#readOn = readOn;
  }

  async fetch(client: Client, wanted: readonly Wanted[]): Promise<Map<string, 'ended' | 'lost'>> {
    const found = new Map<string, 'ended' | 'lost'>();
    const until = this.#kernel.clock.now() + LOOK_MS;
    for (const { session_id } of wanted) this.#hold(session_id);
    let n = 0;
    try {
      // One by one: a log may be long, and much that waits for a peer ends the link with it.
      for (const each of wanted) {
        const is = client.isOpen ? await this.#fetch(each, client, until) : 'unknown';
        if (is === 'ended' || (is === 'lost' && (await this.#claim(each.session_id)))) found.set(each.turn_id, is);
        // One that is lost is about to be put together.
        if (found.get(each.turn_id) !== 'lost') this.#letGo(each.session_id);
        n += 1;
      }
      return found;
    } catch (error) {
      for (const { turn_id, session_id } of wanted.slice(0, n))
        if (found.get(turn_id) === 'lost') this.#letGo(session_id);
      throw error;
    } finally {
      for (const { session_id } of wanted.slice(n)) this.#letGo(session_id);
    }
  }

  pending(sessionKeys: readonly string[]): HeldCalls | undefined {
    if (this.#fetched.size === 0) return undefined;
    for (const name of sessionKeys) {
      const fetched = this.#fetched.get(name);
      if (fetched) return fetched.calls;
    }
    return undefined;
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

  unnamed(agentKey: string): void {
    this.#cluster.tellAll(UNNAMED, { agent: agentKey });
  }

  rebuilt({ turn_id: turnId, session_id: sessionKey }: Pick<Wanted, 'turn_id' | 'session_id'>, isThere: boolean): void {
    if (isThere) this.#isHere(turnId);
    this.#letGo(sessionKey);
  }

  /** A turn of another broker's goes on here: whoever has something of it, or reads it, is to know. */
  #isHere(turnId: string): void {
    this.#cluster.tellAll(HERE, { turn: turnId });
    this.#readOn(turnId);
  }

  recovered(): void {
    for (const peer of this.#cluster.openStreams()) this.#askAboutLeft(peer);
  }

  /** What was said on the link before may be lost: that a turn is there which this broker has without its agent. */
  opened(peer: PeerStreams): void {
    // Those from before a restart are not all there yet.
    if (!this.#kernel.get(TURNS).recovery) this.#askAboutLeft(peer);
  }

  told(_peer: PeerStreams, kind: string, body: unknown): void {
    if (kind === HERE) this.#isAt((body as { turn: string }).turn);
    if (kind !== UNNAMED) return;
    const { agent } = body as { agent: string };
    // Where it is here by now, it names them here.
    if (!this.#kernel.attached.has(agent)) endOrphans(this.#kernel, agent, 'agent_replaced');
  }

  asked(peer: PeerStreams, method: string, body: string): Promise<string> | undefined {
    if (method === LEFT) {
      const { turns } = parseJson(body) as Left;
      const here = turns.filter((each) => isGoneOnWith(this.#kernel, each));
      return Promise.resolve(writeJson({ turns: here.map(({ id }) => id) }));
    }
    if (method !== TAKE) return undefined;
    const wanted = parseJson(body) as Asked;
    const given = this.#give(peer.name, wanted);
    const text = writeJson(given);
    if (!('turn' in given)) return Promise.resolve(text);
    // One entry may be larger than what may wait, where nothing does.
    if (peer.link.waitingBytes > 0 && !hasRoomFor(peer.link, text)) return Promise.resolve(writeJson({ is: 'later' }));
    this.#leaving.set(wanted.turn_id, { peer: peer.name, until: this.#kernel.clock.now() + LEAVING_MS });
    return Promise.resolve(text);
  }

  /** A turn goes on at another broker. */
  #isAt(turnId: string): void {
    this.#leaving.delete(turnId);
    hasMoved(this.#kernel, turnId);
    this.#readOn(turnId);
  }

  #askAboutLeft(peer: PeerStreams): void {
    const left = leftTurns(this.#kernel);
    for (let from = 0; from < left.length; from += MOST_LEFT) {
      const asked: Left = { turns: left.slice(from, from + MOST_LEFT) };
      peer.ask(LEFT, writeJson(asked)).then(
        (text) => {
          const { turns } = parseJson(text) as { turns: string[] };
          for (const turnId of turns) this.#isAt(turnId);
        },
        // The link was lost: it is asked again with the next one.
        () => {},
      );
    }
  }

  #give(peer: string, { agent, revision, turn_id: turnId, session_key: sessionKey }: Asked): Given {
    const kernel = this.#kernel;
    const { recovery, logs } = kernel.get(TURNS);
    if (recovery?.knows(sessionKey)) return { is: 'later' };
    const now = kernel.clock.now();
    for (const [id, { until }] of this.#leaving) if (until <= now) this.#leaving.delete(id);
    const leaving = this.#leaving.get(turnId);
    if (leaving && leaving.peer !== peer) return { is: 'later' };
    // It may not have heard yet that the agent is elsewhere; or whoever asks has not heard that it is here.
    const own = kernel.attached.get(agent);
    if (own && !this.#cluster.places.isOlder(agent, revision)) return { is: 'later' };
    if (own) this.#cluster.leave(own);
    const turn = readyToMove(kernel, turnId, agent);
    if (turn) return { turn };
    return { is: logs.find(sessionKey, turnId, now) ? 'ended' : 'unknown' };
  }

  async #hasEnded(turnId: string, sessionKey: string, client: Client): Promise<boolean> {
    const { ended } = this.#kernel.get(TURNS);
    return ended !== undefined && client.isOpen && ended.finds.hasEnded(client, turnId, sessionKey);
  }

  async #fetch(wanted: Wanted, client: Client, until: number): Promise<Fetched> {
    const { turn_id: turnId, session_id: sessionKey } = wanted;
    const hasTicket = wanted.hasTicket();
    const { agentKey = '' } = client;
    let wereAsked = false;
    for (;;) {
      const revision = this.#cluster.places.ownRevision(agentKey, client.id);
      // With a ticket nobody waits for a broker that is dead: its agent has all of the turn.
      const isMissing = hasTicket ? this.#cluster.awaitsLiving() : this.#cluster.awaitsPeer();
      let isLater = revision === undefined || isMissing;
      let isHeld = false;
      const peers = revision === undefined ? [] : this.#cluster.openPeers();
      for (const name of peers) {
        const asked = { agent: agentKey, revision, turn_id: turnId, session_key: sessionKey };
        let given: Given;
        try {
          given = parseJson((await this.#cluster.peer(name)?.ask(TAKE, writeJson(asked))) ?? '') as Given;
        } catch {
          isLater = true;
          continue;
        }
        if ('turn' in given) {
          takeOverTurn(this.#kernel, given.turn);
          this.#isHere(turnId);
          return 'here';
        }
        if (given.is === 'ended') return 'ended';
        if (given.is === 'later') isLater = isHeld = true;
      }
      if (!client.isOpen) return 'unknown';
      const isLast = !isLater || this.#kernel.clock.now() >= until;
      // Whoever had it may be gone: asked when all others have said no, and when nobody is waited for any more.
      if ((isLast || (!wereAsked && revision !== undefined)) && (await this.#hasEnded(turnId, sessionKey, client)))
        return 'ended';
      wereAsked ||= revision !== undefined;
      if (isLast) return hasTicket && !isHeld ? 'lost' : 'unknown';
      await new Promise<void>((resolve) => this.#kernel.deadlines.arm(AGAIN_MS, resolve));
    }
  }

  /** Whether the session of a turn that nobody has any more may have it again: another one may have been opened in it. */
  #claim(sessionKey: string): Promise<boolean> {
    const { claims } = this.#kernel.get(TURNS);
    return new Promise((resolve) => {
      if (claims) claims.claim(sessionKey, undefined, ({ is }) => resolve(is === 'ours'));
      else resolve(true);
    });
  }
}
