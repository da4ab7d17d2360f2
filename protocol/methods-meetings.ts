import * as meetings from './meetings.ts';
import { type MethodTable, none } from './method.ts';

/** Transcriptions that are kept (`wire.md` section 11). */
export const meetingMethods = {
  'meeting.start': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 11,
    summary:
      'Opens a transcription, `session_id` the meeting’s id, whose finals are kept on disk and in the memory of its client.',
    params: meetings.meetingStartParams,
    result: meetings.meetingStartResult,
    errors: [
      'AgentNotAttached',
      'SessionBusy',
      'AgentRejected',
      'AgentAckTimeout',
      'Forbidden',
      'LimitExceeded',
      'Draining',
    ],
  },
  'meeting.stop': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    place: 'owner',
    section: 11,
    summary:
      'No more audio comes. Answered once the provider has finished, and the summary, if one is wanted, is there.',
    params: meetings.meetingStopParams,
    result: meetings.meetingStopResult,
    errors: ['NotFound', 'Forbidden', 'LimitExceeded', 'DeadlineExceeded', 'Draining'],
  },
  'meeting.list': {
    direction: 'in',
    kind: 'request',
    reads: true,
    role: 'any',
    place: 'all',
    section: 11,
    summary: 'The meetings that the caller may read.',
    params: none,
    result: meetings.meetingListResult,
    answer: 'large',
  },
  'meeting.get': {
    direction: 'in',
    kind: 'request',
    reads: true,
    role: 'any',
    place: 'owner',
    section: 11,
    summary: 'What was said in a meeting, while it runs too.',
    params: meetings.meetingGetParams,
    result: meetings.meetingGetResult,
    errors: ['NotFound', 'Forbidden', 'LimitExceeded', 'DeadlineExceeded'],
    answer: 'large',
  },
} as const satisfies MethodTable;
