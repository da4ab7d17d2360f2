import type { AnyActorRef } from 'xstate';
import { withEffects } from '../../machines/effects.ts';
import { createVoiceStreamMachine, voiceStreamHotEvents } from '../../machines/voice-stream.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { TranscriptSegment, VoiceStopReason } from '../../protocol/voice.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { ChildKind } from '../kernel/children.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { agentError } from '../kernel/refused-call.ts';
import { idFor } from '../kernel/session-name.ts';
import { reply } from '../requests/reply.ts';
import type { StreamHears, StreamHolds, VoiceStream } from './stream-record.ts';
import { VOICE } from './streams.ts';
import { sendChunk, sendEnd, sendEvent, sendLast, sendOwn } from './to-client.ts';

type EventOf<T extends StreamHears['type']> = Extract<StreamHears, { type: T }>;
interface Args {
  context: { stream: VoiceStream };
  event: StreamHears;
  self: AnyActorRef;
}

/** The chart of voice streams with its effects: one logic for all streams of a broker. */
function voiceStreamLogic(kernel: Kernel) {
  const streamOf = (args: Args) => args.context.stream;
  const eventOf = <T extends StreamHears['type']>(args: Args, _type: T) => args.event as EventOf<T>;
  const arm = (stream: VoiceStream, self: AnyActorRef, ms: number) => {
    kernel.deadlines.disarm(stream.deadline);
    stream.deadline = kernel.deadlines.arm(ms, () => self.send({ type: 'stream.expired' }));
  };
  const refuse = (args: Args, error: WireError) => refuseAll(kernel, args.self, streamOf(args), error);

  const deliver = (stream: VoiceStream, { params }: EventOf<'voice.event'>, self: AnyActorRef) => {
    stream.lastFrameAt = kernel.clock.now();
    if (params.type === 'tts_chunk') return deliverPiece(stream, params, self);
    if (params.type === 'final') stream.transcript.add(params as unknown as TranscriptSegment);
    sendEvent(kernel, self, stream, params);
  };
  /** A piece that came as JSON: as it is, or as a binary frame. */
  const deliverPiece = (stream: VoiceStream, params: JsonObject, self: AnyActorRef) => {
    const { format, audio_b64 } = params as unknown as Piece;
    kernel.get(VOICE).audioBytes.out += Math.floor((audio_b64.length * 3) / 4);
    if (!stream.isBinary) return sendEvent(kernel, self, stream, params);
    // The last piece is often an empty one; that it is the last is said by a frame of its own.
    if (audio_b64 !== '') sendChunk(kernel, self, stream, format, Buffer.from(audio_b64, 'base64'));
  };
  const deliverChunk = (stream: VoiceStream, chunk: EventOf<'stream.chunk'>, self: AnyActorRef) => {
    stream.lastFrameAt = kernel.clock.now();
    kernel.get(VOICE).audioBytes.out += chunk.audio.length;
    sendChunk(kernel, self, stream, chunk.format, chunk.audio);
  };
  const sendAudio = (stream: VoiceStream, { audio }: EventOf<'voice.audio'>, self: AnyActorRef) => {
    stream.lastFrameAt = kernel.clock.now();
    kernel.get(VOICE).audioBytes.in += audio.length;
    stream.provider.audio(stream, self, audio);
  };

  const machine = withEffects(createVoiceStreamMachine<StreamHolds>(), {
    callProvider: (args) => {
      const stream = streamOf(args);
      arm(stream, args.self, kernel.limits.ackTimeoutMs);
      stream.provider.start(stream, args.self);
    },
    forgetCall: (args) => {
      const stream = streamOf(args);
      kernel.deadlines.disarm(stream.deadline);
      stream.deadline = undefined;
      stream.provider.forget(stream, args.event.type === 'stream.expired');
    },
    confirmStart: (args) => {
      const stream = streamOf(args);
      stream.lastFrameAt = kernel.clock.now();
      reply(kernel, stream.client, stream.spec.requestId, { result: startResult(stream) }, args.self);
    },
    refuseAsRejected: (args) => {
      const { answer } = eventOf(args, 'call.answered');
      refuse(args, 'error' in answer ? agentError(answer.error) : WireError.agentRejected(answer.result ?? null));
    },
    refuseAsSilent: (args) => refuse(args, WireError.agentAckTimeout()),
    refuseAsFailed: (args) => {
      const { code, message } = eventOf(args, 'stream.fail');
      if (code === 'internal') refuse(args, WireError.internal());
      else if (code === 'draining') refuse(args, WireError.draining());
      else if (code === 'slow_consumer') {
        const { maxWaitingSpeechBytes } = kernel.limits;
        refuse(args, WireError.limitExceeded('max_waiting_speech_bytes', maxWaitingSpeechBytes));
      } else if (code === 'provider_disconnected') refuse(args, WireError.agentNotAttached(streamOf(args).provider.id));
      else refuse(args, WireError.agentRejected(message));
    },
    sendAudio: (args) => sendAudio(streamOf(args), eventOf(args, 'voice.audio'), args.self),
    deliver: (args) => deliver(streamOf(args), eventOf(args, 'voice.event'), args.self),
    deliverChunk: (args) => deliverChunk(streamOf(args), eventOf(args, 'stream.chunk'), args.self),
    noteStop: (args) => {
      const stream = streamOf(args);
      const { asker } = eventOf(args, 'stream.stop');
      // Who asks later waits no longer than the first one.
      const isFirst = stream.stoppers.length === 0;
      if (asker) stream.stoppers.push(asker);
      const isFinishing = args.self.getSnapshot().value === 'finishing';
      stream.isStopAsked = true;
      if (asker && isFirst && isFinishing) arm(stream, args.self, kernel.limits.voiceStopTimeoutMs);
    },
    askToFinish: (args) => {
      const stream = streamOf(args);
      stream.provider.finish(stream, args.self);
      if (stream.stoppers.length > 0) arm(stream, args.self, kernel.limits.voiceStopTimeoutMs);
    },
    confirmCancel: (args) => {
      const { asker } = eventOf(args, 'stream.cancel');
      if (!asker) return;
      const { owner, id, key: marked } = streamOf(args);
      const result = { stream_id: idFor(asker.client, owner, id, marked), cancelled: true };
      reply(kernel, asker.client, asker.id, { result }, args.self);
    },
    tellEnded: (args) => {
      const stream = streamOf(args);
      const words = args.event.type === 'provider.ended' ? args.event.params : undefined;
      if (stream.isBinary) sendEnd(args.self, stream);
      else if (stream.needsLastPiece && args.event.type === 'provider.ended') sendLast(kernel, args.self, stream);
      if (words) sendEvent(kernel, args.self, stream, words);
      else sendOwn(kernel, args.self, stream, { type: 'ended' });
    },
    tellFailed: (args) => {
      const stream = streamOf(args);
      const { code, message } = eventOf(args, 'stream.fail');
      sendOwn(kernel, args.self, stream, { type: 'error', message, code });
      if (stream.isBinary) sendEnd(args.self, stream, message);
      sendOwn(kernel, args.self, stream, { type: 'ended' });
    },
    answerStops: (args) => answerStops(kernel, args.self, streamOf(args)),
    cancelProvider: (args) => {
      const stream = streamOf(args);
      stream.provider.cancel(stream, args.self, stopReason(args.event));
    },
  });

  return withFastPath(machine, voiceStreamHotEvents, {
    'voice.event': ({ stream }, event, self) => deliver(stream, event, self),
    'stream.chunk': ({ stream }, event, self) => deliverChunk(stream, event, self),
    'voice.audio': ({ stream }, event, self) => sendAudio(stream, event, self),
  });
}

/** A checked `tts_chunk`. */
interface Piece {
  format: VoiceStream['format'];
  audio_b64: string;
}

function startResult(stream: VoiceStream): JsonObject {
  const { id, provider, spec } = stream;
  if (spec.startResult) return spec.startResult();
  if (stream.kind === 'transcribe') return { session_id: id, status: 'running', provider: provider.id };
  return { stream_id: id, binary_frames: stream.isBinary, provider: provider.id };
}

function stopReason(event: StreamHears): VoiceStopReason {
  if (event.type === 'client.gone') return 'client_disconnected';
  if (event.type === 'stream.expired') return 'timeout';
  if (event.type === 'stream.fail') {
    const { code } = event;
    return code === 'draining' || code === 'slow_consumer' ? code : 'failed';
  }
  return event.type === 'stream.cancel' ? 'client_cancelled' : 'failed';
}

function answerStops(kernel: Kernel, source: AnyActorRef, stream: VoiceStream): void {
  if (stream.stoppers.length === 0) return;
  // Once for all who call it the same: it may be a mebibyte.
  const texts = new Map<string, JsonText>();
  for (const { client, id } of stream.stoppers.splice(0)) {
    const name = idFor(client, stream.owner, stream.id, stream.key);
    const result = texts.get(name) ?? new JsonText(writeJson(stream.transcript.result(name)));
    texts.set(name, result);
    reply(kernel, client, id, { result }, source);
  }
}

function refuseAll(kernel: Kernel, source: AnyActorRef, stream: VoiceStream, error: WireError): void {
  reply(kernel, stream.client, stream.spec.requestId, { error }, source);
  for (const { client, id } of stream.stoppers.splice(0)) reply(kernel, client, id, { error }, source);
}

/** What a voice stream is to the broker's actor. */
export const VOICE_STREAM = key<ChildKind<VoiceStream>>('voice stream');

/** See {@link VOICE_STREAM}. */
export const voiceStreamKind = (kernel: Kernel): ChildKind<VoiceStream> => ({
  logic: voiceStreamLogic(kernel),
  ended: (stream) => {
    buryVoiceStream(kernel, stream);
    stream.spec.ended?.(stream);
  },
  failed: (stream) => {
    failVoiceStream(kernel, stream);
    stream.spec.ended?.(stream);
  },
});

/** Makes and starts the actor of one stream: the provider is asked at once. */
export function startVoiceStream(kernel: Kernel, stream: VoiceStream): void {
  kernel.children.start(kernel.get(VOICE_STREAM), stream.providerId, stream, { stream });
}

/** Forgets a stream that has ended: nothing of it stays. */
function buryVoiceStream(kernel: Kernel, stream: VoiceStream, ending = endingOf(stream)): void {
  kernel.get(VOICE).delete(stream);
  kernel.deadlines.disarm(stream.deadline);
  stream.provider.forget(stream, false);
  kernel.get(VOICE).countEnding(stream.kind, ending);
  kernel.log.debug({ stream: stream.providerId, kind: stream.kind, ending }, 'voice stream ended');
}

function endingOf(stream: VoiceStream): string {
  return String(stream.ref?.getSnapshot().value ?? 'failed');
}

/** A stream's actor failed, a fault of ours (law 10): both sides are told, and no other stream notices. */
function failVoiceStream(kernel: Kernel, stream: VoiceStream): void {
  const step = (run: () => void) => kernel.attempt('a broken voice stream', run);
  const wasStarting = stream.ref?.getSnapshot().value === 'starting';
  step(() => buryVoiceStream(kernel, stream, 'failed'));
  step(() => stream.provider.cancel(stream, kernel.ref, 'failed'));
  if (wasStarting) step(() => refuseAll(kernel, kernel.ref, stream, WireError.internal()));
  else {
    step(() => sendOwn(kernel, kernel.ref, stream, { type: 'error', message: 'internal error', code: 'internal' }));
    step(() => sendOwn(kernel, kernel.ref, stream, { type: 'ended' }));
    step(() => answerStops(kernel, kernel.ref, stream));
  }
}
