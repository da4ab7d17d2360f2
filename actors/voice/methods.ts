import { WireError } from '../../protocol/errors.ts';
import { toMoment } from '../../protocol/moment.ts';
import { LOCAL_PROVIDER, type VoiceStatus } from '../../protocol/voice.ts';
import type { VoiceKind } from '../../protocol/voice-kinds.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { idFor } from '../kernel/session-name.ts';
import { observes, sees } from '../kernel/sight.ts';
import { tell } from '../kernel/tell.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { chooseProvider, voiceProviders } from './choose.ts';
import { voiceOf } from './client-voice.ts';
import { FAR_VOICE } from './far-voice.ts';
import { openVoiceStream } from './open.ts';
import { isWhole, pushAudio } from './routing.ts';
import type { VoiceStream } from './stream-record.ts';
import { VOICE } from './streams.ts';

/** `voice.transcribe_stream.start` (`wire.md` section 11). The stream answers, once its provider has accepted. */
const startTranscription: Handler<'voice.transcribe_stream.start'> = ({ kernel, from, id, params }) => {
  const { session_id, audio_source: source, options } = params;
  openVoiceStream(kernel, {
    id: session_id,
    client: from,
    requestId: id,
    provider: chooseProvider(kernel, from, 'transcribe', options?.provider),
    task: { kind: 'transcribe', source },
  });
  return LATER;
};

/** `voice.transcribe_stream.push` (`wire.md` section 11). */
const pushTranscription: Handler<'voice.transcribe_stream.push'> = ({ kernel, from, params }) => {
  const stream = findOwn(kernel, from, params.session_id);
  if (stream.client !== from) throw WireError.forbidden('stream');
  if (stream.isStopAsked) throw WireError.notFound('session, it was stopped');
  const audio = Buffer.from(params.pcm_b64, 'base64');
  if (!isWhole(stream, audio))
    throw WireError.invalidParams([{ path: 'pcm_b64', message: 'is whole samples of each channel' }]);
  if (!pushAudio(kernel.ref, stream, audio)) {
    const { maxWaitingAudioBytes } = kernel.limits;
    // What is larger than all that may wait never fits.
    const retryAfterMs = audio.length > maxWaitingAudioBytes ? undefined : RETRY_AFTER_MS;
    throw WireError.limitExceeded('max_waiting_audio_bytes', maxWaitingAudioBytes, retryAfterMs);
  }
  return { received: audio.length };
};

/** When a provider that is behind may have worked off some of it. */
const RETRY_AFTER_MS = 500;

/** `voice.transcribe_stream.stop` (`wire.md` section 11). The stream answers, when its provider has finished. */
const stopTranscription: Handler<'voice.transcribe_stream.stop'> = ({ kernel, from, id, params }) => {
  const { ref, stoppers } = findOwn(kernel, from, params.session_id);
  const { maxVoiceStops } = kernel.limits;
  if (stoppers.length >= maxVoiceStops) throw WireError.limitExceeded('max_voice_stops', maxVoiceStops);
  if (ref) tell(kernel.ref, ref, { type: 'stream.stop', asker: { client: from, id } });
  return LATER;
};

/** `voice.sessions.list` (`wire.md` section 11). */
const listTranscriptions: Handler<'voice.sessions.list'> = (call) => {
  const { kernel, from } = call;
  const rows = visibleTo(kernel, from, 'transcribe').flatMap((stream) => {
    const { task } = stream.spec;
    if (task.kind !== 'transcribe') return [];
    const { sample_rate, channels } = task.source;
    const segments = stream.transcript.size;
    // Unix seconds, as every listing of sessions has it.
    const created_at = Math.floor(kernel.wall.of(stream.startedAt) / 1000);
    return [{ session_id: idSeenBy(from, stream), ...toRow(stream), created_at, sample_rate, channels, segments }];
  });
  return replyRows(call, rows);
};

/** `voice.providers.list` (`wire.md` section 11). */
const listProviders: Handler<'voice.providers.list'> = (call) => {
  const { kernel, from } = call;
  const streams = new Map<string, number>();
  for (const { provider, kind, owner, agentId } of kernel.get(VOICE)) {
    if (!sees(from, owner, agentId)) continue;
    const one = `${kind} ${provider.id}`;
    streams.set(one, (streams.get(one) ?? 0) + 1);
  }
  const rows = voiceProviders(kernel, from).map(({ id, kind }) => ({
    id,
    kind: kind === 'transcribe' ? 'stt' : 'tts',
    available: true,
    description: `${kind === 'transcribe' ? 'transcribes' : 'speaks'}: ${id === LOCAL_PROVIDER ? 'a provider within the broker' : `the agent ${id}`}`,
    streams: (streams.get(`${kind} ${id}`) ?? 0) + (kernel.peek(FAR_VOICE)?.jobsOf(id, from.tenant, kind) ?? 0),
  }));
  return replyRows(call, rows);
};

/** `voice.tts_stream.start` (`wire.md` section 11). The stream answers, once its provider has accepted. */
const startSpeech: Handler<'voice.tts_stream.start'> = ({ kernel, from, id, params }) => {
  const { stream_id, text, options } = params;
  const { maxSpeechBytes } = kernel.limits;
  if (Buffer.byteLength(text) > maxSpeechBytes) throw WireError.limitExceeded('max_speech_bytes', maxSpeechBytes);
  openVoiceStream(kernel, {
    id: stream_id,
    client: from,
    requestId: id,
    provider: chooseProvider(kernel, from, 'speak', options?.provider),
    task: { kind: 'speak', text, voiceId: options?.voice_id, binaryFrames: options?.binary_frames ?? false },
  });
  return LATER;
};

/** `voice.tts_stream.cancel` (`wire.md` section 11): never an error. The stream answers, before its last event. */
const cancelSpeech: Handler<'voice.tts_stream.cancel'> = ({ kernel, from, id, params }) => {
  const stream = kernel.get(VOICE).meant('speak', from, params.stream_id);
  if (!stream?.ref || !mayEnd(from, stream)) return { stream_id: params.stream_id, cancelled: false };
  tell(kernel.ref, stream.ref, { type: 'stream.cancel', asker: { client: from, id } });
  return LATER;
};

/** `voice.tts_stream.list` (`wire.md` section 11). */
const listSpeech: Handler<'voice.tts_stream.list'> = (call) => {
  const { kernel, from } = call;
  const rows = visibleTo(kernel, from, 'speak').map((stream) => ({
    stream_id: idSeenBy(from, stream),
    ...toRow(stream),
    created_at: toMoment(kernel.wall.of(stream.startedAt)),
    binary_frames: stream.isBinary,
  }));
  return replyRows(call, rows, { as: 'streams' });
};

/** @throws {WireError} `-32014`, `-32015` */
function findOwn(kernel: Kernel, from: Client, sessionId: string): VoiceStream {
  const stream = kernel.get(VOICE).meant('transcribe', from, sessionId);
  if (!stream) throw WireError.notFound('session');
  if (!mayEnd(from, stream)) throw WireError.forbidden('stream');
  return stream;
}

/** Who started it, and the host role, of those for whom it exists. */
function mayEnd(from: Client, stream: VoiceStream): boolean {
  return stream.client === from || from.role === 'host';
}

/** What a client calls a stream that it sees. */
const idSeenBy = (from: Client, { owner, id, key }: VoiceStream): string => idFor(from, owner, id, key);

function visibleTo(kernel: Kernel, from: Client, kind: VoiceKind): VoiceStream[] {
  const { streams: own } = voiceOf(from);
  const all = from.role === 'host' || observes(from) ? kernel.get(VOICE) : own;
  return [...all].filter((stream) => stream.kind === kind && sees(from, stream.owner, stream.agentId));
}

function toRow(stream: VoiceStream) {
  return {
    provider: stream.provider.id,
    status: (stream.ref?.getSnapshot().value ?? 'starting') as VoiceStatus,
    client_id: stream.client.id,
  };
}

/** What voice answers. */
export const voiceMethods: Handlers = {
  'voice.transcribe_stream.start': startTranscription,
  'voice.transcribe_stream.push': pushTranscription,
  'voice.transcribe_stream.stop': stopTranscription,
  'voice.sessions.list': listTranscriptions,
  'voice.providers.list': listProviders,
  'voice.tts_stream.start': startSpeech,
  'voice.tts_stream.cancel': cancelSpeech,
  'voice.tts_stream.list': listSpeech,
};
