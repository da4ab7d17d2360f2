import type { AnyActorRef } from 'xstate';
import {
  type ConnectionEvent,
  connectionHotEvents,
  createConnectionMachine,
  type Identity,
} from '../../machines/connection.machine.ts';
import { withEffects } from '../../machines/effects.ts';
import { CloseCode, closeReason } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { toMoment } from '../../protocol/moment.ts';
import { parseParams } from '../../protocol/params.ts';
import { isAgentPrincipal, isSamePrincipal, LOCAL } from '../../protocol/principal.ts';
import { authParams } from '../../protocol/session.ts';
import { placeOf } from '../kernel/audit.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { endDecision, putOff, startDecision } from './auth-decision.ts';
import { type AuthFault, noteRefusal } from './auth-fault.ts';
import { AUTH } from './authenticator.ts';
import { encode, type Framed } from './encode.ts';
import { endClient, keepsOut, noteEntry, turnAway } from './presence.ts';
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

/** What `session.auth` answers. Who somebody is, is told where it is neither the daemon's own person nor an agent. */
function authAnswer(enabled: boolean, { agentId, role, principal, key, jwt }: Identity, agentWindowMs?: number) {
  const expiresAt = key?.expiresAt ?? jwt?.expiresAt;
  const isNamed = jwt !== undefined || (!isSamePrincipal(principal, LOCAL) && !isAgentPrincipal(principal));
  return {
    ok: true,
    auth_enabled: enabled,
    ...(agentId === undefined ? {} : { agent_id: agentId }),
    ...(role === 'host' ? { role } : {}),
    ...(isNamed ? { sub: principal.sub, tenant: principal.tenant } : {}),
    ...(agentId === undefined || agentWindowMs === undefined ? {} : { agent_window_ms: agentWindowMs }),
    ...(expiresAt === undefined ? {} : { expires_at: toMoment(expiresAt) }),
  };
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

  const confirm = (client: Client, id: RpcId | undefined, identity: Identity) => {
    const windowMs = client.wantsResume ? kernel.limits.agentWindowMs : undefined;
    write(client, { type: 'rpc.reply', id, result: authAnswer(kernel.get(AUTH).enabled, identity, windowMs) });
  };
  /** A client of the broker's own process says who it is, as any does; it need not, and cannot be another. */
  const confirmVouchedFor = (client: Client, id: RpcId | undefined, asked: ParamsOf<'session.auth'>) => {
    const { identity, isVouchedFor } = client;
    // Who has no token sends an empty one, and whoever came with a key in a header may say it again.
    if (!identity || !isVouchedFor || !isAgain(identity, asked))
      throw WireError.invalidRequest('this connection is authenticated already');
    client.wantsResume ||= wishesResume(asked);
    client.wantsTickets ||= asked.tickets === true;
    confirm(client, id, identity);
  };

  const wishesResume = ({ resume }: ParamsOf<'session.auth'>) => resume === true && kernel.limits.agentWindowMs > 0;

  const isAgain = ({ key, jwt, principal }: Identity, asked: ParamsOf<'session.auth'>) => {
    if (!asked.token && !asked.host_token && !asked.jwt) return true;
    const found = (key || jwt) && kernel.get(AUTH).identify(asked);
    if (typeof found !== 'object') return false;
    return found.key?.id === key?.id && found.jwt?.sub === jwt?.sub && isSamePrincipal(found.principal, principal);
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
        if (client.identity) return confirmVouchedFor(client, id, parsed);
        // Of the attempt that is granted, and of none before it.
        client.wantsResume = wishesResume(parsed);
        client.wantsTickets = parsed.tickets === true;
        kernel.audit.demand();
        const auth = kernel.get(AUTH);
        const found = auth.identify(parsed, client.link.certificate);
        if (found === 'unproved') startDecision(kernel, client, args.self, id, parsed);
        else if (typeof found !== 'string') args.self.send({ type: 'auth.granted', id, identity: found });
        else if (auth.asks) startDecision(kernel, client, args.self, id, parsed);
        else if (found !== 'no_token') args.self.send({ type: 'auth.refused', id, why: found });
        else {
          noteRefusal(kernel, 'session.auth', found, { client: client.id });
          throw WireError.invalidParams([{ path: 'token', message: 'token or host_token is needed' }]);
        }
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
      const { id, why = 'function' } = eventOf(args, 'auth.refused');
      noteRefusal(kernel, 'session.auth', why as AuthFault, { client: client.id });
      kernel.audit.authFailed(placeOf(client), kernel.clock.now());
      write(client, { type: 'rpc.fail', id, error: WireError.tokenMismatch() });
    },
    putOff: (args) => {
      const client = clientOf(args);
      const { id, why } = eventOf(args, 'auth.unjudged');
      write(client, { type: 'rpc.fail', id, error: putOff(kernel, 'session.auth', why as AuthFault, client) });
    },
    refuseUnauthenticated: (args) => {
      kernel.sparseLog.warn({ client: clientOf(args).id }, 'a request was refused: session.auth has to come first');
      const { id } = eventOf(args, 'rpc.request');
      write(clientOf(args), { type: 'rpc.fail', id, error: WireError.authRequired(kernel.get(AUTH).resourceMetadata) });
    },
    bindIdentity: (args) => {
      const client = clientOf(args);
      const { identity } = eventOf(args, 'auth.granted');
      if (keepsOut(kernel, client.link, identity)) {
        args.self.send({ type: 'connection.close', code: CloseCode.RateLimited });
        return;
      }
      client.identity = identity;
      kernel.shared.enter(client);
      noteEntry(kernel, client);
      client.link.admit?.(client.principal);
      kernel.get(AUTH).forget(client.link);
      tell(args.self, kernel.ref, { type: 'client.identified', from: client });
    },
    confirmIdentity: (args) => {
      const { id, identity } = eventOf(args, 'auth.granted');
      const client = clientOf(args);
      const reached = keepsOut(kernel, client.link, identity);
      if (!reached) confirm(client, id, identity);
      else write(client, { type: 'rpc.fail', id, error: turnAway(kernel, identity, reached) });
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
        if (client.resumes && method === 'agent.chat.event') kernel.hooks.eventDropped(client, params);
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
