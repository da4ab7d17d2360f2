import { setup } from 'xstate';
import type { TranscriptSegment } from '../protocol/voice.ts';
import type { ConnectionFacts } from './connection.machine.ts';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';
import type { VoiceAsker } from './voice-stream.machine.ts';

/*
 * One for each `meeting.start`: a transcription that is kept. A child of the broker, beside the voice stream that it listens
 * to: the stream answers the start and sends every event on, the meeting keeps what was said and answers the stop. Section
 * 11 of the wire contract.
 */

/** What the chart's guards need to know of a meeting. The actor's own record has more. */
export interface MeetingFacts {
  readonly id: string;
  /** Its provider has accepted. */
  readonly hasBegun: boolean;
  /** Somebody is to be asked for a summary. */
  readonly wantsSummary: boolean;
}

/** The records that a meeting holds and is told of. */
export interface MeetingRefs {
  meeting: MeetingFacts;
  /** Who asks for something. */
  client: ConnectionFacts;
}

/** Everything that a meeting hears. */
export type MeetingEvent<R extends MeetingRefs = MeetingRefs> =
  /** A final of its stream's: no chart step (law 2). */
  | { type: 'meeting.heard'; segment: TranscriptSegment }
  | { type: 'meeting.stop'; asker: VoiceAsker<R['client']>; summarizer?: string }
  /** Its stream is over. Refused: it never began. */
  | { type: 'stream.over'; isRefused: boolean }
  | { type: 'meeting.expired' }
  | { type: 'summary.settled'; summary: string | null }
  /** The broker stops, and every connection with it. */
  | { type: 'meeting.drain' }
  | { type: 'client.gone' };

/** Where a stream that is over leads to, in this order. */
const afterwards = [
  { guard: 'isRefused', target: 'refused' },
  { guard: 'wantsSummary', target: 'summarizing' },
  { target: 'ended' },
] as const;

/** Nobody is there to hear of it. */
const abandoned = [{ guard: 'hasBegun', target: 'ended' }, { target: 'refused' }] as const;

/** Nobody can be answered a moment later. */
const drained = [
  { guard: 'hasBegun', target: 'ended', actions: 'refuseStopsAsDraining' },
  { target: 'refused', actions: 'refuseStopsAsDraining' },
] as const;

/** The chart, over the records of whoever runs it. */
export function createMeetingMachine<R extends MeetingRefs>() {
  return setup({
    types: {} as {
      context: { meeting: R['meeting'] };
      input: { meeting: R['meeting'] };
      events: MeetingEvent<R>;
    },
    guards: {
      isRefused: ({ event }) => event.type === 'stream.over' && event.isRefused,
      hasBegun: ({ context }) => context.meeting.hasBegun,
      wantsSummary: ({ context }) => context.meeting.wantsSummary,
    },
    actions: effects(
      'keep',
      'noteStop',
      'askToFinish',
      'disarm',
      'cutStream',
      'answerOthers',
      'askForSummary',
      'dropSummary',
      'keepSummary',
      'keepEnd',
      'answerStops',
      'forget',
      'refuseStops',
      'refuseStopsAsDraining',
    ),
  }).createMachine({
    id: 'meeting',
    context: ({ input }) => ({ meeting: input.meeting }),
    initial: 'running',
    states: {
      running: {
        description: 'What is said is kept. Until its provider has accepted, the client is not answered.',
        on: {
          'meeting.heard': { actions: 'keep' },
          'meeting.stop': { target: 'finishing', actions: 'noteStop' },
          'stream.over': [{ guard: 'isRefused', target: 'refused' }, { target: 'ended' }],
          'client.gone': abandoned,
          'meeting.drain': drained,
        },
      },
      finishing: {
        description: 'No more audio comes; the provider has ten seconds for what it has.',
        entry: 'askToFinish',
        exit: 'disarm',
        on: {
          'meeting.heard': { actions: 'keep' },
          'meeting.stop': { actions: 'noteStop' },
          'stream.over': afterwards,
          'meeting.expired': { actions: 'cutStream' },
          'client.gone': abandoned,
          'meeting.drain': drained,
        },
      },
      summarizing: {
        description: 'An agent was asked for a summary, in a chat of the broker’s own. Who wants none was answered.',
        entry: ['answerOthers', 'askForSummary'],
        exit: 'dropSummary',
        on: {
          'meeting.stop': { actions: 'noteStop' },
          'summary.settled': { target: 'ended', actions: 'keepSummary' },
          'client.gone': 'ended',
          'meeting.drain': { target: 'ended', actions: 'refuseStopsAsDraining' },
        },
      },
      ended: {
        type: 'final',
        description: 'All of it is kept; who asked to stop is answered.',
        entry: ['keepEnd', 'answerStops'],
      },
      refused: {
        type: 'final',
        description: 'The provider did not accept, or could not any more: there was no meeting.',
        entry: ['forget', 'refuseStops'],
      },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const meetingMachine = createMeetingMachine<MeetingRefs>();

/** Law 2: see {@link HotEvents}. */
export const meetingHotEvents = { 'meeting.heard': ['running', 'finishing'] } as const satisfies HotEvents<
  MeetingEvent['type']
>;
