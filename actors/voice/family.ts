import type { ConnectionEvent } from '../../machines/connection.machine.ts';
import { voiceStreamHotEvents, voiceStreamMachine } from '../../machines/voice-stream.machine.ts';
import { decodeAudioFrame } from '../../protocol/audio-frame.ts';
import { EventFault } from '../../protocol/event-fault.ts';
import { readProviderEvent } from '../../protocol/voice.ts';
import type { Client } from '../kernel/client.ts';
import type { Facts } from '../kernel/facts.ts';
import type { ReadNotification } from '../kernel/hooks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Family } from '../requests/family.ts';
import { voiceOf } from './client-voice.ts';
import { FAR_VOICE } from './far-voice.ts';
import { LOCAL_VOICE, LocalProvider, type LocalVoice } from './local-provider.ts';
import { voiceMethods } from './methods.ts';
import { voiceMetrics } from './metrics.ts';
import { routeAudio, routeVoiceEvent } from './routing.ts';
import { VOICE_STREAM, voiceStreamKind } from './stream.ts';
import type { VoiceStream } from './stream-record.ts';
import { VOICE, VoiceStreams } from './streams.ts';
import { VoiceShare } from './voice-share.ts';

/** Voice: audio to text and back, by providers (`wire.md` section 11). */
export const voice: Family<{ voice?: LocalVoice | undefined }> = {
  name: 'voice',
  charts: [
    { machine: voiceStreamMachine, hot: voiceStreamHotEvents, facts: ({ stream }, kernel) => factsOf(stream, kernel) },
  ],
  install(kernel, options) {
    const streams = kernel.put(VOICE, new VoiceStreams());
    kernel.put(VOICE_STREAM, voiceStreamKind(kernel));
    const share = new VoiceShare(kernel);
    kernel.put(FAR_VOICE, share);
    kernel.neighbours.talks.push(share);
    if (options.voice) kernel.put(LOCAL_VOICE, new LocalProvider(options.voice, kernel));
    return {
      methods: voiceMethods,
      metrics: voiceMetrics(kernel, streams),
      inbound: {
        routes: {
          'voice.event'(event, self) {
            if (event.type === 'voice.event') routeVoiceEvent(kernel, event.from as Client, event.params, self);
          },
          'voice.audio'(event, self) {
            if (event.type === 'voice.audio') routeAudio(kernel, event.from as Client, event.frame, self);
          },
        },
        notifications: { 'voice.event': readVoiceEvent },
        binary: readAudio,
      },
      agentReplaced: (client) => endJobs(kernel, client),
      connectionEnded(client) {
        endJobs(kernel, client);
        for (const { ref } of [...voiceOf(client).streams]) if (ref) tell(kernel.ref, ref, { type: 'client.gone' });
      },
      sweep(now) {
        const oldest = now - kernel.limits.staleAfterMs;
        for (const { lastFrameAt, ref } of [...streams]) {
          if (lastFrameAt > oldest || !ref) continue;
          tell(kernel.ref, ref, { type: 'stream.fail', code: 'stale', message: 'nothing has come for too long' });
        }
      },
      drain() {
        for (const { ref } of [...streams]) {
          if (ref) tell(kernel.ref, ref, { type: 'stream.fail', code: 'draining', message: 'the broker is stopping' });
        }
      },
      clientFacts: (client) => ({
        voice_streams: voiceOf(client).streams.size,
        voice_jobs: voiceOf(client).jobs.size,
      }),
      brokerFacts: () => ({ voice_streams: streams.size }),
    };
  },
};

/** A provider's event, checked; undefined where it is malformed. */
const readVoiceEvent: ReadNotification = (params, note) => {
  const read = readProviderEvent(params);
  if (!(read instanceof EventFault)) return { type: 'voice.event', params: read };
  note(read);
  return read.event && { type: 'voice.event', params: read.event };
};

/** A binary frame, which is audio or nothing (`wire.md` section 11). */
function readAudio(data: Uint8Array): ConnectionEvent | undefined {
  const frame = decodeAudioFrame(data);
  return frame && { type: 'voice.audio', frame };
}

/** Its agent is gone: what it worked on ends. */
function endJobs(kernel: Kernel, client: Client): void {
  kernel.peek(FAR_VOICE)?.agentGone(client);
  for (const { ref } of [...voiceOf(client).jobs]) {
    const message = 'the provider disconnected';
    if (ref) tell(kernel.ref, ref, { type: 'stream.fail', code: 'provider_disconnected', message });
  }
}

function factsOf(stream: VoiceStream, kernel: Kernel): Facts {
  const { task, startResult } = stream.spec;
  const fields = {
    kind: task.kind,
    id: stream.id,
    provider: stream.provider.id,
    providers_id: stream.providerId,
    client: stream.client.id,
    ...(task.kind === 'transcribe'
      ? { audio_source: task.source, finals: stream.transcript.size }
      : { text: task.text, voice_id: task.voiceId, binary_frames: task.binaryFrames, pieces: stream.nextChunkSeq }),
    is_meeting: startResult !== undefined,
    waiting_bytes: stream.provider.waitingBytes(stream),
    is_dropping: stream.isDropping,
    is_stop_asked: stream.isStopAsked,
    stoppers: stream.stoppers.length,
  };
  return { label: stream.provider.id, startedAt: kernel.wall.of(stream.startedAt), fields };
}
