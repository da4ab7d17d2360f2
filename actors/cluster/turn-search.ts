import { ErrorCode, type WireError } from '../../protocol/errors.ts';
import { withLook } from '../../protocol/guest-room.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { type Call, DISPATCHER } from '../requests/dispatcher.ts';
import type { Answer } from '../requests/reply.ts';
import type { SeenTurn } from '../turns/subscribe.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster } from './cluster.ts';
import type { Extension, GuestAnswer } from './extension-record.ts';

type AnyCall = Call<unknown>;

/** Asks one other broker in a connection's name. @throws {WireError} where it cannot be asked now */
export type Ask = (
  call: AnyCall,
  method: string,
  peer: string,
  settle: (answer: GuestAnswer, extension: Extension) => void,
) => void;

/** Who has answered: this broker, or another one. */
export type Found = { own: Answer } | { answer: GuestAnswer; extension: Extension };

/** A turn that may be meant, and at which broker; undefined: this one. */
interface Candidate extends SeenTurn {
  readonly peer: string | undefined;
}

const SUBSCRIBE = 'agents.chat.subscribe';
/** How many turns are looked for in a connection's place. */
const looking = slot(() => ({ count: 0 }));
const MAX_LOOKED = 1_000;
/** So often all brokers are asked, at least: a turn on its way from one to another may have been at neither once. */
const ROUNDS = 2;
/**
 * Where a broker is missing, or was a moment ago, a turn that nobody knows is looked for again after so long, and then after twice as
 * long each time, up to the second; and for so long: from when all brokers are there; in all, as long as an agent may be
 * away. Milliseconds.
 */
const LOOK_AGAIN_MS = 100;
const LOOK_AGAIN_MOST_MS = 800;
const LOOKED_MS = 1_000;
/** So often, meanwhile, it is looked for among those that have ended: at first, at last, and after so long again. Milliseconds. */
export const ENDED_AGAIN_MS = 5_000;
/** A turn that has ended is no longer held back for a broker that does not answer. Milliseconds. */
const ENDED_MS = 2_000;

/**
 * Has `agents.chat.subscribe` carried out at the one broker that has the turn which is meant: first each says which it has, then
 * that turn is taken up by its id. So a live turn elsewhere counts more than an older one here, and none is taken up twice.
 */
export class TurnSearch {
  readonly #cluster: Cluster;
  readonly #ask: Ask;
  #openedAt = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster, ask: Ask) {
    this.#cluster = cluster;
    this.#ask = ask;
  }

  /**
   * Who comes back to a turn may find that it is on its way from one broker to another, or that its broker is started again:
   * nobody knows it then, for a while. Or that it has ended, and its broker is gone. Of one connection's so many wait at a time; more are answered at once.
   */
  subscribe(call: AnyCall, settle: (found: Found) => void): void {
    const { kernel, from } = call;
    const { clock, deadlines, limits } = kernel;
    const looked = looking.of(from);
    const mayWait = looked.count < MAX_LOOKED;
    if (mayWait) looked.count += 1;
    const since = clock.now();
    let rounds = 0;
    let waitMs = LOOK_AGAIN_MS;
    let nextEnded = since;
    const end = (found: Found) => {
      if (mayWait) looked.count -= 1;
      settle(found);
    };
    const look = () => this.once(call, judge);
    const judge = (found: Found): void => {
      if (!isNothing(found) || !mayWait || !from.isOpen) {
        end(found);
        return;
      }
      rounds += 1;
      const now = clock.now();
      // A broker that is there again has yet to be asked, and so has whoever its turns go to.
      const isWhole = !this.#cluster.awaitsPeer() && now - this.#openedAt >= LOOKED_MS;
      const isLast = now - since >= limits.agentWindowMs || (isWhole && rounds >= ROUNDS);
      const goOn = () => {
        if (isLast || !from.isOpen) end(found);
        else if (isWhole) look();
        else {
          deadlines.arm(waitMs, look);
          waitMs = Math.min(waitMs * 2, LOOK_AGAIN_MOST_MS);
        }
      };
      if (!isLast && now < nextEnded) {
        goOn();
        return;
      }
      nextEnded = now + ENDED_AGAIN_MS;
      void findEnded(kernel, from, call.params).then((isHere) => {
        if (isHere) kernel.get(DISPATCHER).carryOutHere(call, SUBSCRIBE, (own) => end({ own }));
        else goOn();
      });
    };
    look();
  }

  /** There is a link with one more broker, in the clock's milliseconds. */
  opened(now: number): void {
    this.#openedAt = now;
  }

  /** Asks everybody once. */
  once(call: AnyCall, settle: (found: Found) => void): void {
    const { turn_id: turnId } = call.params as { turn_id?: string };
    const dispatcher = call.kernel.get(DISPATCHER);
    const here = () => dispatcher.carryOutHere(call, SUBSCRIBE, (own) => settle({ own }));
    const peers = this.#cluster.openPeers();
    if (peers.length === 0) {
      here();
      return;
    }
    dispatcher.carryOutHere({ ...call, looks: true }, SUBSCRIBE, (own) => {
      const seen = 'error' in own ? undefined : (own.result as SeenTurn);
      const counts = seen
        ? seen.is !== 'ended' || turnId !== undefined
        : !isUnknown((own as { error: WireError }).error);
      if (counts) here();
      else
        this.#lookAround(call, peers, seen, (best, refused) => {
          if (best?.peer !== undefined) this.#takeUp(call, best.turn_id, best.peer, settle, here);
          else if (!best && refused) settle(refused);
          else here();
        });
    });
  }

  /** @param done - called once: with what counts most, and with why a broker would not say, if one would not */
  #lookAround(
    call: AnyCall,
    peers: readonly string[],
    own: SeenTurn | undefined,
    done: (best: Candidate | undefined, refused: Found | undefined) => void,
  ): void {
    const { deadlines } = call.kernel;
    let best: Candidate | undefined = own && { ...own, peer: undefined };
    let refused: Found | undefined;
    let left = peers.length;
    let isOver = false;
    let isLate = false;
    const finish = () => {
      if (isOver) return;
      isOver = true;
      deadlines.disarm(deadline);
      done(best, refused);
    };
    const deadline = deadlines.arm(ENDED_MS, () => {
      isLate = true;
      if (best) finish();
    });
    const heard = (peer: string, answer: GuestAnswer | undefined, extension?: Extension) => {
      left -= 1;
      if (answer && 'result' in answer) best = better(best, { ...(answer.result as SeenTurn), peer });
      else if (answer && extension && !isUnknown(answer.error) && !isLost(answer.error))
        refused = { answer, extension };
      if (left === 0 || best?.is === 'live' || (isLate && best)) finish();
    };
    const looks = { ...call, params: withLook(call.params as object) };
    for (const peer of peers) {
      try {
        this.#ask(looks, SUBSCRIBE, peer, (answer, extension) => heard(peer, answer, extension));
      } catch {
        heard(peer, undefined);
      }
    }
  }

  #takeUp(call: AnyCall, turn_id: string, peer: string, settle: (found: Found) => void, here: () => void): void {
    const named = { ...call, params: { ...(call.params as object), turn_id } };
    try {
      this.#ask(named, SUBSCRIBE, peer, (answer, extension) => settle({ answer, extension }));
    } catch {
      here();
    }
  }
}

/** Whether what a subscription means may have ended at a broker that is gone: then its log is here now. */
export async function findEnded(kernel: Kernel, from: Client, params: unknown): Promise<boolean> {
  const { ended } = kernel.get(TURNS);
  const { session_id: session, turn_id: turn } = params as { session_id: string; turn_id?: string };
  return ended !== undefined && from.isOpen && (await ended.finds.find(from, session, turn)) && from.isOpen;
}

const RANKS = { live: 2, orphaned: 1, ended: 0 } as const;

/** A live turn counts more than one that has ended, and that ended the newest; ids sort by the time that they were made. */
function better(one: Candidate | undefined, other: Candidate): Candidate {
  if (!one || RANKS[other.is] > RANKS[one.is]) return other;
  return RANKS[other.is] === RANKS[one.is] && other.turn_id > one.turn_id ? other : one;
}

/** Whether nobody has it, as far as is known. */
const isNothing = (found: Found): boolean => {
  const answer = 'own' in found ? found.own : found.answer;
  return 'error' in answer && (isUnknown(answer.error) || ('extension' in found && isLost(answer.error as JsonObject)));
};

/** Whether that broker knows of nothing that was meant. */
export function isUnknown({ code, data }: WireError | JsonObject): boolean {
  return code === ErrorCode.NotFound || (code === ErrorCode.ApprovalNotPending && data === undefined);
}

/** Whether there is no broker that could say. */
export const isLost = ({ code }: JsonObject): boolean => code === ErrorCode.AgentNotAttached;
