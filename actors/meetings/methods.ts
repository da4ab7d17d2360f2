import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { tell } from '../kernel/tell.ts';
import { answerLater } from '../requests/answer-later.ts';
import { type Call, type Handler, LATER } from '../requests/dispatcher.ts';
import type { JsonText } from '../requests/json-text.ts';
import { chooseProvider } from '../voice/choose.ts';
import { openVoiceStream } from '../voice/open.ts';
import { getResult, mayRead, stopResult, toRow } from './answers.ts';
import { sinkOf } from './ingest.ts';
import { startMeeting } from './meeting.ts';
import { Meeting } from './meeting-record.ts';
import type { MeetingHead } from './meeting-store.ts';

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
  begin(state, meeting);
  try {
    startMeeting(state, meeting);
    meeting.stream = openVoiceStream(state, {
      id,
      client: from,
      requestId,
      provider,
      task: { kind: 'transcribe', source },
      startResult: () => {
        meeting.hasBegun = true;
        return { id, started_at, provider: provider.id };
      },
      observe: sinkOf(state, meeting),
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
  // Who wants no summary does not wait for another's: of what was said, nothing more comes.
  const isOver = state.meetings.statusOf(head) === 'summarizing' && summarizer === undefined;
  if (live?.ref && !isOver) {
    const { maxMeetingStops } = state.limits;
    if (live.stoppers.length >= maxMeetingStops) throw WireError.limitExceeded('max_meeting_stops', maxMeetingStops);
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
  return readLater(call, 'meeting.stop', timeoutMs, async () => {
    const text = await state.meetings.read(head.id);
    if (summarizer === undefined) return stopResult(head.id, text, false);
    const summary = text.summary ?? (await state.summaries.of(head, summarizer));
    return stopResult(head.id, { ...text, summary }, true);
  });
};

/** `meeting.list` (`wire.md` section 11). */
export const listMeetings: Handler<'meeting.list'> = ({ state, from }) => ({
  meetings: [...state.meetings.heads].filter((head) => mayRead(state, from, head)).map((head) => toRow(state, head)),
});

/** `meeting.get` (`wire.md` section 11). */
export const getMeeting: Handler<'meeting.get'> = (call) => {
  const { state, params } = call;
  const head = findOwn(call, params.meeting_id);
  return readLater(call, 'meeting.get', state.limits.memoryTimeoutMs, async () =>
    getResult(state, head, await state.meetings.read(head.id)),
  );
};

/** Answers once a record was read. @throws {WireError} `-32020` */
function readLater(
  call: Call<unknown>,
  method: string,
  timeoutMs: number,
  read: () => Promise<JsonText>,
): typeof LATER {
  const { state, from } = call;
  const { maxPendingReads } = state.limits;
  if (from.pendingReads >= maxPendingReads) throw WireError.limitExceeded('max_pending_reads', maxPendingReads);
  // A reading whose answer was given up still goes on: it counts until it has really ended.
  answerLater(call, method, timeoutMs, () =>
    read().finally(() => {
      from.pendingReads -= 1;
    }),
  );
  from.pendingReads += 1;
  return LATER;
}

/** Begins a record. @throws {WireError} `-32602` where the id is taken by what the broker does not know. */
function begin(state: BrokerState, meeting: Meeting): void {
  try {
    state.meetings.add(meeting);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'EEXIST') throw idTaken();
    throw error;
  }
}

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
  throw idTaken();
}

function idTaken(): WireError {
  return WireError.invalidParams([{ path: 'id', message: 'is the id of a meeting that is kept' }]);
}

/** @throws {WireError} `-32020` */
function checkRoom(state: BrokerState, from: Client): void {
  const { maxMeetings } = state.limits;
  if ([...state.meetings.ofClient(from)].length < maxMeetings) return;
  throw WireError.limitExceeded('max_meetings', maxMeetings);
}
