import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import { answerLater } from '../answer-later.ts';
import type { BrokerState } from '../broker-state.ts';
import type { Client } from '../client.ts';
import { type Call, type Handler, LATER } from '../dispatcher.ts';
import { getResult, mayRead, stopResult, toRow } from '../meetings/answers.ts';
import { ingestSink } from '../meetings/ingest-sink.ts';
import { ingest, keepSummary, startMeeting } from '../meetings/meeting.ts';
import { Meeting } from '../meetings/meeting-record.ts';
import type { MeetingHead } from '../meetings/meeting-store.ts';
import { summarize } from '../meetings/summary.ts';
import { tell } from '../tell.ts';
import { chooseProvider } from '../voice/choose.ts';
import { openVoiceStream } from '../voice/open.ts';

/** `meeting.start` (`wire.md` section 11). Its stream answers, once the provider has accepted. */
export const startMeetingOf: Handler<'meeting.start'> = ({ state, from, id: requestId, params }) => {
  const { title = null, audio_source: source, options, id = uuid().replaceAll('-', '') } = params;
  if (state.isDraining) throw WireError.draining();
  checkFree(state, from, id);
  checkRoom(state, from);
  const provider = chooseProvider(state, 'transcribe', options?.provider);
  const started_at = Date.now();
  const agent_id = from.agentId ?? null;
  const head: MeetingHead = { id, title, status: 'running', started_at, ended_at: null, agent_id, bytes: 0 };
  const meeting = new Meeting(head, from, `meeting-${uuid()}`);
  state.meetings.add(meeting);
  try {
    startMeeting(state, meeting);
    meeting.stream = openVoiceStream(state, {
      id,
      client: from,
      requestId,
      provider,
      task: { kind: 'transcribe', source },
      startResult: { id, started_at, provider: provider.id },
      observe: ingestSink({
        ingest: (segment) => ingest(state, meeting, segment),
        // The stream itself sends every event on, the same one.
        next: () => {},
        failed: (err) => {
          state.counters.memoryFailures += 1;
          state.log.warn({ err, meeting: id }, 'what was said in a meeting is not remembered');
        },
      }),
    });
  } catch (error) {
    if (meeting.ref) tell(state.ref, meeting.ref, { type: 'stream.over', isRefused: true });
    else state.meetings.remove(head);
    throw error;
  }
  state.counters.meetings += 1;
  return LATER;
};

/** `meeting.stop` (`wire.md` section 11). The meeting answers; of one that is over, its record does. */
export const stopMeeting: Handler<'meeting.stop'> = (call) => {
  const { state, from, id, params } = call;
  const head = findOwn(call, params.meeting_id);
  const summarizer = params.summarize ? params.summarizer : undefined;
  const live = state.meetings.find(head.id);
  if (live?.ref) {
    const asker = { client: from, id };
    tell(state.ref, live.ref, {
      type: 'meeting.stop',
      asker,
      ...(summarizer === undefined ? {} : { summarizer }),
    });
    return LATER;
  }
  const { memoryTimeoutMs, summaryTimeoutMs } = state.limits;
  const timeoutMs = memoryTimeoutMs + (summarizer === undefined ? 0 : summaryTimeoutMs);
  answerLater(call, 'meeting.stop', timeoutMs, async () => {
    const result = await stopResult(state, head);
    if (summarizer === undefined || result.summary !== null) return result;
    const summary = await new Promise<string | null>((resolve) => summarize(state, head, summarizer, resolve));
    if (summary !== null) keepSummary(state, { head }, summary);
    return { ...result, summary };
  });
  return LATER;
};

/** `meeting.list` (`wire.md` section 11). */
export const listMeetings: Handler<'meeting.list'> = ({ state, from }) => ({
  meetings: [...state.meetings.heads].filter((head) => mayRead(state, from, head)).map((head) => toRow(state, head)),
});

/** `meeting.get` (`wire.md` section 11). */
export const getMeeting: Handler<'meeting.get'> = (call) => {
  const { state, params } = call;
  const head = findOwn(call, params.meeting_id);
  answerLater(call, 'meeting.get', state.limits.memoryTimeoutMs, () => getResult(state, head));
  return LATER;
};

/** @throws {WireError} `-32014`, `-32015` */
function findOwn({ state, from }: Call<unknown>, id: string): MeetingHead {
  const head = state.meetings.head(id);
  if (!head) throw WireError.notFound('meeting');
  if (!mayRead(state, from, head)) throw WireError.forbidden('meeting');
  return head;
}

/** An id is used once, as long as its meeting is kept. @throws {WireError} `-32602`, `-32010`, `-32015` */
function checkFree(state: BrokerState, from: Client, id: string): void {
  const head = state.meetings.head(id);
  if (!head) return;
  if (!mayRead(state, from, head)) throw WireError.forbidden('meeting');
  if (state.meetings.find(id)) throw WireError.sessionBusy();
  throw WireError.invalidParams([{ path: 'id', message: 'is the id of a meeting that is kept' }]);
}

/** @throws {WireError} `-32020` */
function checkRoom(state: BrokerState, from: Client): void {
  const { maxMeetings } = state.limits;
  if ([...state.meetings.ofClient(from)].length < maxMeetings) return;
  throw WireError.limitExceeded('max_meetings', maxMeetings);
}
