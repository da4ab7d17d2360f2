import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../kernel/client.ts';
import type { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { tell } from '../kernel/tell.ts';
import { answerLater } from '../requests/answer-later.ts';
import { type Call, type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { chooseProvider } from '../voice/choose.ts';
import { openVoiceStream } from '../voice/open.ts';
import { getResult, mayRead, stopResult, toRow } from './answers.ts';
import { sinkOf } from './ingest.ts';
import { endMeeting, startMeeting } from './meeting.ts';
import { Meeting } from './meeting-record.ts';
import type { MeetingHead } from './meeting-store.ts';
import { MEETINGS } from './meetings.ts';
import { SUMMARIES } from './summaries.ts';

/** `meeting.start` (`wire.md` section 11). Its stream answers, once the provider has accepted. */
const startMeetingOf: Handler<'meeting.start'> = ({ state, from, id: requestId, params }) => {
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
      ended: (stream) => endMeeting(state, meeting, stream),
    });
  } catch (error) {
    if (meeting.ref) tell(state.ref, meeting.ref, { type: 'stream.over', isRefused: true });
    else state.get(MEETINGS).remove(head);
    throw error;
  }
  state.get(MEETINGS).opened += 1;
  return LATER;
};

/** `meeting.stop` (`wire.md` section 11). The meeting answers; of one that is over, its record does. */
const stopMeeting: Handler<'meeting.stop'> = (call) => {
  const { state, from, id, params } = call;
  const head = findOwn(call, params.meeting_id);
  const summarizer = params.summarize ? params.summarizer : undefined;
  const live = state.get(MEETINGS).find(head.id);
  // Who wants no summary does not wait for another's: of what was said, nothing more comes.
  const isOver = state.get(MEETINGS).statusOf(head) === 'summarizing' && summarizer === undefined;
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
    const text = await state.get(MEETINGS).read(head.id);
    if (summarizer === undefined) return stopResult(head.id, text, false);
    const summary = text.summary ?? (await state.get(SUMMARIES).of(head, summarizer));
    return stopResult(head.id, { ...text, summary }, true);
  });
};

/** `meeting.list` (`wire.md` section 11). */
const listMeetings: Handler<'meeting.list'> = ({ state, from }) => ({
  meetings: [...state.get(MEETINGS).heads]
    .filter((head) => mayRead(state, from, head))
    .map((head) => toRow(state, head)),
});

/** `meeting.get` (`wire.md` section 11). */
const getMeeting: Handler<'meeting.get'> = (call) => {
  const { state, params } = call;
  const head = findOwn(call, params.meeting_id);
  return readLater(call, 'meeting.get', state.limits.memoryTimeoutMs, async () =>
    getResult(state, head, await state.get(MEETINGS).read(head.id)),
  );
};

/** How many meetings a connection waits to read. */
const reads = slot(() => ({ pending: 0 }));

/** Answers once a record was read. @throws {WireError} `-32020` */
function readLater(
  call: Call<unknown>,
  method: string,
  timeoutMs: number,
  read: () => Promise<JsonText>,
): typeof LATER {
  const { state, from } = call;
  const { maxPendingReads } = state.limits;
  if (reads.of(from).pending >= maxPendingReads) throw WireError.limitExceeded('max_pending_reads', maxPendingReads);
  // A reading whose answer was given up still goes on: it counts until it has really ended.
  answerLater(call, method, timeoutMs, () =>
    read().finally(() => {
      reads.of(from).pending -= 1;
    }),
  );
  reads.of(from).pending += 1;
  return LATER;
}

/** Begins a record. @throws {WireError} `-32602` where the id is taken by what the broker does not know. */
function begin(state: Kernel, meeting: Meeting): void {
  try {
    state.get(MEETINGS).add(meeting);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'EEXIST') throw idTaken();
    throw error;
  }
}

/** @throws {WireError} `-32014`, `-32015` */
function findOwn({ state, from }: Call<unknown>, id: string): MeetingHead {
  const head = state.get(MEETINGS).head(id);
  if (!head) throw WireError.notFound('meeting');
  if (!mayRead(state, from, head)) throw WireError.forbidden('meeting');
  return head;
}

/** An id is used once, as long as its meeting is kept. @throws {WireError} `-32602`, `-32010`, `-32015` */
function checkFree(state: Kernel, from: Client, id: string): void {
  const head = state.get(MEETINGS).head(id);
  if (!head) return;
  if (!mayRead(state, from, head)) throw WireError.forbidden('meeting');
  if (state.get(MEETINGS).find(id)) throw WireError.sessionBusy();
  throw idTaken();
}

function idTaken(): WireError {
  return WireError.invalidParams([{ path: 'id', message: 'is the id of a meeting that is kept' }]);
}

/** @throws {WireError} `-32020` */
function checkRoom(state: Kernel, from: Client): void {
  const { maxMeetings } = state.limits;
  if ([...state.get(MEETINGS).ofClient(from)].length < maxMeetings) return;
  throw WireError.limitExceeded('max_meetings', maxMeetings);
}

/** What meetings answer. */
export const meetingMethods: Handlers = {
  'meeting.start': startMeetingOf,
  'meeting.stop': stopMeeting,
  'meeting.list': listMeetings,
  'meeting.get': getMeeting,
};
