import { v4 as uuid } from 'uuid';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../kernel/client.ts';
import type { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { markedId } from '../kernel/session-name.ts';
import { slot } from '../kernel/slots.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { answerLater } from '../requests/answer-later.ts';
import { type Call, type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { reply } from '../requests/reply.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { carryOut } from '../turns/held-calls.ts';
import { chooseProvider } from '../voice/choose.ts';
import { openVoiceStream } from '../voice/open.ts';
import { getResult, mayRead, stopResult, toRow } from './answers.ts';
import { sinkOf } from './ingest.ts';
import { endMeeting, startMeeting } from './meeting.ts';
import { Meeting } from './meeting-record.ts';
import { MEETING_SHARE } from './meeting-share.ts';
import type { MeetingHead } from './meeting-store.ts';
import { MEETINGS } from './meetings.ts';
import { SUMMARIES } from './summaries.ts';

/** `meeting.start` (`wire.md` section 11). An id that its client chose is nobody else's of its principal, at any broker. */
const startMeetingOf: Handler<'meeting.start'> = (call) => {
  const { kernel, from, id: requestId, params } = call;
  const { id } = params;
  check(kernel, from, id);
  if (id === undefined || [...kernel.neighbours.open()].length === 0) return begin(call);
  void kernel
    .get(MEETING_SHARE)
    .named(from.principal, id)
    .then((there) => {
      if (there === 'free') carryOut(call, 'meeting.start', begin);
      else reply(kernel, from, requestId, { error: takenThere(from, there) });
    })
    .catch((err: unknown) => reply(kernel, from, requestId, { error: toWireError(kernel, 'meeting.start', err) }));
  return LATER;
};

/** A meeting of that name is, or was, another connection's at another broker. */
function takenThere(from: Client, there: 'live' | 'kept'): WireError {
  if (there === 'kept') return idTaken();
  return from.role === 'host' ? WireError.sessionBusy() : WireError.forbidden('meeting');
}

/** @throws {WireError} where one could not be started now */
function check(kernel: Kernel, from: Client, id: string | undefined): void {
  if (kernel.isDraining) throw WireError.draining();
  if (id !== undefined) checkFree(kernel, from, id);
  checkRoom(kernel, from);
}

/** Starts it. Its stream answers, once the provider has accepted. */
const begin: Handler<'meeting.start'> = ({ kernel, from, id: requestId, params }) => {
  const { title = null, audio_source: source, options, id = uuid().replaceAll('-', '') } = params;
  check(kernel, from, id);
  const provider = chooseProvider(kernel, from, 'transcribe', options?.provider);
  const started_at = Date.now();
  const agent_id = from.agentId ?? null;
  const owner = from.principal;
  const head: MeetingHead = {
    // A name of a file, which has no colon on every system.
    id: markedId(owner, id, '.'),
    name: id,
    owner,
    title,
    status: 'running',
    started_at,
    ended_at: null,
    agent_id,
    bytes: 0,
  };
  const meeting = new Meeting(head, from, `meeting-${uuid()}`);
  beginRecord(kernel, meeting);
  try {
    startMeeting(kernel, meeting);
    meeting.stream = openVoiceStream(kernel, {
      id,
      client: from,
      requestId,
      provider,
      task: { kind: 'transcribe', source },
      startResult: () => {
        meeting.hasBegun = true;
        return { id, started_at, provider: provider.id };
      },
      observe: sinkOf(kernel, meeting),
      ended: (stream) => endMeeting(kernel, meeting, stream),
    });
  } catch (error) {
    if (meeting.ref) tell(kernel.ref, meeting.ref, { type: 'stream.over', isRefused: true });
    else kernel.get(MEETINGS).remove(head);
    throw error;
  }
  kernel.get(MEETINGS).opened += 1;
  return LATER;
};

/** `meeting.stop` (`wire.md` section 11). The meeting answers; of one that is over, its record does. */
const stopMeeting: Handler<'meeting.stop'> = (call) => {
  const { kernel, from, id, params } = call;
  const head = findOwn(call, params.meeting_id);
  const summarizer = params.summarize ? params.summarizer : undefined;
  const live = kernel.get(MEETINGS).find(head.id);
  // Who wants no summary does not wait for another's: of what was said, nothing more comes.
  const isOver = kernel.get(MEETINGS).statusOf(head) === 'summarizing' && summarizer === undefined;
  if (live?.ref && !isOver) {
    const { maxMeetingStops } = kernel.limits;
    if (live.stoppers.length >= maxMeetingStops) throw WireError.limitExceeded('max_meeting_stops', maxMeetingStops);
    const asker = { client: from, id };
    tell(kernel.ref, live.ref, {
      type: 'meeting.stop',
      asker,
      ...(summarizer === undefined ? {} : { summarizer }),
    });
    return LATER;
  }
  const { memoryTimeoutMs, summaryTimeoutMs } = kernel.limits;
  const timeoutMs = memoryTimeoutMs + (summarizer === undefined ? 0 : summaryTimeoutMs);
  return readLater(call, 'meeting.stop', timeoutMs, async () => {
    const text = await kernel.get(MEETINGS).read(head.id);
    if (summarizer === undefined) return stopResult(from, head, text, false);
    const summary = text.summary ?? (await kernel.get(SUMMARIES).of(head, summarizer, from.identity?.mayUse));
    return stopResult(from, head, { ...text, summary }, true);
  });
};

/** `meeting.list` (`wire.md` section 11). */
const listMeetings: Handler<'meeting.list'> = (call) => {
  const { kernel, from } = call;
  const heads = [...kernel.get(MEETINGS).heads].filter((head) => mayRead(kernel, from, head));
  return replyRows(
    call,
    heads.map((head) => toRow(kernel, from, head)),
    { as: 'meetings' },
  );
};

/** `meeting.get` (`wire.md` section 11). */
const getMeeting: Handler<'meeting.get'> = (call) => {
  const { kernel, from, params } = call;
  const head = findOwn(call, params.meeting_id);
  return readLater(call, 'meeting.get', kernel.limits.memoryTimeoutMs, async () =>
    getResult(kernel, from, head, await kernel.get(MEETINGS).read(head.id)),
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
  const { kernel, from } = call;
  const { maxPendingReads } = kernel.limits;
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
function beginRecord(kernel: Kernel, meeting: Meeting): void {
  try {
    kernel.get(MEETINGS).add(meeting);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'EEXIST') throw idTaken();
    throw error;
  }
}

/** @throws {WireError} `-32014`, `-32015` */
function findOwn({ kernel, from }: Call<unknown>, id: string): MeetingHead {
  const head = kernel.get(MEETINGS).meant(from, id);
  if (!head) throw WireError.notFound('meeting');
  if (!mayRead(kernel, from, head)) throw WireError.forbidden('meeting');
  return head;
}

/** An id is used once, as long as its meeting is kept. @throws {WireError} `-32602`, `-32010`, `-32015` */
function checkFree(kernel: Kernel, from: Client, id: string): void {
  const head = kernel.get(MEETINGS).named(from.principal, id);
  if (!head) return;
  if (!mayRead(kernel, from, head)) throw WireError.forbidden('meeting');
  if (kernel.get(MEETINGS).find(head.id)) throw WireError.sessionBusy();
  throw idTaken();
}

function idTaken(): WireError {
  return WireError.invalidParams([{ path: 'id', message: 'is the id of a meeting that is kept' }]);
}

/** @throws {WireError} `-32020` */
function checkRoom(kernel: Kernel, from: Client): void {
  const { maxMeetings } = kernel.limits;
  if ([...kernel.get(MEETINGS).ofClient(from)].length < maxMeetings) return;
  throw WireError.limitExceeded('max_meetings', maxMeetings);
}

/** What meetings answer. */
export const meetingMethods: Handlers = {
  'meeting.start': startMeetingOf,
  'meeting.stop': stopMeeting,
  'meeting.list': listMeetings,
  'meeting.get': getMeeting,
};
