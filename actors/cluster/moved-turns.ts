import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { endOrphans } from '../turns/agent-resume.ts';
import type { Elsewhere } from '../turns/elsewhere.ts';
import { HeldCalls } from '../turns/held-calls.ts';
import { hasMoved, readyToMove, takeOverTurn } from '../turns/moved-turn.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import { hasRoomFor } from './cluster-errors.ts';
import type { PeerStreams } from './peer-streams.ts';

const TAKE = 'turn.take';
const TAKEN = 'turn.taken';
const UNNAMED = 'agent.unnamed';

/** A turn that another broker is asked for. */
interface Wanted {
  agent: string;
  /** Of the agent's connection at whoever asks: who has a newer one keeps its turns. */
  revision: number;
  turn_id: string;
  session_key: string;
}

/** What it answers. `later`: it is not ready, or gives it to somebody else. */
type Given = { turn: unknown } | { is: 'ended' | 'unknown' | 'later' };

/** So often a broker is asked again that is not ready, or not there. Milliseconds. */
const AGAIN_MS = 100;
/** So long a turn is looked for: a broker that was killed is there again by then, or stays away. Milliseconds. */
const LOOK_MS = 25_000;
/** So long a turn is nobody else's after it was given, if nothing is heard of that. Milliseconds. */
const LEAVING_MS = 5_000;
/** So many turns are remembered that were taken over, until whoever had them has heard so. */
const MAX_TAKEN = 10_000;

/**
 * Turns go with their agents: a broker that an agent comes back to asks the others for what it names. Who has a turn keeps it
 * until it has heard that the other one has it, too: then it is the other's.
 */
export class MovedTurns implements Elsewhere, PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  /** By session: what waits for a turn of it that an agent here goes on with. */
  readonly #fetched = new Map<string, { count: number; calls: HeldCalls }>();
  /** To whom a turn of this broker's was given, and until when it is nobody else's. */
  readonly #leaving = new Map<string, { peer: string; until: number }>();
  /** Turns that were taken over, and from whom: told again with each new link, for what was told may be lost. */
  readonly #taken = new Map<string, string>();

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  async fetch(client: Client, wanted: readonly { turn_id: string; session_id: string }[]): Promise<Set<string>> {
    const ended = new Set<string>();
    const until = this.#kernel.clock.now() + LOOK_MS;
    for (const { session_id } of wanted) this.#hold(session_id);
    let n = 0;
    try {
      // One by one: a log may be long, and much that waits for a peer ends the link with it.
      for (const { turn_id, session_id } of wanted) {
        if (client.isOpen && (await this.#fetch(turn_id, session_id, client, until)) === 'ended') ended.add(turn_id);
        this.#letGo(session_id);
        n += 1;
      }
    } finally {
      for (const { session_id } of wanted.slice(n)) this.#letGo(session_id);
    }
    return ended;
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

  opened(peer: PeerStreams): void {
    for (const [turn, from] of this.#taken) if (from === peer.name) this.#tellTaken(turn, from);
  }

  told(peer: PeerStreams, kind: string, body: unknown): void {
    if (kind === TAKEN) {
      const { turn } = body as { turn: string };
      this.#leaving.delete(turn);
      hasMoved(this.#kernel, turn);
      peer.tell(writeJson({ kind: `${TAKEN}.heard`, turn }));
    } else if (kind === `${TAKEN}.heard`) this.#taken.delete((body as { turn: string }).turn);
    if (kind !== UNNAMED) return;
    const { agent } = body as { agent: string };
    // Where it is here by now, it names them here.
    if (!this.#kernel.attached.has(agent)) endOrphans(this.#kernel, agent, 'agent_replaced');
  }

  asked(peer: PeerStreams, method: string, body: string): Promise<string> | undefined {
    if (method !== TAKE) return undefined;
    const wanted = parseJson(body) as Wanted;
    const given = this.#give(peer.name, wanted);
    const text = writeJson(given);
    if (!('turn' in given)) return Promise.resolve(text);
    // One entry may be larger than what may wait, where nothing does.
    if (peer.link.waitingBytes > 0 && !hasRoomFor(peer.link, text)) return Promise.resolve(writeJson({ is: 'later' }));
    this.#leaving.set(wanted.turn_id, { peer: peer.name, until: this.#kernel.clock.now() + LEAVING_MS });
    return Promise.resolve(text);
  }

  #give(peer: string, { agent, revision, turn_id: turnId, session_key: sessionKey }: Wanted): Given {
    const kernel = this.#kernel;
    const { recovery, logs } = kernel.get(TURNS);
    if (recovery?.knows(sessionKey)) return { is: 'later' };
    const now = kernel.clock.now();
    for (const [id, { until }] of this.#leaving) if (until <= now) this.#leaving.delete(id);
    const leaving = this.#leaving.get(turnId);
    if (leaving && leaving.peer !== peer) return { is: 'later' };
    // It may not have heard yet that the agent is elsewhere; or whoever asks has not heard that it is here.
    const own = kernel.attached.get(agent);
    if (own && !this.#cluster.isOlder(agent, revision)) return { is: 'later' };
    if (own) this.#cluster.leave(own);
    const turn = readyToMove(kernel, turnId, agent);
    if (turn) return { turn };
    return { is: logs.find(sessionKey, turnId, now) ? 'ended' : 'unknown' };
  }

  async #hasEnded(turnId: string, sessionKey: string, client: Client): Promise<boolean> {
    const { ended } = this.#kernel.get(TURNS);
    return ended !== undefined && client.isOpen && ended.finds.hasEnded(client, turnId, sessionKey);
  }

  #tellTaken(turn: string, peer: string): void {
    this.#cluster.peer(peer)?.tell(writeJson({ kind: TAKEN, turn }));
  }

  async #fetch(
    turnId: string,
    sessionKey: string,
    client: Client,
    until: number,
  ): Promise<'here' | 'ended' | 'unknown'> {
    const { agentKey = '' } = client;
    let wereAsked = false;
    for (;;) {
      const revision = this.#cluster.ownRevision(agentKey, client.id);
      let isLater = revision === undefined || this.#cluster.awaitsPeer();
      const peers = revision === undefined ? [] : this.#cluster.openPeers();
      for (const name of peers) {
        const wanted = { agent: agentKey, revision, turn_id: turnId, session_key: sessionKey };
        let given: Given;
        try {
          given = parseJson((await this.#cluster.peer(name)?.ask(TAKE, writeJson(wanted))) ?? '') as Given;
        } catch {
          isLater = true;
          continue;
        }
        if ('turn' in given) {
          takeOverTurn(this.#kernel, given.turn);
          if (this.#taken.size < MAX_TAKEN) this.#taken.set(turnId, name);
          this.#tellTaken(turnId, name);
          return 'here';
        }
        if (given.is === 'ended') return 'ended';
        if (given.is === 'later') isLater = true;
      }
      const isLast = !isLater || !client.isOpen || this.#kernel.clock.now() >= until;
      // Whoever had it may be gone: asked when all others have said no, and when nobody is waited for any more.
      if ((isLast || (!wereAsked && revision !== undefined)) && (await this.#hasEnded(turnId, sessionKey, client)))
        return 'ended';
      wereAsked ||= revision !== undefined;
      if (isLast) return 'unknown';
      await new Promise<void>((resolve) => this.#kernel.deadlines.arm(AGAIN_MS, resolve));
    }
  }
}
