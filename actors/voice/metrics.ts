import { VOICE_CAPABILITIES } from '../../protocol/voice-kinds.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type Metric, metric } from '../kernel/metric.ts';
import type { VoiceStreams } from './streams.ts';

const KINDS = Object.keys(VOICE_CAPABILITIES);
const STATES = ['starting', 'running', 'finishing'];

/** What `/metrics` tells of voice streams. */
export function voiceMetrics(kernel: Pick<Kernel, 'vitals'>, streams: VoiceStreams): Metric[] {
  return [
    metric('gauge', 'voice_streams', 'Live voice streams by kind and state.', () => live(streams), 'kind', 'state'),
    metric(
      'counter',
      'voice_streams_total',
      'Voice streams opened since the start, by kind.',
      () => Object.entries(streams.opened),
      'kind',
    ),
    metric(
      'counter',
      'voice_streams_ended_total',
      'Voice streams ended since the start, by kind and how.',
      () => [...streams.endings].map(([key, count]) => [key.split(' '), count]),
      'kind',
      'ending',
    ),
    metric(
      'counter',
      'voice_audio_bytes_total',
      'Audio since the start: to be transcribed (in), spoken (out).',
      () => Object.entries(streams.audioBytes),
      'way',
    ),
    metric('counter', 'voice_partials_dropped_total', 'Partials dropped for slow readers since the start.', () =>
      kernel.vitals.droppedPartials(),
    ),
  ];
}

function* live(streams: VoiceStreams): Iterable<readonly [readonly string[], number]> {
  for (const kind of KINDS) for (const state of STATES) yield [[kind, state], 0];
  for (const { kind, ref } of streams) yield [[kind, String(ref?.getSnapshot().value)], 1];
}
