import { setup } from 'xstate';
import { effects } from './effects.ts';

/*
 * Who surfaces belong to: an agent, or all clients that are no agents, and the A2A endpoint that actions on them go to,
 * if any. A child of the broker for as long as it owns a surface or waits for an answer. Section 11 of the wire contract.
 */

/** What the chart's guards need to know of an owner. The actor's own record has more. */
export interface SurfaceOwnerFacts {
  /** Id of its actor. */
  readonly id: string;
  readonly surfaceCount: number;
  /** Actions on their way to the endpoint. */
  readonly pendingCount: number;
}

/** The records that an owner holds and is told of. */
export interface SurfaceOwnerRefs {
  owner: SurfaceOwnerFacts;
  /** What has become of a surface. */
  change: { readonly surfaceId: string };
}

/** Everything that an owner hears. */
export type SurfaceOwnerEvent<R extends SurfaceOwnerRefs = SurfaceOwnerRefs> =
  /** Its surfaces have changed, some of them perhaps gone to another owner. */
  | { type: 'owner.changed'; changes: readonly R['change'][] }
  /** An action for the endpoint. */
  | { type: 'owner.send'; actionId: string }
  /** The endpoint has answered, or has failed to. */
  | { type: 'owner.settled'; actionId: string }
  | { type: 'owner.expired'; actionId: string }
  /** The agent that it is has been removed, and its surfaces go. */
  | { type: 'owner.revoked' }
  | { type: 'owner.drain' };

/** The chart, over the records of whoever runs it. */
export function createSurfaceOwnerMachine<R extends SurfaceOwnerRefs>() {
  return setup({
    types: {} as {
      context: { owner: R['owner'] };
      input: { owner: R['owner'] };
      events: SurfaceOwnerEvent<R>;
    },
    guards: {
      ownsNothing: ({ context }) => context.owner.surfaceCount === 0 && context.owner.pendingCount === 0,
      hasNothingPending: ({ context }) => context.owner.pendingCount === 0,
    },
    actions: effects('announce', 'sendAction', 'settleAction', 'expireAction', 'refuseActions'),
  }).createMachine({
    id: 'surfaceOwner',
    context: ({ input }) => ({ owner: input.owner }),
    initial: 'opening',
    states: {
      opening: {
        description: 'Its first surface is about to come.',
        on: { 'owner.changed': { target: 'holding', actions: 'announce' } },
      },
      holding: {
        description: 'Its surfaces can be changed and acted on.',
        always: { guard: 'ownsNothing', target: 'released' },
        on: {
          'owner.changed': { actions: 'announce' },
          'owner.send': { target: 'sending', actions: 'sendAction' },
          'owner.drain': 'released',
        },
      },
      sending: {
        description: 'Actions are on their way to the A2A endpoint, which has ten seconds for each.',
        always: { guard: 'hasNothingPending', target: 'holding' },
        on: {
          'owner.changed': { actions: 'announce' },
          'owner.send': { actions: 'sendAction' },
          'owner.settled': { actions: 'settleAction' },
          'owner.expired': { actions: 'expireAction' },
          'owner.revoked': { actions: 'refuseActions' },
          'owner.drain': { target: 'released', actions: 'refuseActions' },
        },
      },
      released: { type: 'final', description: 'It owns nothing any more, or the broker stops.' },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const surfaceOwnerMachine = createSurfaceOwnerMachine<SurfaceOwnerRefs>();
