import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { voiceOf } from './client-voice.ts';
import { startVoiceStream } from './stream.ts';
import { VoiceStream, type VoiceStreamSpec } from './stream-record.ts';
import { VOICE } from './streams.ts';
import { Transcript } from './transcript.ts';

/**
 * Opens a stream whose id is free: its actor asks the provider at once, and answers the client.
 * @throws {WireError} `-32010`, `-32015`, `-32020`, `-32021`
 */
export function openVoiceStream(kernel: Kernel, spec: VoiceStreamSpec): VoiceStream {
  const { id, client, task } = spec;
  if (kernel.isDraining) throw WireError.draining();
  const live = kernel.get(VOICE).find(task.kind, agentSessionId(client.principal, id));
  if (live) throw live.client === client ? WireError.sessionBusy() : WireError.forbidden('stream');
  const { maxVoiceStreams, maxTranscriptBytes } = kernel.limits;
  if (voiceOf(client).streams.size >= maxVoiceStreams)
    throw WireError.limitExceeded('max_voice_streams', maxVoiceStreams);
  const providerId = uuid().replaceAll('-', '');
  const stream = new VoiceStream(spec, providerId, new Transcript(maxTranscriptBytes), kernel.clock.now());
  kernel.get(VOICE).opened[task.kind] += 1;
  kernel.get(VOICE).add(stream);
  startVoiceStream(kernel, stream);
  kernel.log.debug(
    { stream: providerId, kind: task.kind, provider: spec.provider.id, client: client.id },
    'voice stream',
  );
  return stream;
}
