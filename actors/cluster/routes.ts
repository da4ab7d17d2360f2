import { WireError } from '../../protocol/errors.ts';
import { withRoom } from '../../protocol/guest-room.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { isGuest } from '../../protocol/link.ts';
import type { Place } from '../../protocol/method.ts';
import { agentKey } from '../../protocol/principal.ts';
import { FIND_TURN } from '../approvals/gated-turn.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { attachedFor, mayUse } from '../kernel/sight.ts';
import { metaOf } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { type Call, DISPATCHER, type Elsewhere } from '../requests/dispatcher.ts';
import { type Answer, relayAnswer, reply } from '../requests/reply.ts';
import { type Asker, answerAskers } from '../turns/askers.ts';
import { brokerMeant, chatElsewhere } from '../turns/elsewhere.ts';
import type { QueuedChat } from '../turns/sessions.ts';
import { SAME_HOST } from '../turns/subscription.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster } from './cluster.ts';
import { clusterError } from './cluster-errors.ts';
import { listOfAll, snapshotOfAll } from './everybody.ts';
import type { Extension, GuestAnswer } from './extension-record.ts';
import { extensionsOf } from './extensions.ts';
import { forgetWatched, hostedAt, noteCancel, noteTurn } from './noted-turns.ts';
import { sealedAnswer } from './sealed-answer.ts';
import { type Found, isLost, isUnknown, TurnSearch } from './turn-search.ts';

type AnyCall = Call<unknown>;

const CHAT = 'agents.chat';
/** So often a chat is sent on, because its session or its agent is at another broker than was thought. */
const MAX_HOPS = 4;

/** Decides which broker of the cluster carries a request out, and has it done there (`docs/cluster.md`). */
export class Routes implements Elsewhere {
  readonly #cluster: Cluster;
  readonly search: TurnSearch;
  /** A connection asks itself for a turn that is looked for in its place, or for whichever is in a session. */
  asksItself: (from: Client, meant: { turn?: string | undefined; session?: string | undefined }) => void = () => {};
  /** What is asked about a session waits while its turn is looked for. */
  waits: (from: Client, sessionId: string, run: () => void) => boolean = () => false;

  /** How many events of other brokers were told so far that change what a snapshot shows. */
  changes: () => number = () => 0;

  /** Who hears of surfaces at the home broker. */
  readonly #watchers = new WeakSet<Client>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.search = new TurnSearch(cluster, this.#ask);
  }

  takes(call: AnyCall, method: string, place: Place): boolean {
    switch (place) {
      case 'agent':
        return this.#toAgent(call);
      case 'home':
        return this.#toHome(call, method);
      case 'owner':
        return this.#toOwner(call, method);
      case 'all':
        return this.#toAll(call, method);
      case 'snapshot':
        return this.#snapshot(call, method);
      case 'told':
        return this.#toAllGuests(call, method);
      case 'named':
        return this.#toNamed(call, method);
    }
  }

  /** Where the agent is that the chat names, unless its session is somewhere else: behind its turn it has to wait there. */
  #toAgent(call: AnyCall): boolean {
    const { kernel, from, id, params } = call;
    const { agent_id: agentId, session_id: sessionId } = params as { agent_id: string; session_id?: string };
    if (!mayUse(from, agentId)) return false;
    const answer = (found: Found) => {
      if ('own' in found) reply(kernel, from, id, found.own);
      else this.#answer(call, CHAT, found.answer, found.extension);
    };
    const place = this.#cluster.places.of(agentKey(from.tenant, agentId))?.broker;
    const isHere = attachedFor(kernel, from, agentId) || place === undefined || place === this.#cluster.id;
    const peer = isHere ? undefined : place;
    if (sessionId === undefined) {
      if (peer !== undefined) this.#chat(call, peer, answer);
      return peer !== undefined;
    }
    const { sessions } = kernel.get(TURNS);
    const sessionKey = agentSessionId(from.principal, sessionId);
    const isOwn = sessions.live(sessionKey) !== undefined || sessions.next(sessionKey) !== undefined;
    this.#chat(call, isOwn ? undefined : (hostedAt(from, sessionId) ?? peer), answer);
    return true;
  }

  /**
   * Has a chat carried out at a broker, and where that says that it is another one's, at that one.
   * @param peer - undefined: here
   */
  #chat(call: AnyCall, peer: string | undefined, settle: (found: Found) => void, hops = 0): void {
    const { kernel, from } = call;
    const { session_id: session } = call.params as { session_id?: string };
    // While the turn before it is looked for nobody knows there that it is this connection's.
    if (
      session !== undefined &&
      this.waits(from, session, () => this.#chat(call, hostedAt(from, session) ?? peer, settle, hops))
    )
      return;
    const heard = (found: Found) => {
      const answer = 'own' in found ? found.own : found.answer;
      const meant = 'error' in answer ? brokerMeant(answer.error) : undefined;
      if (meant === undefined) settle(found);
      else if (hops >= MAX_HOPS) settle({ own: { error: clusterError(meant) } });
      else this.#chat(call, meant === this.#cluster.id ? undefined : meant, settle, hops + 1);
    };
    if (peer === undefined) {
      kernel.get(DISPATCHER).carryOutHere(call, CHAT, (own) => heard({ own }));
      return;
    }
    try {
      this.#ask(call, CHAT, peer, (answer, extension) => heard({ answer, extension }));
    } catch (error) {
      settle({ own: { error: toWireError(kernel, CHAT, error) } });
    }
  }

  /** There is a link with the home broker again: who hears of surfaces there has to say so anew. */
  subscribeAgain(kernel: AnyCall['kernel'], home: string): void {
    for (const from of kernel.clients.values()) {
      if (!from.isOpen || !this.#watchers.has(from)) continue;
      const call = { kernel, from, id: undefined, params: {}, trace: undefined };
      try {
        this.#ask(call, 'a2ui/subscribe', home, () => {});
      } catch (err) {
        kernel.sparseLog.warn({ err, client: from.id }, 'who hears of surfaces could not be told to the home broker');
      }
    }
  }

  #toHome(call: AnyCall, method: string): boolean {
    const { home, id } = this.#cluster;
    if (home === undefined || home === id || isOwn(call, method)) return false;
    if (method === 'a2ui/subscribe') this.#watchers.add(call.from);
    else if (method === 'a2ui/unsubscribe') this.#watchers.delete(call.from);
    this.#forward(withTurnOf(call, method), method, home);
    return true;
  }

  #toOwner(call: AnyCall, method: string): boolean {
    const { kernel, from, id } = call;
    const { session_id: session, turn_id: turn } = call.params as { session_id?: string; turn_id?: string };
    if (method.endsWith('subscribe')) this.asksItself(from, { turn, session });
    // While it is looked for nobody knows that it is this connection's.
    const isAsked = session !== undefined && !method.endsWith('subscribe');
    if (isAsked && this.waits(from, session, () => this.#again(call, method))) return true;
    // One that it has there is there.
    const known = session === undefined ? undefined : hostedAt(from, session);
    if (known) {
      this.#ask(withoutOwnClaim(call), method, known, (answer, extension) => {
        const again = () => this.#again(call, method);
        // It has moved on meanwhile: it is looked for by now, or was found already.
        const isGone = isAsked && isNothing(method, answer);
        if (isGone && this.waits(from, session, again)) return;
        if (isGone && hostedAt(from, session) !== known) again();
        else this.#answer(call, method, answer, extension);
      });
      return true;
    }
    // Whoever is missing may be there again in time, or have left what is asked for.
    const isLooked = method === 'agents.chat.subscribe';
    const mayCome = this.#cluster.awaitsPeer() || (isLooked && kernel.get(TURNS).ended !== undefined);
    if (this.#cluster.openPeers().length === 0 && !mayCome) return false;
    const answer = (found: Found) => {
      if ('own' in found) reply(kernel, from, id, found.own);
      else this.#answer(call, method, found.answer, found.extension);
    };
    if (isLooked) this.search.subscribe(withoutOwnClaim(call), answer);
    else this.findOwner(call, method, answer);
    return true;
  }

  #again(call: AnyCall, method: string): void {
    const { kernel, from, id } = call;
    try {
      if (!this.#toOwner(call, method))
        kernel.get(DISPATCHER).carryOutHere(call, method, (own) => reply(kernel, from, id, own));
    } catch (error) {
      reply(kernel, from, id, { error: toWireError(kernel, method, error) });
    }
  }

  /** This broker's own word counts unless it says that it knows of nothing; then the first that knows more. */
  findOwner(call: AnyCall, method: string, settle: (found: Found) => void): void {
    const peers = this.#cluster.openPeers();
    call.kernel.get(DISPATCHER).carryOutHere(call, method, (own) => {
      if (peers.length === 0 || !isNothing(method, own)) {
        settle({ own });
        return;
      }
      let left = peers.length;
      let isFound = false;
      const hear = (answer: GuestAnswer, extension: Extension) => {
        left -= 1;
        if (isFound) return;
        const isNone = isNothing(method, answer) || ('error' in answer && isLost(answer.error));
        if (isNone && left > 0) return;
        isFound = true;
        settle(isNone ? { own } : { answer, extension });
      };
      for (const peer of peers) {
        try {
          this.#ask(call, method, peer, hear);
        } catch {
          left -= 1;
          if (left === 0 && !isFound) settle({ own });
        }
      }
    });
  }

  #toAll(call: AnyCall, method: string): boolean {
    const peers = this.#cluster.openPeers();
    if (peers.length === 0) return false;
    listOfAll(call, method, peers, this.#ask);
    return true;
  }

  /** @throws {WireError} `-32014` where there is no broker of that name */
  #toNamed(call: AnyCall, method: string): boolean {
    const { broker } = call.params as { broker?: string };
    if (broker === undefined || broker === this.#cluster.id) return false;
    if (!this.#cluster.peer(broker)) throw WireError.notFound('broker');
    this.#forward(call, method, broker);
    return true;
  }

  #snapshot(call: AnyCall, method: string): boolean {
    const peers = this.#cluster.openPeers();
    if (peers.length === 0) return false;
    snapshotOfAll(call, method, () => this.#cluster.openPeers(), this.#ask, this.changes);
    return true;
  }

  /** Carried out here, and said to each broker where the connection has a guest. */
  #toAllGuests(call: AnyCall, method: string): boolean {
    const { kernel, from, id, params } = call;
    const extensions = extensionsOf(from);
    if (extensions.size === 0) return false;
    kernel.get(DISPATCHER).carryOutHere(call, method, (own) => {
      if (!('error' in own))
        for (const [, { ref }] of extensions)
          if (ref) tell(kernel.ref, ref, { type: 'extension.notify', method, params: params as JsonObject });
      reply(kernel, from, id, own);
    });
    return true;
  }

  /** A chat that has waited here, and whose agent is at another broker. A guest's own broker asks there itself. */
  passOn(kernel: Kernel, { askers, params, trace }: QueuedChat, peer: string): void {
    const guests = askers.filter(({ client }) => isGuest(client.link));
    answerAskers(kernel, guests, () => ({ error: chatElsewhere(peer) }));
    const own = askers.filter(({ client }) => !isGuest(client.link));
    this.#passOn({ kernel, params, trace }, own, peer);
  }

  /** In the name of who has asked last. Where he goes before it is answered, it is asked again for the others: it may be there by then. */
  #passOn(chat: Pick<AnyCall, 'kernel' | 'params' | 'trace'>, askers: readonly Asker[], peer: string): void {
    const open = askers.filter(({ client }) => client.isOpen);
    const last = open.at(-1);
    if (!last) return;
    const call = { ...chat, from: last.client, id: last.id };
    this.#chat(call, peer, (found) => {
      if (!last.client.isOpen) this.#passOn(chat, open, peer);
      else
        for (const { client, id } of open)
          if ('own' in found) reply(chat.kernel, client, id, found.own);
          else this.#answer({ ...call, from: client, id }, CHAT, found.answer, found.extension);
    });
  }

  #forward(call: AnyCall, method: string, peer: string): void {
    this.#ask(call, method, peer, (answer, extension) => this.#answer(call, method, answer, extension));
  }

  /** @throws {WireError} where that broker cannot be asked now */
  readonly #ask = (
    call: AnyCall,
    method: string,
    peer: string,
    settle: (answer: GuestAnswer, extension: Extension) => void,
  ): void => {
    const { kernel, from, trace } = call;
    const extension = this.#cluster.extensionOf(from, peer);
    if (!extension?.ref) throw clusterError(peer);
    const meta = { ...(call.params as object), ...metaOf(trace) };
    const params = call.room ? withRoom(meta, call.room) : meta;
    tell(kernel.ref, extension.ref, { type: 'extension.request', request: { method, params, settle } });
  };

  #answer({ kernel, from, id, params }: AnyCall, method: string, answer: GuestAnswer, extension: Extension): void {
    if (!from.isOpen) return;
    if ('error' in answer) {
      relayAnswer(kernel, from, id, answer);
      return;
    }
    if (method === 'agents.chat.unsubscribe') forgetWatched(extension, params as JsonObject);
    if (method === 'agents.chat.cancel') noteCancel(extension, params as JsonObject, kernel.clock.now());
    noteTurn(extension, method, params as JsonObject, answer.result);
    reply(kernel, from, id, sealedAnswer(method, answer.result));
  }
}

/**
 * What is a connection's own, and known of it here: facts of one that is no agent, which end with it, and what an agent
 * registers of itself.
 */
function isOwn({ from, params }: AnyCall, method: string): boolean {
  if (method.startsWith('memory.')) return from.agentId === undefined;
  const { id, agent_id: agentId = id } = params as { id?: string; agent_id?: string };
  return method.startsWith('host.') && from.agentId !== undefined && agentId === from.agentId;
}

/**
 * A request about surfaces, with whose turn it names: that turn is known here.
 * @throws {WireError} `-32014`
 */
function withTurnOf(call: AnyCall, method: string): AnyCall {
  const { session_id: session } = call.params as { session_id?: unknown };
  if (!method.startsWith('a2ui.') || typeof session !== 'string') return call;
  const turn = call.kernel.get(FIND_TURN)(session, call.from);
  if (!turn) throw WireError.notFound('session');
  return { ...call, room: turn.owner };
}

/** Whether that broker knows of nothing that was meant. To cancel what is not there is no error. */
const isNothing = (method: string, answer: Answer | GuestAnswer): boolean =>
  'error' in answer
    ? isUnknown(answer.error)
    : method === 'voice.tts_stream.cancel' && isObject(answer.result) && answer.result.cancelled === false;

/** What brokers say among themselves no client says. */
function withoutOwnClaim(call: AnyCall): AnyCall {
  const { claim, ...params } = call.params as { claim?: string };
  return claim === SAME_HOST ? { ...call, params } : call;
}
