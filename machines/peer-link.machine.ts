import { setup } from 'xstate';
import { effects } from './effects.ts';

/*
 * One link between this broker and another, from the first hello until what was on its way is delivered or gone. Batches
 * take no step of it. A new link between the same two has an actor of its own.
 */

/**
 * Why a link is gone, and with it what was on its way. `silent`: the peer has acknowledged nothing for too long. `overrun`: too
 * much waits for it. `restarted`: it, or its end of the link, has started anew. `left`: it has said that it leaves. `dead`: it
 * is not heard of any more. `malformed`: it has sent what is none of this protocol.
 */
export type LinkLoss = 'silent' | 'overrun' | 'restarted' | 'left' | 'dead' | 'malformed';

/** Everything that a link hears. */
export type PeerLinkEvent =
  /** Both ends know of each other. */
  | { type: 'link.confirmed' }
  /** Nothing gets through to the peer, or it does not acknowledge what does. */
  | { type: 'link.stalled' }
  /** It goes on. */
  | { type: 'link.flowing' }
  | { type: 'link.lost'; why: LinkLoss }
  /** This broker leaves. */
  | { type: 'link.close' };

/** The chart alone: to be run, drawn, and walked. */
export const peerLinkMachine = setup({
  types: {} as {
    context: { peer: string };
    input: { peer: string };
    events: PeerLinkEvent;
  },
  actions: effects('sayHello', 'tellOpened', 'tellStalled', 'tellFlowing', 'tellLost', 'sayBye'),
}).createMachine({
  id: 'peerLink',
  context: ({ input }) => ({ peer: input.peer }),
  initial: 'connecting',
  states: {
    connecting: {
      description:
        'Hello is said each half second, wherever there is a way, until the peer knows this end and this end the peer.',
      entry: 'sayHello',
      on: {
        'link.confirmed': { target: 'open', actions: 'tellOpened' },
        'link.lost': 'lost',
        'link.close': 'closed',
      },
    },
    open: {
      description: 'What is written arrives, once and in order.',
      on: {
        'link.stalled': { target: 'stalled', actions: 'tellStalled' },
        'link.lost': { target: 'lost', actions: 'tellLost' },
        'link.close': { target: 'closed', actions: 'sayBye' },
      },
    },
    stalled: {
      description: 'What is written is kept, for ten seconds and up to some MiB, and sent again when there is a way.',
      on: {
        'link.flowing': { target: 'open', actions: 'tellFlowing' },
        'link.lost': { target: 'lost', actions: 'tellLost' },
        'link.close': { target: 'closed', actions: 'sayBye' },
      },
    },
    lost: { type: 'final', description: 'What was on its way is gone; whoever relies on it was told.' },
    closed: { type: 'final', description: 'This broker leaves; the peer was told.' },
  },
});
