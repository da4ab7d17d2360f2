import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { startVoiceStream } from './stream.ts';
import { VoiceStream, type VoiceStreamSpec } from './stream-record.ts';
import { Transcript } from './transcript.ts';

/**
 * Opens a stream whose id is free: its actor asks the provider at once, and answers the client.
 * @throws {WireError} `-32010`, `-32015`, `-32020`, `-32021`
 */
export function openVoiceStream(state: BrokerState, spec: VoiceStreamSpec): VoiceStream {
  const { id, client, task } = spec;
  if (state.isDraining) throw WireError.draining();
  const live = state.voice.find(task.kind, id);
  if (live) throw live.client === client ? WireError.sessionBusy() : WireError.forbidden('stream');
  const { maxVoiceStreams, maxTranscriptBytes } = state.limits;
  if (client.voiceStreams.size >= maxVoiceStreams) throw WireError.limitExceeded('max_voice_streams', maxVoiceStreams);
  const providerId = uuid().replaceAll('-', '');
  const stream = new VoiceStream(spec, providerId, new Transcript(maxTranscriptBytes), state.clock.now());
  state.counters.voiceStreams[task.kind] += 1;
  state.voice.add(stream);
  startVoiceStream(state, stream);
  state.log.debug(
    { stream: providerId, kind: task.kind, provider: spec.provider.id, client: client.id },
    'voice stream',
  );
  return stream;
}
