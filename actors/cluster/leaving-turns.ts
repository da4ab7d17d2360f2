import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { firstOf, HeldCalls } from '../turns/held-calls.ts';
import { keepForPeer, type MovedTurn, readyToMove } from '../turns/moved-turn.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster } from './cluster.ts';
import {
  type Asked,
  type AskedPart,
  type Given,
  type GivenPart,
  inPieces,
  PART_LENGTH,
  partOf,
  withoutEvents,
} from './moved-parts.ts';
import { leaveOlder } from './older-connections.ts';
import type { PeerStreams } from './peer-streams.ts';

/** So long a turn is nobody else's after it was given, or a part of it, if nothing is heard of that. Milliseconds. */
const LEAVING_MS = 5_000;
/** And so much longer its own deadlines are put off: what has waited comes before them. Milliseconds. */
const GRACE_MS = 100;
/** So much that connections ask about one turn waits until it is known whose it is. */
const MAX_WAITING = 100;

/** A turn that another broker was given, and which is still here, since that may not have it. */
interface Leaving {
  readonly peer: string;
  readonly sessionKey: string;
  /** As it was given, where that is done in parts. */
  turn: MovedTurn | undefined;
  deadline: Deadline | undefined;
  /** What guests ask about its session. */
  readonly calls: HeldCalls;
  /** What connections of this broker ask about it: to be asked again, wherever that is then. */
  readonly waiting: (() => void)[];
}

/**
 * Turns on their way to other brokers. Until it is known whether one has arrived, nothing that would end it is done here, and what
 * is asked about it waits: there may be two of it.
 */
export class LeavingTurns {
  readonly #kernel: Kernel;
  readonly #cluster: Pick<Cluster, 'places'>;
  readonly #turns = new Map<string, Leaving>();
  readonly #bySession = new Map<string, Leaving>();

  constructor(kernel: Kernel, cluster: Pick<Cluster, 'places'>) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  /** Gives a broker a turn that it asks for, or says why not: again, too, where that was lost. @returns the answer */
  give(peer: PeerStreams, asked: Asked): string {
    const kernel = this.#kernel;
    const { name } = peer;
    const { agent, turn_id: turnId, session_key: sessionKey } = asked;
    if (this.#isLater(name, asked)) return writeJson({ is: 'later' } satisfies Given);
    const { logs, byId } = kernel.get(TURNS);
    const here = byId.get(turnId);
    // What waits for it waits by the name of its session: an agent gives it no other one.
    const turn = here?.sessionKey === sessionKey ? readyToMove(kernel, turnId, agent) : undefined;
    if (!turn) {
      const ended = logs.find(sessionKey, turnId, kernel.clock.now());
      return writeJson({ is: ended ? 'ended' : 'unknown' } satisfies Given);
    }
    const isLong = (here?.log?.bytes ?? 0) > PART_LENGTH;
    const text = writeJson((isLong ? { turn: withoutEvents(turn), next: 0 } : { turn }) satisfies Given);
    if (!peer.hasRoomFor(text)) return writeJson({ is: 'later' } satisfies Given);
    this.#keep(turnId, sessionKey, name, isLong ? inPieces(turn) : undefined);
    return text;
  }

  /** The next part of a turn that was given to a broker. */
  giveMore(peer: PeerStreams, { turn_id: turnId, at }: AskedPart): string {
    const leaving = this.#turns.get(turnId);
    if (!leaving?.turn || leaving.peer !== peer.name || !this.#kernel.get(TURNS).byId.has(turnId))
      return writeJson({ is: 'unknown' } satisfies GivenPart);
    this.#wait(turnId, leaving);
    const text = writeJson(partOf(leaving.turn, at) satisfies GivenPart);
    return peer.hasRoomFor(text) ? text : writeJson({ is: 'later' } satisfies GivenPart);
  }

  #isLater(name: string, { agent, revision, turn_id: turnId, session_key: sessionKey }: Asked): boolean {
    if (this.#kernel.get(TURNS).recovery?.knows(sessionKey)) return true;
    if ((this.#turns.get(turnId)?.peer ?? name) !== name) return true;
    // It may not have heard yet that the agent is elsewhere; or whoever asks has not heard that it is here.
    return leaveOlder(this.#kernel, this.#cluster.places, agent, revision);
  }

  #keep(turnId: string, sessionKey: string, peer: string, turn: MovedTurn | undefined): void {
    const known = this.#turns.get(turnId);
    const leaving: Leaving = known ?? {
      peer,
      sessionKey,
      turn,
      deadline: undefined,
      calls: new HeldCalls(),
      waiting: [],
    };
    leaving.turn = turn;
    this.#turns.set(turnId, leaving);
    this.#bySession.set(sessionKey, leaving);
    this.#wait(turnId, leaving);
  }

  #wait(turnId: string, leaving: Leaving): void {
    const { deadlines } = this.#kernel;
    deadlines.disarm(leaving.deadline);
    leaving.deadline = deadlines.arm(LEAVING_MS, () => this.end(turnId));
    keepForPeer(this.#kernel, turnId, LEAVING_MS + GRACE_MS);
  }

  /**
   * It is known whose a turn is, or has to be taken to be here.
   * @param before - done before what has waited
   * @returns whether it was given to anybody
   */
  end(turnId: string, before: () => void = () => {}): boolean {
    const leaving = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    if (leaving && this.#bySession.get(leaving.sessionKey) === leaving) this.#bySession.delete(leaving.sessionKey);
    before();
    if (!leaving) return false;
    this.#kernel.deadlines.disarm(leaving.deadline);
    for (const run of leaving.waiting) this.#kernel.attempt('what was asked about a turn', run);
    leaving.calls.release(this.#kernel, () => {});
    return true;
  }

  /** What waits for a turn of one of these sessions. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined {
    return firstOf(this.#bySession, sessionKeys)?.calls;
  }

  /** Has what a connection asks about a session wait while its turn is given away. @returns whether it waits */
  waits(client: Client, sessionId: string, run: () => void): boolean {
    if (this.#bySession.size === 0) return false;
    const leaving = this.#bySession.get(agentSessionId(client.principal, sessionId)) ?? this.#bySession.get(sessionId);
    if (!leaving || leaving.waiting.length >= MAX_WAITING) return false;
    leaving.waiting.push(() => {
      if (client.isOpen) run();
    });
    return true;
  }
}
