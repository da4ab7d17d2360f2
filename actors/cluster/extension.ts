import type { AnyActorRef } from 'xstate';
import { withEffects } from '../../machines/effects.ts';
import { createExtensionMachine, type ExtensionEvent, extensionHotEvents } from '../../machines/extension.machine.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { TERMINAL_KINDS } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type ActorOf, tell } from '../kernel/tell.ts';
import { toolsOf } from '../tools/client-tools.ts';
import { MOVED, RELIEVED } from '../turns/left-readers.ts';
import { clusterError, lostError, tooMuchError } from './cluster-errors.ts';
import {
  type Extension,
  type ExtensionHolds,
  type GuestFrame,
  type HostedTurn,
  mayBeResumed,
} from './extension-record.ts';
import type { GuestClose } from './guest-link.ts';

type Hears = ExtensionEvent<ExtensionHolds>;
type EventOf<T extends Hears['type']> = Extract<Hears, { type: T }>;
interface Args {
  context: { extension: Extension };
  event: Hears;
  self: AnyActorRef;
}

/** What becomes of what an extension had. */
export interface ExtensionEnds {
  /** It has opened: the guest is made. */
  open(extension: Extension): void;
  /** It is over; its streams are nobody's. */
  over(extension: Extension): void;
  /** A turn that may be resumed has lost its way to a connection that reads it. */
  follow(client: Client, turn: HostedTurn): void;
  /** A turn there is over, and the connection was told. */
  ended(): void;
}

/** What an extension is to the broker. */
export const extensionKind = (kernel: Kernel, ends: ExtensionEnds): ChildKind<Extension> => ({
  logic: extensionLogic(kernel, ends),
  ended: (extension) => ends.over(extension),
  failed(extension) {
    extension.isOpen = false;
    kernel.attempt('a broken extension', () => refuseAsked(extension));
    kernel.attempt('a broken extension', () => leaveTurns(kernel, ends, kernel.ref, extension));
    kernel.attempt('a broken extension', () => closeGuest(extension));
    ends.over(extension);
  },
});

function extensionLogic(kernel: Kernel, ends: ExtensionEnds) {
  const eventOf = <T extends Hears['type']>(args: Args, _type: T) => args.event as EventOf<T>;
  const extensionOf = (args: Args) => args.context.extension;

  const passFrame = (extension: Extension, { frame }: EventOf<'extension.frame'>, self: AnyActorRef) => {
    if (frame.kind === 'answer') settle(extension, frame);
    else if (frame.kind === 'request') call(extension, frame, self);
    else notify(ends, extension, frame, self);
  };
  const passToken = (extension: Extension, { token }: EventOf<'extension.token'>, self: AnyActorRef) => {
    const known = extension.tokens.get(token.stream);
    if (!known) return;
    const { head, turnId } = known;
    const turn = extension.turns.get(turnId);
    if (turn) turn.seq = token.seq;
    const { seq, seqFrom, delta } = token;
    tell(self, extension.client.ref, { type: 'chat.token', token: { head, seq, seqFrom, delta } });
  };

  const machine = withEffects(createExtensionMachine<ExtensionHolds>(), {
    openGuest: (args) => {
      const extension = extensionOf(args);
      ends.open(extension);
      const { offered, wantsParamsOnce } = toolsOf(extension.client);
      if (offered.size === 0 && !wantsParamsOnce) return;
      const params = { tools: [...offered].map(([, tool]) => tool), params_once: wantsParamsOnce };
      sayOrClose(extension, writeJson({ jsonrpc: '2.0', method: 'session.init', params }), args.self);
    },
    ask: (args) => {
      const extension = extensionOf(args);
      const { request } = eventOf(args, 'extension.request');
      const id = extension.nextAsk();
      extension.asked.set(id, request);
      const { method, params } = request;
      const text = writeJson({ jsonrpc: '2.0', id, method, params });
      const hasRoom = extension.way.hasRoomFor(text);
      if (hasRoom && say(extension, text)) return;
      extension.asked.delete(id);
      const error = hasRoom ? clusterError(extension.peer) : tooMuchError(kernel.limits);
      request.settle({ error: error.toObject() as unknown as JsonObject }, extension);
    },
    tell: (args) => {
      const extension = extensionOf(args);
      const { method, params } = eventOf(args, 'extension.notify');
      sayOrClose(extension, writeJson({ jsonrpc: '2.0', method, params }), args.self);
    },
    passFrame: (args) => passFrame(extensionOf(args), eventOf(args, 'extension.frame'), args.self),
    passToken: (args) => passToken(extensionOf(args), eventOf(args, 'extension.token'), args.self),
    passAnswer: (args) => {
      const extension = extensionOf(args);
      const { id, answer } = eventOf(args, 'call.answered');
      extension.calls.delete(id as string);
      const text = writeJson({ jsonrpc: '2.0', id, ...answer });
      // Whoever waits for it hears why it does not come.
      const refusal = { jsonrpc: '2.0', id, error: tooMuchError(kernel.limits).toObject() as unknown as JsonObject };
      say(extension, extension.way.hasRoomFor(text) ? text : writeJson(refusal));
    },
    passProgress: (args) => {
      const { params } = eventOf(args, 'callback.progress');
      const extension = extensionOf(args);
      const text = writeJson({ jsonrpc: '2.0', method: 'tools.progress', params });
      // It says no more than how far something is.
      if (extension.way.hasRoomFor(text)) say(extension, text);
    },
    closeGuest: (args) => {
      const extension = extensionOf(args);
      extension.isOpen = false;
      closeGuest(extension);
    },
    refuseAsked: (args) => {
      const extension = extensionOf(args);
      extension.isOpen = false;
      refuseAsked(extension);
    },
    leaveTurns: (args) => leaveTurns(kernel, ends, args.self, extensionOf(args)),
  });
  return withFastPath(machine, extensionHotEvents, {
    'extension.frame': ({ extension }, event, self) => passFrame(extension, event, self),
    'extension.token': ({ extension }, event, self) => passToken(extension, event, self),
  });
}

function settle(extension: Extension, { id, answer }: Extract<GuestFrame, { kind: 'answer' }>): void {
  const asked = extension.asked.get(id as number);
  extension.asked.delete(id as number);
  asked?.settle(answer, extension);
}

/** The other broker asks the connection, for a turn of its: the answer comes back here. */
function call(extension: Extension, frame: Extract<GuestFrame, { kind: 'request' }>, self: AnyActorRef): void {
  const { client, calls } = extension;
  calls.add(frame.id);
  client.calls.set(frame.id, { replyTo: self, progressTo: self });
  tell(self, client.ref, { type: 'chat.frame', text: frame.text });
}

function notify(
  ends: ExtensionEnds,
  extension: Extension,
  frame: Extract<GuestFrame, { kind: 'notification' }>,
  self: AnyActorRef,
): void {
  const { client } = extension;
  const { method, params, text } = frame;
  if (method === MOVED) {
    const turn = extension.turns.get(String(params.turn_id));
    extension.turns.delete(String(params.turn_id));
    if (turn) ends.follow(client, { ...turn, hasWindow: true });
    return;
  }
  if (method === RELIEVED) {
    extension.turns.delete(String(params.turn_id));
    ends.ended();
    return;
  }
  let isEnd = false;
  if (method === 'agents.chat.event') {
    const turn = extension.turns.get(String(params.turn_id));
    if (turn && typeof params.seq === 'number') turn.seq = params.seq;
    else if (turn && params.kind === 'agent_away') turn.isAgentAway = true;
    else if (turn && params.kind === 'agent_back') turn.isAgentAway = false;
    isEnd = turn !== undefined && TERMINAL_KINDS.has(String(params.kind));
    if (isEnd) extension.turns.delete(String(params.turn_id));
  } else if (method === 'tools.cancel') {
    client.calls.delete(params.request_id as string);
    extension.calls.delete(params.request_id as string);
  }
  tell(self, client.ref, { type: 'chat.frame', text });
  if (isEnd) ends.ended();
}

/** The way is gone: what was asked of the connection is withdrawn, and each turn is looked for, or has ended for it. */
function leaveTurns(kernel: Kernel, ends: ExtensionEnds, source: AnyActorRef, extension: Extension): void {
  const { client, calls, turns } = extension;
  for (const id of calls) {
    client.calls.delete(id);
    const params = { request_id: id, action_id: '', reason: 'agent_disconnected' };
    tell(source, client.ref, { type: 'rpc.notify', method: 'tools.cancel', params });
  }
  calls.clear();
  for (const turn of turns.values()) {
    if (mayBeResumed(turn)) ends.follow(client, turn);
    else endAsLost(kernel, source, client, turn);
  }
  turns.clear();
}

/** A turn that cannot be resumed has lost its way to its host: to that it has ended. */
export function endAsLost(kernel: Kernel, source: AnyActorRef, client: Client, turn: HostedTurn): void {
  const error = 'the link with the broker where the agent is was lost';
  endInPlace(kernel, source, client, turn, { error, code: 'peer_lost' });
}

/** The turn is another broker's, and its host hears from this one how it has ended. */
export function endInPlace(
  kernel: Kernel,
  source: AnyActorRef,
  client: Client,
  turn: HostedTurn,
  why: { error: string; code: 'peer_lost' | 'draining' },
): void {
  kernel.counters.event('error');
  const params = {
    session_id: turn.sessionId,
    turn_id: turn.turnId,
    agent_id: turn.agentId,
    kind: 'error',
    ...why,
    seq: turn.seq + 1,
    synthesized: true,
  };
  if (client.isOpen) tell(source, client.ref, { type: 'chat.deliver', params });
}

/** What the guest has to know. Where there is no room for it, it cannot stay: its connection gets another one. */
function sayOrClose(extension: Extension, text: string, self: AnyActorRef): void {
  if (!extension.way.hasRoomFor(text) || !say(extension, text)) giveUp(extension, self, self);
}

/** Too much waits for the other broker. */
export function giveUp(extension: Extension, source: AnyActorRef, self: ActorOf<Hears>): void {
  extension.way.forget();
  closeGuest(extension);
  tell(source, self, { type: 'extension.closed', code: CloseCode.SlowConsumer });
}

const say = ({ way, stream }: Extension, body: string): boolean => way.send({ kind: 'text', stream, body });

function closeGuest(extension: Extension): void {
  const { way, stream, client } = extension;
  // One that is through (1000) waits for nothing that it has there.
  const code = client.hasLeft ? CloseCode.Normal : 1006;
  // What it has still to say is not wanted either.
  if (client.isExpelled || client.isOverrun) way.forget();
  const why = client.isExpelled ? 'expelled' : client.isOverrun ? 'overrun' : undefined;
  const body: GuestClose = { code, ...(why && { why }) };
  way.send({ kind: 'close', stream, body: writeJson(body) });
}

function refuseAsked(extension: Extension): void {
  const asked = [...extension.asked.values()];
  extension.asked.clear();
  const error = lostError(extension.peer).toObject() as unknown as JsonObject;
  for (const { settle } of asked) settle({ error }, extension);
}
