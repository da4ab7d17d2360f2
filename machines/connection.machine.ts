import { setup } from 'xstate';
import type { AudioFrame } from '../protocol/audio-frame.ts';
import type { CloseCode } from '../protocol/close-codes.ts';
import type { WireError } from '../protocol/errors.ts';
import type { CheckedEvent } from '../protocol/events.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { Scope } from '../protocol/grants.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { WaitingAudio } from '../protocol/link.ts';
import type { Principal } from '../protocol/principal.ts';
import type { Sealed } from '../protocol/sealed.ts';
import type { KeyLimits } from '../protocol/shared-limits.ts';
import type { Token } from '../protocol/token.ts';
import type { ProviderEvent } from '../protocol/voice.ts';
import type { Answer } from './callback.machine.ts';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';

/*
 * One for each socket, from the upgrade until it is gone. What its client is (host, agent, management) is a fact of the
 * record it holds, not a state: the same chart serves all three. Section 3 of the wire contract.
 */

/** What the chart's guards need to know of a connection. The actor's own record has more. */
export interface ConnectionFacts {
  /** Id of this connection, unique in the daemon's life. */
  readonly id: string;
  /** False where authentication is switched off. */
  readonly needsAuth: boolean;
  /** Wrong tokens so far, this one included. */
  authFailures: number;
  /** How many of those close the connection. */
  readonly maxAuthFailures: number;
}

/** What a connection holds of the key that it came by. */
export interface HeldKey {
  /** Tenant and name. */
  readonly id: string;
  /** Unix milliseconds. Undefined: it lasts until it is removed. */
  readonly expiresAt: number | undefined;
  /** When the key was made: another of its name is another. Undefined where that is not known. */
  readonly createdAt?: string | undefined;
  /** The ways that it may come by. Undefined: all. */
  readonly fronts: ReadonlySet<string> | undefined;
  /** What it is limited to, by their names. The same object for as long as it is that key. Undefined: nothing of its own. */
  readonly limits: KeyLimits | undefined;
}

/** What a connection holds of the JWT that it came by. */
export interface HeldJwt {
  /** Whose it is: an agent's own principal is another. */
  readonly sub: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Who a connection proved to be. */
export interface Identity {
  /** `agent`: bound to {@link agentId}. `host`: the management role. `client`: anybody else. */
  role: 'client' | 'agent' | 'host';
  agentId?: string;
  /** What a key or an embedder's function calls it, for people. */
  name?: string;
  /** Whose things are its own (`docs/protocol.md#principals`). */
  principal: Principal;
  /** What it may do. Undefined: `chat`, and `host` with the role of that name. */
  scopes?: ReadonlySet<Scope>;
  /** Which agents of its tenant exist for it. Undefined: all. Total, and quick: it is asked for every row of a list. */
  mayUse?: (agentId: string) => boolean;
  /** The key that it came by, if it did. */
  key?: HeldKey;
  /** The same of a JWT. */
  jwt?: HeldJwt;
}

/** Events from the peer, already decoded. Fixed types: a method's name is payload, never a type (law 4). */
export type PeerEvent =
  | { type: 'rpc.request'; id: RpcId; method: string; params: unknown }
  | { type: 'rpc.notification'; method: string; params: unknown }
  | { type: 'rpc.response'; id: RpcId; result?: unknown; error?: JsonObject }
  | { type: 'rpc.bad'; id: RpcId | null; error: WireError }
  /** `agent.chat.event`, checked: nearly everything there is, and no chart step (law 2). */
  | { type: 'chat.event'; params: CheckedEvent; bytes: number }
  /** `voice.event`, checked, and a binary frame, decoded: no chart step either. */
  | { type: 'voice.event'; params: ProviderEvent }
  | { type: 'voice.audio'; frame: AudioFrame };

/** Events from the broker and from turns: something is to be sent. */
export type OutwardEvent =
  /** `sealed`: members of the result that nobody but its receiver may see, whoever inspects the event. */
  | { type: 'rpc.reply'; id: RpcId | undefined; result: unknown; sealed?: Sealed<object> }
  | { type: 'rpc.fail'; id: RpcId | undefined | null; error: WireError }
  /** Another client's answer, as it came. */
  | { type: 'rpc.relay'; id: RpcId; answer: Answer }
  | { type: 'rpc.call'; id: RpcId; method: string; params: object }
  | { type: 'rpc.notify'; method: string; params: object }
  /** One event of a turn, stamped, for the host: no chart step either. */
  | { type: 'chat.deliver'; params: JsonObject }
  /** The same, put together already: one text for a turn's log and for all who watch it. */
  | { type: 'chat.frame'; text: string; delta?: string | undefined }
  /** The same for a plain token, not yet put together. */
  | { type: 'chat.token'; token: Token }
  /** One event of a voice stream, for its client. A partial may be dropped where too much waits. */
  | { type: 'voice.deliver'; params: JsonObject; isPartial: boolean; counted?: WaitingAudio }
  /** A binary frame, encoded; and what counts it while it waits. */
  | { type: 'audio.deliver'; data: Uint8Array; counted?: WaitingAudio };

/** Everything that a connection hears. */
export type ConnectionEvent =
  | PeerEvent
  | OutwardEvent
  /** The broker's own tokens do not match: the embedder's function is asked, or a JWT is verified. */
  | { type: 'auth.asked' }
  | { type: 'auth.granted'; id: RpcId | undefined; identity: Identity }
  /** `why`: for the log alone, for the peer is told the same whatever was wrong. */
  | { type: 'auth.refused'; id: RpcId | undefined; why?: string }
  /** What it shows cannot be judged now, and is no wrong token. */
  | { type: 'auth.unjudged'; id: RpcId | undefined; why: string }
  | { type: 'auth.expired' }
  | { type: 'connection.close'; code: CloseCode }
  | { type: 'link.overrun' }
  | { type: 'link.closed'; code: number };

/** The chart, over the records of whoever runs it. */
export function createConnectionMachine<C extends ConnectionFacts>() {
  return setup({
    types: {} as {
      context: { client: C };
      input: { client: C };
      events: ConnectionEvent;
    },
    guards: {
      isOpenToAll: ({ context }) => !context.client.needsAuth,
      isAuthRequest: ({ event }) => event.type === 'rpc.request' && event.method === 'session.auth',
      isLastFailure: ({ context }) => context.client.authFailures + 1 >= context.client.maxAuthFailures,
    },
    actions: effects(
      'armAuthTimeout',
      'disarmAuthTimeout',
      'authenticate',
      'endDecision',
      'countFailure',
      'refuseToken',
      'putOff',
      'refuseUnauthenticated',
      'bindIdentity',
      'confirmIdentity',
      'route',
      'routeNotification',
      'routeChatEvent',
      'routeAnswer',
      'dropNotification',
      'refuseFrame',
      'write',
      'writeToken',
      'routeVoiceEvent',
      'routeAudio',
      'writeVoice',
      'writeAudio',
      'noteOverrun',
      'closeOverrun',
      'announceGone',
      'closeUnauthenticated',
      'closeAsAsked',
      'release',
    ),
  }).createMachine({
    id: 'connection',
    context: ({ input }) => ({ client: input.client }),
    initial: 'authenticating',
    states: {
      authenticating: {
        description: 'The first request has to be session.auth, and within five seconds.',
        entry: 'armAuthTimeout',
        exit: 'disarmAuthTimeout',
        always: { guard: 'isOpenToAll', target: 'ready' },
        on: {
          'rpc.request': [
            { guard: 'isAuthRequest', actions: 'authenticate' },
            { target: 'closing', actions: ['refuseUnauthenticated', 'closeUnauthenticated'] },
          ],
          'rpc.notification': { actions: 'dropNotification' },
          'chat.event': { actions: 'dropNotification' },
          'voice.event': { actions: 'dropNotification' },
          'rpc.bad': { actions: 'refuseFrame' },
          'rpc.fail': { actions: 'write' },
          'auth.asked': 'deciding',
          'auth.granted': { target: 'ready', actions: ['confirmIdentity', 'bindIdentity'] },
          'auth.refused': [
            { guard: 'isLastFailure', target: 'closing', actions: ['refuseToken', 'closeUnauthenticated'] },
            { actions: ['refuseToken', 'countFailure'] },
          ],
          'auth.expired': { target: 'closing', actions: 'closeUnauthenticated' },
          'connection.close': { target: 'closing', actions: 'closeAsAsked' },
          'link.overrun': { target: 'closing', actions: ['noteOverrun', 'closeOverrun'] },
          'link.closed': 'closed',
        },
      },
      deciding: {
        description:
          "An embedder's function is asked who this is, or a JWT is verified. What comes meanwhile waits outside.",
        entry: 'armAuthTimeout',
        exit: ['disarmAuthTimeout', 'endDecision'],
        on: {
          'auth.granted': { target: 'ready', actions: ['confirmIdentity', 'bindIdentity'] },
          'auth.refused': [
            { guard: 'isLastFailure', target: 'closing', actions: ['refuseToken', 'closeUnauthenticated'] },
            { target: 'authenticating', actions: ['refuseToken', 'countFailure'] },
          ],
          'auth.unjudged': { target: 'authenticating', actions: 'putOff' },
          'auth.expired': { target: 'closing', actions: 'closeUnauthenticated' },
          'connection.close': { target: 'closing', actions: 'closeAsAsked' },
          'link.overrun': { target: 'closing', actions: ['noteOverrun', 'closeOverrun'] },
          'link.closed': 'closed',
        },
      },
      ready: {
        description: 'Requests are routed, and whatever the broker has for this client is written.',
        exit: 'announceGone',
        on: {
          'rpc.request': [{ guard: 'isAuthRequest', actions: 'authenticate' }, { actions: 'route' }],
          'rpc.notification': { actions: 'routeNotification' },
          'rpc.response': { actions: 'routeAnswer' },
          'rpc.bad': { actions: 'refuseFrame' },
          'chat.event': { actions: 'routeChatEvent' },
          'voice.event': { actions: 'routeVoiceEvent' },
          'voice.audio': { actions: 'routeAudio' },
          'rpc.reply': { actions: 'write' },
          'rpc.fail': { actions: 'write' },
          'rpc.relay': { actions: 'write' },
          'rpc.call': { actions: 'write' },
          'rpc.notify': { actions: 'write' },
          'chat.deliver': { actions: 'write' },
          'chat.frame': { actions: 'write' },
          'chat.token': { actions: 'writeToken' },
          'voice.deliver': { actions: 'writeVoice' },
          'audio.deliver': { actions: 'writeAudio' },
          // Only where authentication is off: there a client may still say who it is.
          'auth.granted': { actions: ['confirmIdentity', 'bindIdentity'] },
          'connection.close': { target: 'closing', actions: 'closeAsAsked' },
          'link.overrun': { target: 'closing', actions: ['noteOverrun', 'closeOverrun'] },
          'link.closed': 'closed',
        },
      },
      closing: {
        description: 'The close frame is on its way. Nothing that still arrives is heard.',
        on: { 'link.closed': 'closed' },
      },
      closed: { type: 'final', entry: 'release' },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const connectionMachine = createConnectionMachine<ConnectionFacts>();

/** Law 2: see {@link HotEvents}. */
export const connectionHotEvents = {
  'chat.event': ['ready'],
  'chat.token': ['ready'],
  'chat.frame': ['ready'],
  'chat.deliver': ['ready'],
  'voice.event': ['ready'],
  'voice.deliver': ['ready'],
  'voice.audio': ['ready'],
  'audio.deliver': ['ready'],
} as const satisfies HotEvents<ConnectionEvent['type']>;
