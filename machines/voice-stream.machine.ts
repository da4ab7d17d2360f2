import { setup } from 'xstate';
import type { AudioFormat } from '../protocol/audio-frame.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { ProviderEvent } from '../protocol/voice.ts';
import type { Answer } from './callback.machine.ts';
import type { ConnectionFacts } from './connection.machine.ts';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';

/*
 * One stream of voice: audio that a provider transcribes, or a text that it speaks. A child of the broker, between the
 * client that started it and the provider. Audio and the provider's events take no step of this chart while it runs.
 * Whoever goes, the other side is told. Section 11 of the wire contract.
 */

/** What the chart's guards need to know of a stream. The actor's own record has more. */
export interface VoiceStreamFacts {
  /** Id of this stream, unique in the daemon's life: what its provider knows it by. */
  readonly providerId: string;
  /** The client has said that no more audio comes. */
  readonly isStopAsked: boolean;
}

/** Who asked for something, and is answered when it is done. */
export interface VoiceAsker<Client extends ConnectionFacts = ConnectionFacts> {
  client: Client;
  id: RpcId | undefined;
}

/** Why a stream failed, as its client is told in `code`. `internal`: a fault of ours, in what it belongs to. */
export type VoiceFailure =
  | 'provider_disconnected'
  | 'provider_failed'
  | 'slow_consumer'
  | 'stale'
  | 'draining'
  | 'internal';

/** The records that a stream holds and is told of. */
export interface VoiceStreamRefs {
  stream: VoiceStreamFacts;
  /** Who asks for something. */
  client: ConnectionFacts;
}

/** Everything that a stream hears. */
export type VoiceStreamEvent<R extends VoiceStreamRefs = VoiceStreamRefs> =
  /** The provider's answer to the start. That to the stop says nothing. */
  | { type: 'call.answered'; id: RpcId; answer: Answer }
  /** Audio for the provider: no chart step (law 2). */
  | { type: 'voice.audio'; audio: Uint8Array }
  /** A checked event of the provider's: no chart step either. */
  | { type: 'voice.event'; params: ProviderEvent }
  /** A piece of speech that came as a binary frame: the same. */
  | { type: 'stream.chunk'; format: AudioFormat; audio: Uint8Array }
  /** No more audio comes. Without an asker: by a binary frame. */
  | { type: 'stream.stop'; asker?: VoiceAsker<R['client']> }
  | { type: 'stream.cancel'; asker?: VoiceAsker<R['client']> }
  | { type: 'stream.expired' }
  | { type: 'stream.fail'; code: VoiceFailure; message: string }
  | { type: 'provider.ended'; params?: ProviderEvent }
  | { type: 'client.gone' };

/** The chart, over the records of whoever runs it. */
export function createVoiceStreamMachine<R extends VoiceStreamRefs>() {
  return setup({
    types: {} as {
      context: { stream: R['stream'] };
      input: { stream: R['stream'] };
      events: VoiceStreamEvent<R>;
    },
    guards: {
      isStopAsked: ({ context }) => context.stream.isStopAsked,
      isAcceptance: ({ event }) =>
        event.type === 'call.answered' &&
        'result' in event.answer &&
        (event.answer.result as { accepted?: unknown } | null)?.accepted !== false,
    },
    actions: effects(
      'callProvider',
      'forgetCall',
      'confirmStart',
      'refuseAsRejected',
      'refuseAsSilent',
      'refuseAsFailed',
      'sendAudio',
      'deliver',
      'deliverChunk',
      'noteStop',
      'askToFinish',
      'confirmCancel',
      'tellEnded',
      'tellFailed',
      'answerStops',
      'cancelProvider',
    ),
  }).createMachine({
    id: 'voiceStream',
    context: ({ input }) => ({ stream: input.stream }),
    initial: 'starting',
    states: {
      starting: {
        description: 'The provider was asked and has five seconds to accept. What it sends first says that it has.',
        entry: 'callProvider',
        exit: 'forgetCall',
        on: {
          'call.answered': [
            { guard: 'isAcceptance', target: 'running', actions: 'confirmStart' },
            { target: 'refused', actions: 'refuseAsRejected' },
          ],
          'voice.audio': { actions: 'sendAudio' },
          'voice.event': { target: 'running', actions: ['confirmStart', 'deliver'] },
          'stream.chunk': { target: 'running', actions: ['confirmStart', 'deliverChunk'] },
          'stream.stop': { actions: 'noteStop' },
          'stream.cancel': { target: 'cancelled', actions: ['confirmStart', 'confirmCancel'] },
          'stream.expired': { target: 'refused', actions: ['refuseAsSilent', 'cancelProvider'] },
          'stream.fail': { target: 'refused', actions: ['refuseAsFailed', 'cancelProvider'] },
          'provider.ended': { target: 'ended', actions: 'confirmStart' },
          'client.gone': 'abandoned',
        },
      },
      running: {
        description: 'Audio goes one way, events the other.',
        always: { guard: 'isStopAsked', target: 'finishing' },
        on: {
          'voice.audio': { actions: 'sendAudio' },
          'voice.event': { actions: 'deliver' },
          'stream.chunk': { actions: 'deliverChunk' },
          'stream.stop': { target: 'finishing', actions: 'noteStop' },
          'stream.cancel': { target: 'cancelled', actions: 'confirmCancel' },
          'stream.fail': 'failed',
          'provider.ended': 'ended',
          'client.gone': 'abandoned',
        },
      },
      finishing: {
        description:
          'No more audio comes; the provider works off what it has until it says that it ended. Its answer to the stop is ' +
          'not that. Who asked to stop waits ten seconds.',
        entry: 'askToFinish',
        exit: 'forgetCall',
        on: {
          'voice.event': { actions: 'deliver' },
          'stream.chunk': { actions: 'deliverChunk' },
          'stream.stop': { actions: 'noteStop' },
          'stream.cancel': { target: 'cancelled', actions: 'confirmCancel' },
          'stream.expired': { target: 'ended', actions: 'cancelProvider' },
          'stream.fail': 'failed',
          'provider.ended': 'ended',
          'client.gone': 'abandoned',
        },
      },
      ended: {
        type: 'final',
        description: 'The provider has finished, or was given its time; the client was told.',
        entry: ['tellEnded', 'answerStops'],
      },
      failed: {
        type: 'final',
        description: 'The provider is gone or has failed; both sides were told.',
        entry: ['cancelProvider', 'tellFailed', 'answerStops'],
      },
      cancelled: {
        type: 'final',
        description: 'The client wants no more of it; both sides were told.',
        entry: ['cancelProvider', 'tellEnded', 'answerStops'],
      },
      abandoned: {
        type: 'final',
        description: 'The client is gone; the provider was told.',
        entry: 'cancelProvider',
      },
      refused: { type: 'final', description: 'The provider did not accept; the client’s requests were answered so.' },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const voiceStreamMachine = createVoiceStreamMachine<VoiceStreamRefs>();

/** Law 2: see {@link HotEvents}. */
export const voiceStreamHotEvents = {
  'voice.event': ['running', 'finishing'],
  'stream.chunk': ['running', 'finishing'],
  'voice.audio': ['running'],
} as const satisfies HotEvents<VoiceStreamEvent['type']>;
