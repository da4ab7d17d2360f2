import { setup } from 'xstate';
import type { JsonObject } from '../protocol/json.ts';
import type { ProgressParams } from '../protocol/tools.ts';
import type { Answer } from './callback.machine.ts';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';

/*
 * What one connection has at another broker of the cluster: a guest there speaks in its place, and what that is told comes
 * here. A child of the broker for as long as the connection and the link with that broker last. docs/cluster.md.
 */

/** What an extension tells of itself. The actor's own record has more. */
export interface ExtensionFacts {
  /** Id of its actor. */
  readonly id: string;
}

/** The records that an extension holds and is told of. */
export interface ExtensionRefs {
  extension: ExtensionFacts;
  /** A request for the other broker, and who waits for its answer. */
  request: object;
  /** A frame of the other broker's for the connection, decoded where that is needed. */
  frame: object;
  /** A token of a turn there. */
  token: object;
}

/** Everything that an extension hears. */
export type ExtensionEvent<R extends ExtensionRefs = ExtensionRefs> =
  /** The connection asks for something that the other broker has. */
  | { type: 'extension.request'; request: R['request'] }
  /** What the connection has said here and the other broker has to know as well. */
  | { type: 'extension.notify'; method: string; params: JsonObject }
  | { type: 'extension.frame'; frame: R['frame'] }
  | { type: 'extension.token'; token: R['token'] }
  /** The connection has answered a request of the other broker's. */
  | { type: 'call.answered'; id: unknown; answer: Answer }
  | { type: 'callback.progress'; params: ProgressParams }
  /** The other broker has closed the guest. */
  | { type: 'extension.closed'; code: number }
  /** The link with the other broker is lost. */
  | { type: 'extension.lost' }
  /** The connection is gone. */
  | { type: 'extension.hangUp' };

/** The chart, over the records of whoever runs it. */
export function createExtensionMachine<R extends ExtensionRefs>() {
  return setup({
    types: {} as {
      context: { extension: R['extension'] };
      input: { extension: R['extension'] };
      events: ExtensionEvent<R>;
    },
    actions: effects(
      'openGuest',
      'ask',
      'tell',
      'passFrame',
      'passToken',
      'passAnswer',
      'passProgress',
      'closeGuest',
      'refuseAsked',
      'leaveTurns',
    ),
  }).createMachine({
    id: 'extension',
    context: ({ input }) => ({ extension: input.extension }),
    initial: 'open',
    states: {
      open: {
        description: 'A guest speaks for the connection at the other broker; frames go both ways.',
        entry: 'openGuest',
        on: {
          'extension.request': { actions: 'ask' },
          'extension.notify': { actions: 'tell' },
          'extension.frame': { actions: 'passFrame' },
          'extension.token': { actions: 'passToken' },
          'call.answered': { actions: 'passAnswer' },
          'callback.progress': { actions: 'passProgress' },
          'extension.closed': { target: 'closed', actions: ['refuseAsked', 'leaveTurns'] },
          'extension.lost': { target: 'lost', actions: ['refuseAsked', 'leaveTurns'] },
          'extension.hangUp': { target: 'closed', actions: ['closeGuest', 'refuseAsked'] },
        },
      },
      closed: { type: 'final', description: 'The connection is gone, or the other broker wants no more of it.' },
      lost: {
        type: 'final',
        description:
          'The link is gone, and the guest with it. Turns that may be resumed are looked for, the others have ended.',
      },
    },
  });
}

/** What comes in great numbers, and where. */
export const extensionHotEvents = {
  'extension.frame': ['open'],
  'extension.token': ['open'],
} as const satisfies HotEvents;

/** The chart alone: to be drawn, and walked. */
export const extensionMachine = createExtensionMachine<ExtensionRefs>();
