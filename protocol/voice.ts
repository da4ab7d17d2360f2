import { z } from 'zod';
import { AUDIO_FORMATS, isAudioStreamId } from './audio-frame.ts';
import { anyId, listing, longText, nameText, truncated } from './bounds.ts';
import { EventFault, type EventRules, mendEvent } from './event-fault.ts';
import { agentId, sessionId } from './ids.ts';
import { isObject, type JsonObject, unwritable } from './json.ts';
import { jsonNumber } from './json-number.ts';
import { moment } from './moment.ts';

/** The name that the embedder's own provider goes by. */
export const LOCAL_PROVIDER = 'local';

/** Whether a text is base64, whole and without anything between. Without a group, so that no length is too long. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** The bytes that a base64 text stands for. */
function bytesOf(text: string): number {
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}

const base64 = longText().refine(isBase64, { message: 'is base64', abort: true });
const pcm = base64.refine((text) => bytesOf(text) % 2 === 0, 'is 16-bit samples: an even number of bytes');

const providerOption = agentId.optional().meta({ description: 'an agent id, or "local"; default: chosen' });
const status = z.enum(['starting', 'running', 'finishing']);
/** Where a stream stands, as listings show it. */
export type VoiceStatus = z.infer<typeof status>;

export const audioSource = z.object({
  kind: z.literal('pcm_push'),
  sample_rate: z.int().min(8_000).max(48_000).meta({ description: 'samples a second of each channel' }),
  channels: z.union([z.literal(1), z.literal(2)]),
});
/** Where a transcription's audio comes from. */
export type AudioSource = z.infer<typeof audioSource>;

export const transcribeStartParams = z.object({
  session_id: sessionId.meta({ description: '32 lower-case hexadecimal digits where audio comes by binary frames' }),
  audio_source: audioSource,
  options: z.object({ provider: providerOption }).optional(),
});
export const transcribeStartResult = z.object({
  session_id: sessionId,
  status: z.literal('running'),
  provider: nameText(),
});
export const transcribePushParams = z.object({ session_id: sessionId, pcm_b64: pcm });
export const transcribePushResult = z.object({ received: z.number().meta({ description: 'bytes' }) });
export const transcribeStopParams = z.object({ session_id: sessionId });

/** One piece of a transcript that the provider will not change any more. */
export const transcriptSegment = z.object({
  text: longText(),
  start_ms: jsonNumber.optional(),
  end_ms: jsonNumber.optional(),
  speaker: longText().optional(),
  confidence: jsonNumber.optional(),
});
/** See {@link transcriptSegment}. */
export type TranscriptSegment = z.infer<typeof transcriptSegment>;

export const transcribeStopResult = z.object({
  session_id: sessionId,
  transcript: longText().meta({ description: 'the segments’ texts, joined' }),
  segments: listing(transcriptSegment),
  truncated: z.literal(true).optional().meta({ description: 'it grew too large, and the oldest segments went' }),
});
/** See {@link transcribeStopResult}. */
export type TranscribeStopResult = z.infer<typeof transcribeStopResult>;

const row = {
  provider: nameText(),
  status,
  client_id: anyId(),
};
export const voiceSessionsResult = listing(
  z.object({
    session_id: sessionId,
    ...row,
    created_at: z.number().meta({ description: 'Unix seconds' }),
    sample_rate: z.number(),
    channels: z.number(),
    segments: z.number(),
  }),
);
export const voiceProvidersResult = listing(
  z.object({
    id: nameText().meta({ description: 'an agent id, or "local"' }),
    kind: z
      .enum(['stt', 'tts'])
      .meta({ description: 'speech to text, or text to speech; who does both is there twice' }),
    available: z.boolean().meta({ description: 'always: who is not there is not listed' }),
    description: nameText(),
    streams: z.number().meta({ description: 'of that kind that it works on' }),
  }),
);

export const speakStartParams = z
  .object({
    stream_id: sessionId,
    text: longText().min(1),
    options: z
      .object({
        provider: providerOption,
        voice_id: z.string().min(1).max(256).optional(),
        binary_frames: z.boolean().default(false),
      })
      .optional(),
  })
  .refine(({ stream_id, options }) => !options?.binary_frames || isAudioStreamId(stream_id), {
    path: ['stream_id'],
    message: 'is 32 lower-case hexadecimal digits where binary_frames is true',
  });
export const speakStartResult = z.object({ stream_id: sessionId, binary_frames: z.boolean(), provider: nameText() });
// Any text: what no stream can be called is not there, which is no error.
export const speakCancelParams = z.object({ stream_id: anyId() });
export const speakCancelResult = z.object({ stream_id: anyId(), cancelled: z.boolean() });
export const speakListResult = z.object({
  streams: listing(
    z.object({
      stream_id: sessionId,
      ...row,
      created_at: moment().meta({ description: 'RFC 3339' }),
      binary_frames: z.boolean(),
    }),
  ),
  truncated,
});

/** Why a provider need not go on. */
export const voiceStopReason = z.enum([
  'client_stopped',
  'client_cancelled',
  'client_disconnected',
  'slow_consumer',
  'timeout',
  'draining',
  'failed',
]);
/** See {@link voiceStopReason}. */
export type VoiceStopReason = z.infer<typeof voiceStopReason>;

export const providerTranscribeParams = z.object({
  stream_id: anyId(),
  sample_rate: z.number(),
  channels: z.number(),
});
export const providerStopParams = z.object({ stream_id: anyId(), reason: voiceStopReason });
export const providerSpeakParams = z.object({
  stream_id: anyId(),
  text: longText(),
  voice_id: nameText().optional(),
});
/** How a provider answers: any result but `{accepted: false}` will do. */
export const providerResult = z.unknown();

export { AUDIO_LOST } from './audio-lost.ts';

/** An unsigned 64-bit number that JavaScript's do not hold: a provider may count from anywhere. */
const isLongSeq = (value: unknown) => typeof value === 'bigint' && value >= 0n && value < 2n ** 64n;

/** The types of `voice.event` whose fields are checked. Any other goes through as it comes. */
export const voiceEventTypes = {
  partial: z.looseObject({ text: longText() }),
  final: z.looseObject(transcriptSegment.shape),
  error: z.looseObject({ message: longText() }),
  ended: z.looseObject({}),
  tts_chunk: z.looseObject({
    seq: z.union([z.int().min(0), z.custom<bigint>(isLongSeq).meta({ type: 'integer' })]),
    audio_b64: base64,
    format: z.enum(AUDIO_FORMATS),
    is_final: z.boolean(),
  }),
} as const;

/** `voice.event`, as it stands in the method table: the fields of each type are in {@link voiceEventTypes}. */
export const voiceEvent = z.looseObject({
  session_id: anyId().optional().meta({ description: 'to a client: of a transcription' }),
  stream_id: anyId().optional().meta({ description: 'from a provider; to a client: of speech' }),
  type: nameText(),
});
/** A checked `voice.event` of a provider's. */
export type ProviderEvent = JsonObject & { stream_id: string; type: string };

const RULES: ReadonlyMap<string, EventRules> = new Map(
  Object.entries(voiceEventTypes).map(([type, schema]) => [type, { schema, isTerminal: type === 'ended' }]),
);
const OTHER: EventRules = { schema: z.looseObject({}) };

/**
 * Reads a provider's `voice.event`: one that has the fields of its type comes back itself. A listed field that may be left
 * out and is of the wrong type is left out; what was so mended, or cannot be, is an {@link EventFault}.
 */
export function readProviderEvent(params: unknown): ProviderEvent | EventFault<ProviderEvent> {
  if (!isObject(params)) return new EventFault<ProviderEvent>(undefined, '', undefined, 'voice.event');
  const { stream_id: stream, type } = params;
  const fault = (event: ProviderEvent | undefined, field: string) =>
    new EventFault(event, field, stream, typeof type === 'string' ? `voice.event ${type}` : 'voice.event');
  if (typeof stream !== 'string') return fault(undefined, 'stream_id');
  if (typeof type !== 'string') return fault(undefined, 'type');
  // By far the most frequent one.
  if (type === 'partial' && typeof params.text === 'string' && unwritable(params) === undefined)
    return params as ProviderEvent;
  const { goesOn, field } = mendEvent(params, RULES.get(type) ?? OTHER);
  const event = goesOn ? (params as ProviderEvent) : undefined;
  return event && field === undefined ? event : fault(event, field ?? '');
}
