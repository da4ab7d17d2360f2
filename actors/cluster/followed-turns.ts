import { cancelParams } from '../../protocol/chat.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { parseParams } from '../../protocol/params.ts';
import { type ChatSubscribeResult, chatSubscribeParams, isEnded } from '../../protocol/resume.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { closeOverrun } from '../kernel/overrun.ts';
import { SAME_HOST } from '../turns/subscription.ts';
import { announceTo } from '../turns/turn-relay.ts';
import { TURNS } from '../turns/turns.ts';
import { endAsLost } from './extension.ts';
import type { HostedTurn } from './extension-record.ts';
import { noteTurn } from './noted-turns.ts';
import type { Routes } from './routes.ts';
import { ENDED_AGAIN_MS, type Found, findEnded } from './turn-search.ts';

/** A turn is asked for again after so long at first, and then after twice as long each time, up to the last. Milliseconds. */
const FIRST_MS = 100;
const LAST_MS = 2_000;
/** So much that a connection asks about one turn waits until that is found. */
const MAX_WAITING = 100;
/** How a turn stands whose agent is there. */
const AGENT_IS_THERE: ReadonlySet<string> = new Set(['streaming', 'parked', 'detached']);

interface Followed {
  readonly client: Client;
  readonly turn: HostedTurn;
  /** In the clock's milliseconds: then nobody has it. */
  readonly until: number;
  waitMs: number;
  deadline: Deadline | undefined;
  isAsking: boolean;
  /** When it is looked for among turns that have ended, in the clock's milliseconds. */
  nextEnded: number;
  /** It is to be asked for again as soon as that is answered: something has changed meanwhile. */
  isChanged: boolean;
  /** It is asked for by what brokers of a cluster know alone, and not by its own token. */
  isByPass: boolean;
  /** What its reader asks about it meanwhile: to be asked when it has been found, or is given up. */
  readonly waiting: (() => void)[];
}

/**
 * Turns that have lost their way to a connection of this broker's: with a link, with a broker, or because they have moved with
 * their agent. Each is looked for, at all brokers, until one has it; its reader sees a pause. `agents.chat.subscribe` in the
 * reader's place, from after the last event that it had.
 */
export class FollowedTurns {
  readonly #kernel: Kernel;
  readonly #routes: Routes;
  /** By whose they are, and by their agent's id: who goes, or comes, is not to look at everybody's. */
  readonly #byClient = new Map<Client, Set<Followed>>();
  readonly #byAgent = new Map<string, Set<Followed>>();
  readonly #byTurn = new Map<string, Set<Followed>>();

  constructor(kernel: Kernel, routes: Routes) {
    this.#kernel = kernel;
    this.#routes = routes;
  }

  follow(client: Client, turn: HostedTurn): void {
    if (!client.isOpen) return;
    const { clock, limits } = this.#kernel;
    // As long as its agent may be away, and a little for whoever takes it up.
    const until = clock.now() + limits.agentWindowMs + LAST_MS;
    const followed: Followed = {
      client,
      turn,
      until,
      waitMs: FIRST_MS,
      deadline: undefined,
      isAsking: false,
      nextEnded: Number.NEGATIVE_INFINITY,
      isChanged: false,
      isByPass: true,
      waiting: [],
    };
    add(this.#byClient, client, followed);
    add(this.#byAgent, turn.agentId, followed);
    add(this.#byTurn, turn.turnId, followed);
    this.#ask(followed);
  }

  /** Something has changed: another broker is there, or this agent. */
  again(agentId?: string): void {
    const meant = agentId === undefined ? [...this.#byClient.values()] : [this.#byAgent.get(agentId) ?? []];
    this.#again(meant.flatMap((some) => [...some]));
  }

  /** The turn is known to be somewhere. */
  againTurn(turnId: string): void {
    this.#again([...(this.#byTurn.get(turnId) ?? [])]);
  }

  #again(meant: readonly Followed[]): void {
    for (const followed of meant) {
      followed.waitMs = FIRST_MS;
      followed.isChanged = followed.isAsking;
      if (followed.isAsking) continue;
      this.#kernel.deadlines.disarm(followed.deadline);
      this.#ask(followed);
    }
  }

  /**
   * Has what a connection asks about a session wait while its turn is looked for: until that is found, nobody there knows whose
   * it is. @returns whether it waits
   */
  waits(client: Client, sessionId: string, run: () => void): boolean {
    for (const followed of this.#byClient.get(client) ?? []) {
      if (followed.turn.sessionId !== sessionId) continue;
      if (followed.waiting.length >= MAX_WAITING) return false;
      followed.waiting.push(run);
      return true;
    }
    return false;
  }

  /** A connection is gone, or asks for that turn itself. */
  drop(client: Client, isMeant: (turn: HostedTurn) => boolean = () => true): void {
    for (const followed of this.#byClient.get(client) ?? []) if (isMeant(followed.turn)) this.#end(followed);
  }

  #end(followed: Followed): void {
    remove(this.#byClient, followed.client, followed);
    remove(this.#byAgent, followed.turn.agentId, followed);
    remove(this.#byTurn, followed.turn.turnId, followed);
    this.#kernel.deadlines.disarm(followed.deadline);
    if (followed.waiting.length === 0) return;
    // Not before the turn is noted where it is.
    queueMicrotask(() => {
      for (const run of followed.waiting)
        if (followed.client.isOpen) this.#kernel.attempt('what was asked about a turn', run);
    });
  }

  #ask(followed: Followed): void {
    const { client, turn } = followed;
    const { turnId, sessionId, role, isOpener, seq } = turn;
    const { tickets } = this.#kernel.get(TURNS);
    const resumeToken = followed.isByPass ? tickets?.passOf(turnId) : turn.resumeToken;
    const claim = isOpener ? SAME_HOST : turn.claim;
    const said = {
      session_id: sessionId,
      turn_id: turnId,
      after: seq,
      role,
      ...(resumeToken === undefined ? {} : { resume_token: resumeToken }),
      // Somebody else may have taken it over meanwhile.
      ...(claim === undefined ? {} : { claim, unless_taken: true }),
    };
    followed.isAsking = true;
    const params = parseParams(chatSubscribeParams, said);
    const call = { kernel: this.#kernel, from: client, id: undefined, params, trace: undefined };
    this.#routes.search.once(call, (found) => {
      followed.isAsking = false;
      if (this.#byClient.get(client)?.has(followed)) this.#settle(followed, found);
    });
  }

  /** A cancel with grace that was said to its last broker: the next one may not know of it. */
  #cancelAgain({ client, turn }: Followed, { status }: Partial<ChatSubscribeResult>): void {
    const { sessionId, graceEndsAt } = turn;
    if (graceEndsAt === undefined || status === 'cancelling' || isEnded(status)) return;
    const kernel = this.#kernel;
    const grace_ms = Math.max(0, Math.round(graceEndsAt - kernel.clock.now()));
    const params = parseParams(cancelParams, { session_id: sessionId, grace_ms });
    this.#routes.findOwner(
      { kernel, from: client, id: undefined, params, trace: undefined },
      'agents.chat.cancel',
      () => {},
    );
  }

  #settle(followed: Followed, found: Found): void {
    const { client, turn } = followed;
    const kernel = this.#kernel;
    const answer = 'own' in found ? found.own : found.answer;
    if (!('error' in answer)) {
      this.#end(followed);
      const result = answer.result as { recovered?: boolean; status?: string };
      // Who had told that it is away has the turn no more.
      if (turn.isAgentAway && AGENT_IS_THERE.has(result.status ?? ''))
        announceTo(kernel.ref, client, { ...turn, id: turn.turnId }, { kind: 'agent_back' });
      if ('extension' in found) {
        const { seq: after, role, claim, isOpener, resumeToken: resume_token, agentId: agent_id, hasWindow } = turn;
        const asked = isOpener ? 'agents.chat' : 'agents.chat.subscribe';
        noteTurn(found.extension, asked, { after, role, claim, resume_token, agent_id, hasWindow }, answer.result);
        const noted = found.extension.turns.get(turn.turnId);
        if (noted) noted.graceEndsAt = turn.graceEndsAt;
      }
      this.#cancelAgain(followed, answer.result as Partial<ChatSubscribeResult>);
      if (result.recovered === false) this.#cannotKeepUp(client, turn);
      return;
    }
    const { code, data } = answer.error as { code: number; data?: { reason?: unknown } };
    if (code === ErrorCode.Forbidden && data?.reason === 'taken_over') {
      // Somebody else has taken it over meanwhile.
      this.#end(followed);
      return;
    }
    // Not all brokers were given the same tokens.
    if (code === ErrorCode.Forbidden && turn.resumeToken !== undefined) followed.isByPass = !followed.isByPass;
    const { clock } = kernel;
    const isLast = clock.now() >= followed.until;
    if (code !== ErrorCode.NotFound || (!isLast && clock.now() < followed.nextEnded)) {
      this.#goOn(followed, isLast);
      return;
    }
    followed.nextEnded = clock.now() + ENDED_AGAIN_MS;
    followed.isAsking = true;
    // Its broker may have told the end of it to whoever asks now, and died before its reader here had that.
    void findEnded(kernel, client, { session_id: turn.sessionId, turn_id: turn.turnId }).then((isHere) => {
      followed.isAsking = false;
      if (!this.#byClient.get(client)?.has(followed)) return;
      if (isHere) this.#ask(followed);
      else this.#goOn(followed, isLast);
    });
  }

  /**
   * What lies between is gone but for its text, which is given to whoever asks for the turn himself: he can do that by another
   * connection alone, as if his own had been too slow.
   */
  #cannotKeepUp(client: Client, { turnId }: HostedTurn): void {
    const { log, ref } = this.#kernel;
    log.warn({ turn: turnId, client: client.id }, 'a reader lacks events that are kept no more');
    if (client.isOpen) closeOverrun(client, ref);
  }

  #goOn(followed: Followed, isLast: boolean): void {
    const { client, turn, waitMs } = followed;
    const kernel = this.#kernel;
    if (isLast) {
      this.#end(followed);
      endAsLost(kernel, kernel.ref, client, turn);
      return;
    }
    if (followed.isChanged) {
      followed.isChanged = false;
      this.#ask(followed);
      return;
    }
    followed.deadline = kernel.deadlines.arm(waitMs, () => this.#ask(followed));
    followed.waitMs = Math.min(waitMs * 2, LAST_MS);
  }
}

function add<K>(all: Map<K, Set<Followed>>, key: K, followed: Followed): void {
  const some = all.get(key);
  if (some) some.add(followed);
  else all.set(key, new Set([followed]));
}

function remove<K>(all: Map<K, Set<Followed>>, key: K, followed: Followed): void {
  const some = all.get(key);
  if (some?.delete(followed) && some.size === 0) all.delete(key);
}
