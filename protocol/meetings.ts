import { z } from 'zod';
import { listing, truncated as listTruncated, longText, nameText, shaped } from './bounds.ts';
import { agentId } from './ids.ts';
import { audioSource, transcribeStartParams, transcriptSegment } from './voice.ts';

/** Meetings: transcriptions that are kept (`wire.md` section 11). */

/** A meeting's id, which is a file's name too: 1–128 of `[A-Za-z0-9._-]`, no dot in front. */
export const meetingId = shaped(128, /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, '1–128 of [A-Za-z0-9._-], no dot first');

export const meetingStartParams = z.object({
  id: meetingId.optional().meta({
    description: 'of the transcription, too; default: 32 hexadecimal digits, as audio by binary frames needs them',
  }),
  title: z.string().min(1).max(256).optional(),
  audio_source: audioSource,
  options: transcribeStartParams.shape.options,
});
export const meetingStartResult = z.object({
  id: meetingId,
  started_at: z.number().meta({ description: 'Unix milliseconds' }),
  provider: nameText(),
});

export const meetingStopParams = z.object({
  meeting_id: meetingId,
  summarize: z.boolean().default(true),
  summarizer: agentId.optional().meta({ description: 'who is asked for a summary; default: nobody' }),
});
const transcript = longText().meta({ description: 'the segments’ texts, joined' });
const summary = longText().nullable();
const truncated = z.literal(true).optional().meta({ description: 'it grew too large, and its end was not kept' });
export const meetingStopResult = z.object({ id: meetingId, transcript, summary, truncated });
/** See {@link meetingStopResult}. */
export type MeetingStopResult = z.infer<typeof meetingStopResult>;

export const meetingStatus = z.enum(['starting', 'running', 'finishing', 'summarizing', 'ended', 'interrupted']);
/** Where a meeting stands. `starting`: its provider has not accepted yet. `interrupted`: the broker did not live to see its end. */
export type MeetingStatus = z.infer<typeof meetingStatus>;

/** A meeting as a listing shows it. */
export const meetingRow = z.object({
  id: meetingId,
  title: nameText().nullable(),
  status: meetingStatus,
  started_at: z.number().meta({ description: 'Unix milliseconds' }),
  ended_at: z.number().nullable().meta({ description: 'Unix milliseconds; null while it runs' }),
  agent_id: agentId.nullable().meta({ description: 'the agent that held it; null for any other client' }),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker that has it' }),
});
/** See {@link meetingRow}. */
export type MeetingRow = z.infer<typeof meetingRow>;

export const meetingListResult = z.object({
  meetings: listing(meetingRow).meta({ description: 'the oldest first' }),
  truncated: listTruncated,
});
export const meetingGetParams = z.object({ meeting_id: meetingId });
export const meetingGetResult = meetingRow.extend({
  transcript,
  segments: listing(transcriptSegment),
  summary,
  truncated,
});
/** See {@link meetingGetResult}. */
export type MeetingGetResult = z.infer<typeof meetingGetResult>;
