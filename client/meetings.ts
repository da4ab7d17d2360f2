import type { MeetingGetResult, MeetingRow, MeetingStopResult } from '../protocol/meetings.ts';
import { checkCall } from './known-options.ts';
import type { RequestFunction } from './request.ts';
import type { TranscribeOptions, Transcription } from './voice.ts';

/** How to hold a meeting. */
export interface MeetingOptions extends TranscribeOptions {
  /** What it is called, 1 to 256 characters. */
  title?: string | undefined;
}

/** Meetings: transcriptions that are kept (`wire.md` section 11). */
export interface Meetings {
  /**
   * Starts one, whose id is the transcription's `sessionId`. It ends with its transcription, however that ends. Never
   * throws; what goes wrong shows on the stream.
   */
  start(options: MeetingOptions): Transcription;
  /**
   * Ends one, and gives what was said, with a summary where an agent is named for it and makes one. Of one that is over
   * it gives the same.
   * @throws {RpcError} `-32014` no such meeting, `-32015` another's.
   */
  stop(id: string, options?: { summarizer?: string | undefined }): Promise<MeetingStopResult>;
  /** Those that this connection may read, the oldest first. */
  list(): Promise<MeetingRow[]>;
  /** What was said in one, while it runs too. @throws {RpcError} `-32014` no such meeting, `-32015` another's. */
  get(id: string): Promise<MeetingGetResult>;
}

/** {@link Meetings} over a connection's requests, and what starts a transcription on it. */
export function meetingsOver(request: RequestFunction, start: Meetings['start']): Meetings {
  return {
    start,
    stop: async (meeting_id, options = {}) => {
      checkCall('meetings.stop', options);
      return request('meeting.stop', { meeting_id, summarizer: options.summarizer });
    },
    list: async () => (await request('meeting.list', {})).meetings,
    get: (meeting_id) => request('meeting.get', { meeting_id }),
  };
}
