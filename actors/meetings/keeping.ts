import type { TranscriptSegment } from '../../protocol/voice.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import type { Meeting } from './meeting-record.ts';
import type { MeetingHead } from './meeting-store.ts';
import { MEETINGS } from './meetings.ts';

/** What goes into a meeting's record: what was said, up to a bound, then one summary, and that it is over. */

/** Keeps what was said. Beyond `maxMeetingBytes` nothing more is, and the record says so. */
export function keepFinal(state: Kernel, meeting: Meeting, segment: TranscriptSegment): void {
  const { maxMeetingBytes } = state.limits;
  if (meeting.isTruncated) return;
  const bytes = jsonBytes(segment);
  if (meeting.bytes + bytes > maxMeetingBytes) {
    meeting.isTruncated = true;
    state.log.warn({ meeting: meeting.id, limit: maxMeetingBytes }, 'a meeting is too large; its rest is not kept');
    state.get(MEETINGS).append(meeting.head, { type: 'truncated' }, 0);
    return;
  }
  meeting.bytes += bytes;
  state.get(MEETINGS).append(meeting.head, { type: 'final', ...segment }, bytes);
}

/** Keeps the summary. Whoever calls this has looked whether there is one: a record has one at most. */
export function keepSummary(state: Kernel, head: MeetingHead, text: string): void {
  state.get(MEETINGS).append(head, { type: 'summary', text }, jsonBytes(text));
  // The end stays the last line: a reader need not read the rest to know of it.
  if (head.ended_at === null) return;
  const status = head.status === 'interrupted' ? { status: head.status } : {};
  state.get(MEETINGS).append(head, { type: 'ended', ended_at: head.ended_at, ...status }, 0);
}

/** Keeps that it is over. */
export function keepEnd(state: Kernel, head: MeetingHead): void {
  if (head.ended_at !== null) return;
  head.ended_at = Date.now();
  head.status = 'ended';
  state.get(MEETINGS).append(head, { type: 'ended', ended_at: head.ended_at }, 0);
}
