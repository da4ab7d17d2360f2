import type { AnyActorRef } from 'xstate';
import { type AudioFrame, AudioFrameType } from '../../protocol/audio-frame.ts';
import type { ProviderEvent } from '../../protocol/voice.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { tell } from '../kernel/tell.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { voiceOf } from './client-voice.ts';
import { FAR_VOICE } from './far-voice.ts';
import type { VoiceStream } from './stream-record.ts';
import { VOICE } from './streams.ts';
import { hasRoom, sendOwn, speechBytes } from './to-client.ts';

/**
 * Which stream an event of a provider's belongs to, and whether this connection may send it. What may not pass is
 * dropped and counted, and reaches no client. The connection itself is compared (law 15).
 */
export function routeVoiceEvent(kernel: Kernel, from: Client, params: ProviderEvent, self: AnyActorRef): void {
  if (kernel.peek(FAR_VOICE)?.event(from, params)) return;
  const stream = ownJob(kernel, from, params.stream_id);
  if (stream) takeEvent(kernel, stream, params, self);
}

/** An event of a stream's own provider. */
export function takeEvent(kernel: Kernel, stream: VoiceStream, params: ProviderEvent, self: AnyActorRef): void {
  if (!stream.ref) return;
  if (stream.kind === 'speak' && !hasRoom(kernel, stream, eventBytes(params)))
    failAsTooFast(kernel, stream, self, eventBytes(params));
  else if (params.type === 'ended') tell(self, stream.ref, { type: 'provider.ended', params });
  else if (params.type !== 'tts_chunk') tell(self, stream.ref, { type: 'voice.event', params });
  else if (stream.kind !== 'speak') drop(kernel, stream.provider, 'malformed_audio');
  else {
    noteSeq(stream, BigInt(params.seq as number | bigint));
    tell(self, stream.ref, { type: 'voice.event', params });
    if (params.is_final === true) tell(self, stream.ref, { type: 'provider.ended' });
  }
}

/** The same for a binary frame, of a client's or of a provider's. */
export function routeAudio(kernel: Kernel, from: Client, frame: AudioFrame, self: AnyActorRef): void {
  if (frame.type === AudioFrameType.AudioIn) routeAudioIn(kernel, from, frame, self);
  else if (frame.type === AudioFrameType.AudioOut) routeAudioOut(kernel, from, frame, self);
  else routeEnd(kernel, from, frame, self);
}

/** Audio for the provider of this stream. False: too much of the stream's waits already, and this is not sent. */
export function pushAudio(self: AnyActorRef, stream: VoiceStream, audio: Uint8Array): boolean {
  if (audio.length > stream.provider.roomFor(stream)) return false;
  if (stream.ref) tell(self, stream.ref, { type: 'voice.audio', audio });
  return true;
}

/**
 * The transcription of the client's principal that has these digits; or the client's own whose id is the same UUID, written
 * in another way.
 */
function transcriptionOf(kernel: Kernel, from: Client, digits: string): VoiceStream | undefined {
  const stream = kernel.get(VOICE).find('transcribe', agentSessionId(from.principal, digits));
  if (stream) return stream;
  for (const own of voiceOf(from).streams) {
    if (own.kind === 'transcribe' && own.id.replaceAll('-', '').toLowerCase() === digits) return own;
  }
  return undefined;
}

/** Whether that is whole samples of each channel. */
export function isWhole(stream: VoiceStream, audio: Uint8Array): boolean {
  const { task } = stream.spec;
  return task.kind === 'transcribe' && audio.length % (task.source.channels * SAMPLE_BYTES) === 0;
}

const SAMPLE_BYTES = 2;

function routeAudioIn(kernel: Kernel, from: Client, frame: AudioFrame, self: AnyActorRef): void {
  const stream = transcriptionOf(kernel, from, frame.streamId);
  if (!stream || stream.isStopAsked) drop(kernel, from, 'unknown_stream');
  else if (stream.client !== from) drop(kernel, from, 'not_owner');
  else if (frame.format !== 'pcm' || !isWhole(stream, frame.payload)) {
    stream.nextAudioSeq += 1;
    drop(kernel, from, 'malformed_audio');
    const message = 'a frame was dropped: audio is 16-bit PCM, whole samples of each channel';
    sendOwn(kernel, self, stream, { type: 'error', message, code: 'malformed_audio' });
  } else if (pushAudio(self, stream, frame.payload)) stream.isDropping = false;
  else {
    stream.nextAudioSeq += 1;
    drop(kernel, from, 'audio_overflow');
    // Said once for each gap, not for each frame of it.
    if (stream.isDropping) return;
    stream.isDropping = true;
    const message = 'audio was dropped: more waits for the provider than may';
    sendOwn(kernel, self, stream, { type: 'error', message, code: 'audio_overflow' });
  }
}

function routeAudioOut(kernel: Kernel, from: Client, frame: AudioFrame, self: AnyActorRef): void {
  if (kernel.peek(FAR_VOICE)?.audio(from, frame)) return;
  const stream = ownJob(kernel, from, frame.streamId);
  if (stream) takeAudioOut(kernel, stream, frame, self);
}

/** Speech of a stream's own provider. @returns whether it is any */
export function takeAudioOut(kernel: Kernel, stream: VoiceStream, frame: AudioFrame, self: AnyActorRef): boolean {
  if (frame.type !== AudioFrameType.AudioOut) return false;
  const { format, payload: audio } = frame;
  if (!stream.ref) return true;
  if (stream.kind !== 'speak') drop(kernel, stream.provider, 'malformed_audio');
  else if (hasRoom(kernel, stream, speechBytes(stream, audio))) {
    noteSeq(stream, frame.seq);
    tell(self, stream.ref, { type: 'stream.chunk', format, audio });
  } else failAsTooFast(kernel, stream, self, speechBytes(stream, audio));
  return true;
}

/** Where a provider's numbers leave pieces out, so do the client's. */
function noteSeq(stream: VoiceStream, seq: bigint): void {
  if (stream.lastHeardSeq !== undefined && seq > stream.lastHeardSeq + 1n) stream.nextChunkSeq += 1;
  stream.lastHeardSeq = seq;
}

/** Its provider cannot be told to wait, and its client's other streams are not to pay for it: this one ends. */
function failAsTooFast({ limits }: Kernel, stream: VoiceStream, self: AnyActorRef, bytes: number): void {
  const { maxWaitingSpeechBytes: most } = limits;
  const message =
    bytes > most
      ? `a piece of the speech was larger than the ${most} bytes that may wait: the provider is to send smaller ones`
      : `the speech came faster than it was read, and more than ${most} bytes would wait: ask for shorter texts`;
  if (stream.ref) tell(self, stream.ref, { type: 'stream.fail', code: 'slow_consumer', message });
}

/** Bytes of an event of speech, without another copy of its audio. */
function eventBytes(params: ProviderEvent): number {
  const { audio_b64, ...rest } = params;
  return jsonBytes(rest) + (typeof audio_b64 === 'string' ? audio_b64.length : jsonBytes(audio_b64 ?? null));
}

function routeEnd(kernel: Kernel, from: Client, frame: AudioFrame, self: AnyActorRef): void {
  const own = transcriptionOf(kernel, from, frame.streamId);
  if (own?.ref && own.client === from) {
    // Whether that is all, or its microphone broke: no more audio comes.
    tell(self, own.ref, { type: 'stream.stop' });
    return;
  }
  if (kernel.peek(FAR_VOICE)?.audio(from, frame)) return;
  const stream = ownJob(kernel, from, frame.streamId);
  if (stream) takeEnd(stream, frame, self);
}

/** A stream's own provider says that this is all, or why. */
export function takeEnd(stream: VoiceStream, frame: AudioFrame, self: AnyActorRef): void {
  if (!stream.ref) return;
  if (frame.type === AudioFrameType.Error) {
    const message = new TextDecoder().decode(frame.payload) || 'the provider failed';
    tell(self, stream.ref, { type: 'stream.fail', code: 'provider_failed', message });
  } else if (frame.type === AudioFrameType.End) tell(self, stream.ref, { type: 'provider.ended' });
}

/** The stream that this connection works on under that id. What is of somebody else's is dropped. */
function ownJob(kernel: Kernel, from: Client, id: string): VoiceStream | undefined {
  const stream = kernel.get(VOICE).ofProvider(id);
  if (stream && stream.provider.agent === from) return stream;
  drop(kernel, from, stream ? 'not_owner' : 'unknown_stream');
  return undefined;
}

/** Why audio, or an event of a provider's, went nowhere. */
type VoiceDrop = 'unknown_stream' | 'not_owner' | 'malformed_audio' | 'audio_overflow';

function drop(kernel: Kernel, from: { readonly id: string }, reason: VoiceDrop): void {
  kernel.counters.dropOf<VoiceDrop>(reason);
  kernel.log.debug({ client: from.id, reason }, 'dropped voice');
}
