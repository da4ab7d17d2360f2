import type { AnyActorRef } from 'xstate';
import { type AudioFormat, AudioFrameType, encodeAudioFrame } from '../../protocol/audio-frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { VoiceStream } from './stream-record.ts';

/** Sends one event to the client that started the stream, and to nobody else (`wire.md` section 11). */
export function sendEvent(kernel: Kernel, self: AnyActorRef, stream: VoiceStream, event: JsonObject): void {
  // The provider's own ids say nothing to the client, and it cannot pass anything off as the broker's.
  const { stream_id, session_id, synthesized, ...rest } = event;
  publish(kernel, self, stream, rest);
}

/** Sends an event that the broker makes itself, marked as such. */
export function sendOwn(kernel: Kernel, self: AnyActorRef, stream: VoiceStream, event: JsonObject): void {
  publish(kernel, self, stream, { ...event, synthesized: true });
}

function publish(kernel: Kernel, self: AnyActorRef, stream: VoiceStream, event: JsonObject): void {
  const key = stream.kind === 'transcribe' ? 'session_id' : 'stream_id';
  const params: JsonObject = { [key]: stream.id, ...event };
  try {
    stream.spec.observe?.(params);
  } catch (err) {
    kernel.log.error({ err, stream: stream.providerId }, 'who observes a voice stream failed');
  }
  const counted = stream.kind === 'speak' ? { counted: stream.waiting } : {};
  tell(self, stream.client.ref, { type: 'voice.deliver', params, isPartial: event.type === 'partial', ...counted });
}

/**
 * Whether so many bytes more of a stream's speech may wait for its client: so few that no stream, nor all of them
 * together, closes the connection of who is slow to read.
 */
export function hasRoom(kernel: Kernel, stream: VoiceStream, bytes: number): boolean {
  const { maxWaitingSpeechBytes, hardLimitBytes } = kernel.limits;
  const room = Math.min(maxWaitingSpeechBytes - stream.waiting.bytes, hardLimitBytes - stream.client.link.waitingBytes);
  return bytes <= room;
}

/** The bytes of a piece of speech, in the form in which it goes to the client. */
export function speechBytes(stream: VoiceStream, audio: Uint8Array): number {
  return stream.isBinary ? audio.length : Math.ceil(audio.length / 3) * 4;
}

/** Sends one piece of speech, in the form that the client asked for. */
export function sendChunk(
  kernel: Kernel,
  self: AnyActorRef,
  stream: VoiceStream,
  format: AudioFormat,
  audio: Uint8Array,
): void {
  stream.format = format;
  if (stream.isBinary) sendFrame(self, stream, AudioFrameType.AudioOut, audio);
  else {
    stream.needsLastPiece = true;
    sendPiece(kernel, self, stream, audio, false);
  }
}

/** Who reads JSON learns that no more audio comes by the last piece, an empty one. */
export function sendLast(kernel: Kernel, self: AnyActorRef, stream: VoiceStream): void {
  sendPiece(kernel, self, stream, new Uint8Array(), true);
}

/** Sends a binary frame that ends a stream: that is all, or why. */
export function sendEnd(self: AnyActorRef, stream: VoiceStream, message?: string): void {
  const type = message === undefined ? AudioFrameType.End : AudioFrameType.Error;
  sendFrame(self, stream, type, Buffer.from(message ?? ''));
}

function sendPiece(kernel: Kernel, self: AnyActorRef, stream: VoiceStream, audio: Uint8Array, is_final: boolean): void {
  const audio_b64 = Buffer.from(audio.buffer, audio.byteOffset, audio.length).toString('base64');
  const piece = { seq: stream.nextChunkSeq, audio_b64, format: stream.format, is_final };
  stream.nextChunkSeq += 1;
  publish(kernel, self, stream, { type: 'tts_chunk', ...piece });
}

function sendFrame(self: AnyActorRef, stream: VoiceStream, type: AudioFrameType, payload: Uint8Array): void {
  const { id: streamId, format, nextChunkSeq } = stream;
  stream.nextChunkSeq += 1;
  const data = encodeAudioFrame({ type, streamId, seq: BigInt(nextChunkSeq), format, payload });
  tell(self, stream.client.ref, { type: 'audio.deliver', data, counted: stream.waiting });
}
