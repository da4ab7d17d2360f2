import type { AnyActorRef } from 'xstate';
import {
  type ConnectionEvent,
  connectionHotEvents,
  createConnectionMachine,
} from '../../machines/connection.machine.ts';
import { withEffects } from '../../machines/effects.ts';
import { CloseCode, closeReason } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import { parseParams } from '../../protocol/params.ts';
import { authParams } from '../../protocol/session.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { endDecision, startDecision } from './auth-decision.ts';
import { AUTH } from './authenticator.ts';
import { encode, type Framed } from './encode.ts';
import { endClient } from './presence.ts';
import { write as writeFrame } from './write.ts';

type EventOf<T extends ConnectionEvent['type']> = Extract<ConnectionEvent, { type: T }>;
interface Args {
  context: { client: Client };
  event: ConnectionEvent;
  self: AnyActorRef;
}

/** Who carries out what came in. */
export interface Inbox {
  /** Whether any request goes by this name. */
  has(method: string): boolean;
  /** A notification that is no event. Never throws. */
  notify(kernel: Kernel, from: Client, method: string, params: unknown): void;
}

/** What a connection is to the broker's actor. */
export const CONNECTION = key<ChildKind<Client>>('connection');

/** See {@link CONNECTION}. */
export const connectionKind = (kernel: Kernel, inbox: Inbox): ChildKind<Client> => ({
  logic: connectionLogic(kernel, inbox),
  ended: (client) => bury(kernel, client),
  failed(client) {
    client.isOpen = false;
    kernel.attempt('a broken connection', () => client.link.terminate());
    kernel.attempt('a broken connection', () => endClient(kernel, client));
    bury(kernel, client);
  },
});

/** Forgets a connection whose socket is gone. */
function bury(kernel: Kernel, client: Client): void {
  kernel.clients.delete(client.id);
  kernel.log.debug({ client: client.id }, 'connection closed');
}

/** The connection chart with its effects: one logic for all connections of a broker. */
function connectionLogic(kernel: Kernel, inbox: Inbox) {
  const authDeadlines = new WeakMap<Client, Deadline>();
  const clientOf = (args: Args) => args.context.client;
  /** The event, where the chart lets only one type reach an action. */
  const eventOf = <T extends ConnectionEvent['type']>(args: Args, _type: T) => args.event as EventOf<T>;

  const write = (client: Client, event: Framed) => writeFrame(kernel, client.ref as AnyActorRef, client, event);
  const close = (client: Client, code: CloseCode) => client.link.close(code, closeReason(code));
  const routeChatEvent = (client: Client, event: EventOf<'chat.event'>, self: AnyActorRef) =>
    tell(self, kernel.ref, { type: 'chat.event', from: client, params: event.params, bytes: event.bytes });
  const routeVoiceEvent = (client: Client, { params }: EventOf<'voice.event'>, self: AnyActorRef) =>
    tell(self, kernel.ref, { type: 'voice.event', from: client, params });
  const routeAudio = (client: Client, { frame }: EventOf<'voice.audio'>, self: AnyActorRef) =>
    tell(self, kernel.ref, { type: 'voice.audio', from: client, frame });
  const writeAudio = ({ link }: Client, { data, counted }: EventOf<'audio.deliver'>) => link.sendBinary(data, counted);
  const writeVoice = (client: Client, event: EventOf<'voice.deliver'>) => {
    if (!event.isPartial) writeFrame(kernel, client.ref as AnyActorRef, client, event, event.counted);
    else if (!client.link.isGivenUp) client.link.sendPartial(encode(event));
  };

  const machine = withEffects(createConnectionMachine<Client>(), {
    armAuthTimeout: (args) => {
      const { self } = args;
      const client = clientOf(args);
      if (!client.needsAuth) return;
      // Counted from its opening: to ask the embedder's function does not start it anew.
      const left = Math.max(0, client.connectedAt + kernel.limits.authTimeoutMs - kernel.clock.now());
      const deadline = kernel.deadlines.arm(left, () => self.send({ type: 'auth.expired' }));
      authDeadlines.set(client, deadline);
    },
    disarmAuthTimeout: (args) => kernel.deadlines.disarm(authDeadlines.get(clientOf(args))),
    authenticate: (args) => {
      const client = clientOf(args);
      const { id, params } = eventOf(args, 'rpc.request');
      try {
        const parsed = parseParams(authParams, params);
        if (client.identity) throw WireError.invalidRequest('this connection is authenticated already');
        const auth = kernel.get(AUTH);
        const identity = auth.identify(parsed);
        if (identity) args.self.send({ type: 'auth.granted', id, identity });
        else if (auth.asks) startDecision(kernel, client, args.self, id, parsed);
        else args.self.send({ type: 'auth.refused', id });
      } catch (error) {
        write(client, { type: 'rpc.fail', id, error: toWireError(kernel, 'session.auth', error) });
      }
    },
    endDecision: (args) => endDecision(clientOf(args)),
    countFailure: (args) => {
      clientOf(args).authFailures += 1;
    },
    refuseToken: (args) => {
      const client = clientOf(args);
      const { id } = eventOf(args, 'auth.refused');
      kernel.sparseLog.warn({ client: client.id }, 'wrong token');
      write(client, { type: 'rpc.fail', id, error: WireError.tokenMismatch() });
    },
    refuseUnauthenticated: (args) => {
      const { id } = eventOf(args, 'rpc.request');
      write(clientOf(args), { type: 'rpc.fail', id, error: WireError.authRequired() });
    },
    bindIdentity: (args) => {
      const client = clientOf(args);
      client.identity = eventOf(args, 'auth.granted').identity;
      client.link.admit?.();
      kernel.get(AUTH).forget(client.link);
      tell(args.self, kernel.ref, { type: 'client.identified', from: client });
    },
    confirmIdentity: (args) => {
      const { id, identity } = eventOf(args, 'auth.granted');
      const result = {
        ok: true,
        auth_enabled: kernel.get(AUTH).enabled,
        ...(identity.agentId === undefined ? {} : { agent_id: identity.agentId }),
        ...(identity.role === 'host' ? { role: 'host' } : {}),
      };
      write(clientOf(args), { type: 'rpc.reply', id, result });
    },
    route: (args) => {
      const { id, method, params } = eventOf(args, 'rpc.request');
      tell(args.self, kernel.ref, { type: 'rpc.request', from: clientOf(args), id, method, params });
    },
    routeNotification: (args) => {
      const { method, params } = eventOf(args, 'rpc.notification');
      const client = clientOf(args);
      if (method === 'agent.chat.event' || kernel.inbound.notifications.has(method)) {
        // A well-formed one never comes this way: see decodePeerFrame.
        kernel.counters.drop('malformed_event');
        kernel.log.debug({ client: client.id }, 'dropped a malformed event');
      } else if (inbox.has(method)) {
        tell(args.self, kernel.ref, { type: 'rpc.request', from: client, id: undefined, method, params });
      } else inbox.notify(kernel, client, method, params);
    },
    routeChatEvent: (args) => routeChatEvent(clientOf(args), eventOf(args, 'chat.event'), args.self),
    routeVoiceEvent: (args) => routeVoiceEvent(clientOf(args), eventOf(args, 'voice.event'), args.self),
    routeAudio: (args) => routeAudio(clientOf(args), eventOf(args, 'voice.audio'), args.self),
    routeAnswer: (args) => routeAnswer(clientOf(args), eventOf(args, 'rpc.response'), args.self),
    dropNotification: () => kernel.counters.drop('unauthenticated'),
    refuseFrame: (args) => {
      const { id, error } = eventOf(args, 'rpc.bad');
      kernel.counters.drop('malformed_frame');
      write(clientOf(args), { type: 'rpc.fail', id, error });
    },
    write: (args) => write(clientOf(args), args.event as Framed),
    writeToken: (args) => clientOf(args).link.sendToken(eventOf(args, 'chat.token').token),
    writeVoice: (args) => writeVoice(clientOf(args), eventOf(args, 'voice.deliver')),
    writeAudio: (args) => writeAudio(clientOf(args), eventOf(args, 'audio.deliver')),
    noteOverrun: (args) => {
      const client = clientOf(args);
      kernel.sparseLog.warn({ client: client.id }, 'a connection cannot keep up; it is closed');
    },
    closeOverrun: (args) => close(clientOf(args), CloseCode.SlowConsumer),
    announceGone: (args) => {
      const client = clientOf(args);
      client.isOpen = false;
      tell(args.self, kernel.ref, { type: 'client.gone', from: client });
    },
    closeUnauthenticated: (args) => close(clientOf(args), CloseCode.NotAuthenticated),
    closeAsAsked: (args) => close(clientOf(args), eventOf(args, 'connection.close').code),
    release: (args) => {
      const client = clientOf(args);
      client.isOpen = false;
      client.calls.clear();
      client.lateCalls.clear();
    },
  });

  /** An agent answered a request of ours: whoever waits for it is told. */
  function routeAnswer(client: Client, event: EventOf<'rpc.response'>, self: AnyActorRef): void {
    const call = client.calls.get(event.id);
    if (call) {
      client.calls.delete(event.id);
      const answer = event.error ? { error: event.error } : { result: event.result };
      tell(self, call.replyTo, { type: 'call.answered', id: event.id, answer });
      return;
    }
    if (client.isDismissed(event.id)) return;
    kernel.counters.drop('late_response');
    const late = client.lateCalls.get(event.id);
    if (!late) return;
    client.lateCalls.delete(event.id);
    if ((event.result as { accepted?: unknown } | null | undefined)?.accepted !== true) return;
    const params = { session_id: late.sessionId, turn_id: late.turnId, reason: 'ack_timeout' };
    write(client, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  }

  return withFastPath(machine, connectionHotEvents, {
    'chat.event': ({ client }, event, self) => routeChatEvent(client, event, self),
    'chat.token': ({ client }, { token }) => client.link.sendToken(token),
    'chat.frame': ({ client }, event) => write(client, event),
    'chat.deliver': ({ client }, event) => write(client, event),
    'voice.event': ({ client }, event, self) => routeVoiceEvent(client, event, self),
    'voice.deliver': ({ client }, event) => writeVoice(client, event),
    'voice.audio': ({ client }, event, self) => routeAudio(client, event, self),
    'audio.deliver': ({ client }, event) => writeAudio(client, event),
  });
}
