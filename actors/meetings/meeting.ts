import { type AnyActorRef, createActor } from 'xstate';
import { type MeetingEvent, meetingMachine } from '../../machines/meeting.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';
import { answerLater, inTime } from '../answer-later.ts';
import { attempt } from '../attempt.ts';
import type { BrokerState } from '../broker-state.ts';
import type { Client } from '../client.ts';
import { withFastPath } from '../fast-path.ts';
import { scopeOf } from '../memory/scope.ts';
import { jsonBytes } from '../payload-size.ts';
import { reply } from '../reply.ts';
import { tell } from '../tell.ts';
import type { VoiceStream } from '../voice/stream-record.ts';
import { toWireError } from '../wire-errors.ts';
import { stopResult } from './answers.ts';
import type { Meeting } from './meeting-record.ts';
import { summarize } from './summary.ts';

type EventOf<T extends MeetingEvent['type']> = Extract<MeetingEvent, { type: T }>;
interface Args {
  context: { meeting: unknown };
  event: MeetingEvent;
  self: AnyActorRef;
}

/** Texts of one meeting that a slow memory may have before it; the next ones are not remembered. */
const MAX_INGESTING = 64;

const LISTENING = new Set(['running', 'finishing']);

/** The chart of meetings with its effects: one logic for all meetings of a broker. */
export function meetingLogic(state: BrokerState) {
  const meetingOf = (args: Args) => args.context.meeting as Meeting;
  const eventOf = <T extends MeetingEvent['type']>(args: Args, _type: T) => args.event as EventOf<T>;

  const keep = (meeting: Meeting, { segment }: EventOf<'meeting.heard'>) => {
    const { maxMeetingBytes } = state.limits;
    const bytes = jsonBytes(segment);
    if (meeting.isTruncated) return;
    if (meeting.bytes + bytes > maxMeetingBytes) {
      meeting.isTruncated = true;
      state.log.warn({ meeting: meeting.id, limit: maxMeetingBytes }, 'a meeting is too large; its rest is not kept');
      state.meetings.append(meeting.head, { type: 'truncated' }, 0);
      return;
    }
    meeting.bytes += bytes;
    state.meetings.append(meeting.head, { type: 'final', ...segment }, bytes);
  };

  const machine = meetingMachine.provide({
    actions: {
      keep: (args) => keep(meetingOf(args), eventOf(args, 'meeting.heard')),
      noteStop: (args) => {
        const meeting = meetingOf(args);
        const { asker, summarizer } = eventOf(args, 'meeting.stop');
        meeting.stoppers.push(asker);
        meeting.summarizer ??= summarizer;
      },
      askToFinish: (args) => {
        const meeting = meetingOf(args);
        if (meeting.stream?.ref) tell(args.self, meeting.stream.ref, { type: 'stream.stop' });
        meeting.deadline = state.deadlines.arm(state.limits.voiceStopTimeoutMs, () =>
          args.self.send({ type: 'meeting.expired' }),
        );
      },
      disarm: (args) => state.deadlines.disarm(meetingOf(args).deadline),
      cutStream: (args) => {
        const { stream } = meetingOf(args);
        if (stream?.ref) tell(args.self, stream.ref, { type: 'stream.cancel' });
      },
      askForSummary: (args) => {
        const meeting = meetingOf(args);
        const { self } = args;
        const settle = (summary: string | null) => self.send({ type: 'summary.settled', summary });
        meeting.dropSummary = summarize(state, meeting.head, meeting.summarizer ?? '', settle);
      },
      dropSummary: (args) => meetingOf(args).dropSummary(),
      keepSummary: (args) => {
        const { summary } = eventOf(args, 'summary.settled');
        if (summary !== null) keepSummary(state, meetingOf(args), summary);
      },
      keepEnd: (args) => keepEnd(state, meetingOf(args)),
      answerStops: (args) => answerStops(state, meetingOf(args)),
      forget: (args) => state.meetings.remove(meetingOf(args).head),
      refuseStops: (args) => {
        const { stoppers } = meetingOf(args);
        for (const { client, id } of stoppers.splice(0)) {
          reply(state, client as Client, id, { error: WireError.notFound('meeting, it did not start') });
        }
      },
    },
  });

  return withFastPath(machine, {
    'meeting.heard': {
      in: LISTENING,
      run: ({ meeting }: { meeting: Meeting }, event: EventOf<'meeting.heard'>) => keep(meeting, event),
    },
  });
}

/** Makes and starts the actor of one meeting. */
export function startMeeting(state: BrokerState, meeting: Meeting): void {
  const { meeting: logic } = state.logics;
  const actor = createActor(logic, { parent: state.ref, id: meeting.actorId, input: { meeting } });
  meeting.ref = actor;
  actor.start();
}

/** What is said goes to the record, and into the memory of whoever holds the meeting. May reject, and be ignored. */
export async function ingest(state: BrokerState, meeting: Meeting, segment: TranscriptSegment): Promise<void> {
  if (meeting.ref) tell(state.ref, meeting.ref, { type: 'meeting.heard', segment });
  const { client, head } = meeting;
  // A connection that is gone has no memory any more.
  if (!client.isOpen && client.agentId === undefined) return;
  if (meeting.ingesting >= MAX_INGESTING) throw new Error('the memory has too much of this meeting before it');
  meeting.ingesting += 1;
  const { text, speaker, start_ms, end_ms } = segment;
  const fact = {
    subject: head.title === null ? head.id : `${head.title} (${head.id})`,
    body: text,
    kind: 'meeting',
    ...(speaker === undefined ? {} : { speaker }),
    ...(start_ms === undefined ? {} : { start_ms }),
    ...(end_ms === undefined ? {} : { end_ms }),
  };
  state.counters.memory('add_fact');
  const { memoryTimeoutMs } = state.limits;
  const done = () => {
    meeting.ingesting -= 1;
  };
  await inTime(state, 'memory', memoryTimeoutMs, () => state.memory.addFact(scopeOf(client), fact), done);
}

/** A voice stream is over: so is the meeting that listens to it, if there is one. */
export function endMeetingOf(state: BrokerState, stream: VoiceStream): void {
  const meeting = state.meetings.find(stream.id);
  if (meeting?.stream !== stream || !meeting.ref) return;
  const isRefused = stream.ref?.getSnapshot().value === 'refused';
  tell(state.ref, meeting.ref, { type: 'stream.over', isRefused });
}

/** Forgets a meeting that has ended: what was said stays in the store. */
export function buryMeeting(state: BrokerState, meeting: Meeting): void {
  state.deadlines.disarm(meeting.deadline);
  state.meetings.end(meeting);
  state.log.debug({ meeting: meeting.id }, 'meeting ended');
}

/** A meeting's actor failed, a fault of ours (law 10): its stream ends, and whoever waits is told. */
export function failMeeting(state: BrokerState, meeting: Meeting): void {
  const step = (run: () => void) => attempt(state, 'a broken meeting', run);
  step(() => buryMeeting(state, meeting));
  step(() => keepEnd(state, meeting));
  step(() => meeting.dropSummary());
  step(() => {
    for (const { client, id } of meeting.stoppers.splice(0)) {
      reply(state, client as Client, id, { error: WireError.internal() });
    }
  });
  step(() => {
    if (meeting.stream?.ref) tell(state.ref, meeting.stream.ref, { type: 'stream.cancel' });
  });
}

/** Keeps a summary, the latest of which counts. */
export function keepSummary(state: BrokerState, { head }: Pick<Meeting, 'head'>, text: string): void {
  state.meetings.append(head, { type: 'summary', text }, jsonBytes(text));
  // The end stays the last line: a reader need not read the rest to know of it.
  if (head.ended_at !== null) state.meetings.append(head, { type: 'ended', ended_at: head.ended_at }, 0);
}

function keepEnd(state: BrokerState, { head }: Meeting): void {
  if (head.ended_at !== null) return;
  head.ended_at = Date.now();
  head.status = 'ended';
  state.meetings.append(head, { type: 'ended', ended_at: head.ended_at }, 0);
}

function answerStops(state: BrokerState, { head, stoppers }: Meeting): void {
  for (const asker of stoppers.splice(0)) {
    const from = asker.client as Client;
    const { id } = asker;
    try {
      answerLater({ state, from, id }, 'meeting.stop', state.limits.memoryTimeoutMs, () => stopResult(state, head));
    } catch (error) {
      reply(state, from, id, { error: toWireError(state, 'meeting.stop', error) });
    }
  }
}
