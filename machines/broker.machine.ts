import { setup } from 'xstate';
import type { AudioFrame } from '../protocol/audio-frame.ts';
import type { CheckedEvent } from '../protocol/events.ts';
import type { RpcId } from '../protocol/frame.ts';
import { isGuest, type Link } from '../protocol/link.ts';
import type { ProviderEvent } from '../protocol/voice.ts';
import type { ConnectionFacts, Identity } from './connection.machine.ts';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';

/*
 * The root actor, one in each broker: knows every connection and every turn, decides which turn an event belongs to and
 * whether its sender may send it, and buries what has ended. Section 10 of the wire contract for how it stops.
 */

/** What the chart's guards need to know of the broker. The actor's own record has more. */
export interface BrokerFacts {
  /** Turns that have not ended. */
  readonly turnCount: number;
  /** Other brokers of the cluster, which stop with this one, still have turns, or are still there. */
  readonly isHeld: boolean;
  /** It is there for the others until they are gone, however long their turns last. */
  readonly isLast: boolean;
  /** Connections whose socket is not gone yet. */
  readonly connectionCount: number;
  readonly drainTimeoutMs: number;
  readonly closeTimeoutMs: number;
}

/** The records that the broker holds and is told of. */
export interface BrokerRefs {
  broker: BrokerFacts;
  /** Who an event comes from. */
  client: ConnectionFacts;
}

/** A client's request, on its way from the connection that it came in on. */
export interface RoutedRequest<Client extends ConnectionFacts = ConnectionFacts> {
  type: 'rpc.request';
  from: Client;
  /** Absent where it came as a notification: it is carried out all the same, and nobody is answered. */
  id: RpcId | undefined;
  method: string;
  params: unknown;
}

/** Everything that the broker hears. Children's ends arrive under fixed types, their id in the payload (law 4). */
export type BrokerEvent<R extends BrokerRefs = BrokerRefs> =
  | RoutedRequest<R['client']>
  /** `identity`: the embedder vouches for it. */
  | { type: 'link.opened'; link: Link; identity?: Identity | undefined }
  | { type: 'client.identified'; from: R['client'] }
  | { type: 'client.gone'; from: R['client'] }
  /** One event of an agent: no chart step (law 2). */
  | { type: 'chat.event'; from: R['client']; params: CheckedEvent; bytes: number }
  /** One event of a voice provider, and one binary frame of either side: the same. */
  | { type: 'voice.event'; from: R['client']; params: ProviderEvent }
  | { type: 'voice.audio'; from: R['client']; frame: AudioFrame }
  | { type: 'child.done'; id: string }
  | { type: 'child.failed'; id: string; error: unknown }
  | { type: 'sweep' }
  | { type: 'broker.drain' };

/** What some family takes straight from the connections, off the chart (law 2). */
export const FAMILY_EVENTS = ['voice.event', 'voice.audio'] as const;
/** See {@link FAMILY_EVENTS}. */
export type FamilyEvent = Extract<BrokerEvent, { type: (typeof FAMILY_EVENTS)[number] }>;

/** What goes on the same way until the last turn has ended. */
const running = {
  'client.identified': { actions: 'attachAgent' },
  'client.gone': { actions: 'endTurnsOfClient' },
  'chat.event': { actions: 'routeChatEvent' },
  'voice.event': { actions: 'routeToFamily' },
  'voice.audio': { actions: 'routeToFamily' },
  'child.done': { actions: 'forgetChild' },
  'child.failed': { actions: 'buryChild' },
  sweep: { actions: 'sweep' },
} as const;

/** The chart, over the records of whoever runs it. */
export function createBrokerMachine<R extends BrokerRefs>() {
  return setup({
    types: {} as {
      context: { broker: R['broker'] };
      input: { broker: R['broker'] };
      events: BrokerEvent<R>;
    },
    guards: {
      opensChat: ({ event }) => event.type === 'rpc.request' && event.method === 'agents.chat',
      hasNoTurns: ({ context }) => context.broker.turnCount === 0 && !context.broker.isHeld,
      isLast: ({ context }) => context.broker.isHeld && context.broker.isLast,
      isGuest: ({ event }) => event.type === 'link.opened' && isGuest(event.link),
      hasNoConnections: ({ context }) => context.broker.connectionCount === 0,
    },
    actions: effects(
      'openConnection',
      'refuseConnection',
      'attachAgent',
      'endTurnsOfClient',
      'route',
      'refuseAsDraining',
      'routeChatEvent',
      'routeToFamily',
      'forgetChild',
      'buryChild',
      'sweep',
      'dropQueuedChats',
      'endAllTurns',
      'closeConnections',
      'cutConnections',
      'release',
    ),
    delays: {
      drainTimeout: ({ context }) => context.broker.drainTimeoutMs,
      closeTimeout: ({ context }) => context.broker.closeTimeoutMs,
    },
  }).createMachine({
    id: 'broker',
    context: ({ input }) => ({ broker: input.broker }),
    initial: 'accepting',
    states: {
      accepting: {
        on: {
          ...running,
          'link.opened': { actions: 'openConnection' },
          'rpc.request': { actions: 'route' },
          'broker.drain': 'draining',
        },
      },
      draining: {
        description:
          'No new chats and no new connections, but those of other brokers’ clients; live turns have ten seconds to end.',
        entry: 'dropQueuedChats',
        always: { guard: 'hasNoTurns', target: 'closing' },
        after: {
          drainTimeout: [
            { guard: 'isLast', actions: 'endAllTurns' },
            { target: 'closing', actions: 'endAllTurns' },
          ],
        },
        on: {
          ...running,
          'link.opened': [{ guard: 'isGuest', actions: 'openConnection' }, { actions: 'refuseConnection' }],
          'rpc.request': [{ guard: 'opensChat', actions: 'refuseAsDraining' }, { actions: 'route' }],
        },
      },
      closing: {
        description: 'Every socket was sent 1001. What does not answer in time is cut.',
        entry: 'closeConnections',
        always: { guard: 'hasNoConnections', target: 'stopped' },
        after: { closeTimeout: { actions: 'cutConnections' } },
        on: {
          ...running,
          'link.opened': { actions: 'refuseConnection' },
        },
      },
      stopped: { type: 'final', entry: 'release' },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const brokerMachine = createBrokerMachine<BrokerRefs>();

/** Law 2: see {@link HotEvents}. */
export const brokerHotEvents = {
  'chat.event': ['accepting', 'draining', 'closing'],
  'voice.event': ['accepting', 'draining', 'closing'],
  'voice.audio': ['accepting', 'draining', 'closing'],
} as const satisfies HotEvents<BrokerEvent['type']>;
