import type { AnyActorRef } from 'xstate';
import { AudioFrameType, type ReceivedAudio } from '../../protocol/audio-frame.ts';
import type { ProviderEvent } from '../../protocol/voice.ts';
import type { BrokerState } from '../broker-state.ts';
import type { Client } from '../client.ts';
import type { DropReason } from '../counters.ts';
import { tell } from '../tell.ts';
import type { VoiceStream } from './stream-record.ts';
import { sendOwn } from './to-client.ts';

/**
 * Which stream an event of a provider's belongs to, and whether this connection may send it. What may not pass is
 * dropped and counted, and reaches no client. The connection itself is compared (law 15).
 */
export function routeVoiceEvent(state: BrokerState, from: Client, params: ProviderEvent, self: AnyActorRef): void {
  const stream = ownJob(state, from, params.stream_id);
  if (!stream?.ref) return;
  if (params.type === 'ended') tell(self, stream.ref, { type: 'provider.ended', params });
  else if (params.type !== 'tts_chunk') tell(self, stream.ref, { type: 'stream.event', params });
  else if (stream.kind !== 'speak') drop(state, from, 'malformed_audio');
  else {
    tell(self, stream.ref, { type: 'stream.event', params });
    if (params.is_final === true) tell(self, stream.ref, { type: 'provider.ended' });
  }
}

/** The same for a binary frame, of a client's or of a provider's. */
export function routeAudio(state: BrokerState, from: Client, frame: ReceivedAudio, self: AnyActorRef): void {
  if (frame.type === AudioFrameType.AudioIn) routeAudioIn(state, from, frame, self);
  else if (frame.type === AudioFrameType.AudioOut) routeAudioOut(state, from, frame, self);
  else routeEnd(state, from, frame, self);
}

/** Audio for the provider of this stream. False: what waits for it is too much already, and this is not sent. */
export function pushAudio(state: BrokerState, self: AnyActorRef, stream: VoiceStream, audio: Uint8Array): boolean {
  if (stream.provider.waitingBytes(stream) + audio.length > state.limits.maxWaitingAudioBytes) return false;
  if (stream.ref) tell(self, stream.ref, { type: 'stream.audio', audio });
  return true;
}

function routeAudioIn(state: BrokerState, from: Client, frame: ReceivedAudio, self: AnyActorRef): void {
  const stream = state.voice.find('transcribe', frame.streamId);
  if (!stream || stream.isStopAsked) drop(state, from, 'unknown_stream');
  else if (stream.client !== from) drop(state, from, 'not_owner');
  else if (frame.format !== 'pcm' || frame.payload.length % 2 !== 0) {
    drop(state, from, 'malformed_audio');
    const message = 'a frame was dropped: audio is 16-bit PCM, an even number of bytes';
    sendOwn(state, self, stream, { type: 'error', message, code: 'malformed_audio' });
  } else if (pushAudio(state, self, stream, frame.payload)) stream.isDropping = false;
  else {
    drop(state, from, 'audio_overflow');
    // Said once for each gap, not for each frame of it.
    if (stream.isDropping) return;
    stream.isDropping = true;
    const message = 'audio was dropped: more waits for the provider than may';
    sendOwn(state, self, stream, { type: 'error', message, code: 'audio_overflow' });
  }
}

function routeAudioOut(state: BrokerState, from: Client, frame: ReceivedAudio, self: AnyActorRef): void {
  const stream = ownJob(state, from, frame.streamId);
  if (!stream?.ref) return;
  const { format, payload: audio } = frame;
  if (stream.kind === 'speak') tell(self, stream.ref, { type: 'stream.chunk', format, audio });
  else drop(state, from, 'malformed_audio');
}

function routeEnd(state: BrokerState, from: Client, frame: ReceivedAudio, self: AnyActorRef): void {
  const own = state.voice.find('transcribe', frame.streamId);
  if (own?.ref && own.client === from) {
    // Whether that is all, or its microphone broke: no more audio comes.
    tell(self, own.ref, { type: 'stream.stop' });
    return;
  }
  const stream = ownJob(state, from, frame.streamId);
  if (!stream?.ref) return;
  if (frame.type === AudioFrameType.Error) {
    const message = new TextDecoder().decode(frame.payload) || 'the provider failed';
    tell(self, stream.ref, { type: 'stream.fail', code: 'provider_failed', message });
    return;
  }
  tell(self, stream.ref, { type: 'provider.ended' });
}

/** The stream that this connection works on under that id. What is of somebody else's is dropped. */
function ownJob(state: BrokerState, from: Client, id: string): VoiceStream | undefined {
  const stream = state.voice.ofProvider(id);
  if (stream && stream.provider.agent === from) return stream;
  drop(state, from, stream ? 'not_owner' : 'unknown_stream');
  return undefined;
}

function drop(state: BrokerState, from: Client, reason: DropReason): void {
  state.counters.drop(reason);
  state.log.debug({ client: from.id, reason }, 'dropped voice');
}
