import type { AnyActorRef } from 'xstate';
import { withEffects } from '../../machines/effects.ts';
import { createMeetingMachine, meetingHotEvents } from '../../machines/meeting.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { ChildKind } from '../kernel/children.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { answerLater } from '../requests/answer-later.ts';
import { reply } from '../requests/reply.ts';
import type { VoiceStream } from '../voice/stream-record.ts';
import { stopResult } from './answers.ts';
import type { Meeting, MeetingHears, MeetingHolds, Stopper } from './meeting-record.ts';
import { MEETINGS } from './meetings.ts';
import { summarize } from './summaries.ts';

type EventOf<T extends MeetingHears['type']> = Extract<MeetingHears, { type: T }>;
interface Args {
  context: { meeting: Meeting };
  event: MeetingHears;
  self: AnyActorRef;
}

/** The chart of meetings with its effects: one logic for all meetings of a broker. */
function meetingLogic(kernel: Kernel) {
  const meetingOf = (args: Args) => args.context.meeting;
  const eventOf = <T extends MeetingHears['type']>(args: Args, _type: T) => args.event as EventOf<T>;

  const keep = (meeting: Meeting, { segment }: EventOf<'meeting.heard'>) =>
    kernel.get(MEETINGS).keepFinal(meeting, segment);

  const machine = withEffects(createMeetingMachine<MeetingHolds>(), {
    keep: (args) => keep(meetingOf(args), eventOf(args, 'meeting.heard')),
    noteStop: (args) => {
      const meeting = meetingOf(args);
      const { asker, summarizer } = eventOf(args, 'meeting.stop');
      meeting.stoppers.push({ ...asker, summarizer });
      if (meeting.summarizer === undefined && summarizer !== undefined) {
        meeting.summarizer = summarizer;
        meeting.mayUse = asker.client.identity?.mayUse;
      }
    },
    askToFinish: (args) => {
      const meeting = meetingOf(args);
      if (meeting.stream?.ref) tell(args.self, meeting.stream.ref, { type: 'stream.stop' });
      meeting.deadline = kernel.deadlines.arm(kernel.limits.voiceStopTimeoutMs, () =>
        args.self.send({ type: 'meeting.expired' }),
      );
    },
    disarm: (args) => kernel.deadlines.disarm(meetingOf(args).deadline),
    cutStream: (args) => {
      const { stream } = meetingOf(args);
      if (stream?.ref) tell(args.self, stream.ref, { type: 'stream.cancel' });
    },
    askForSummary: (args) => {
      const meeting = meetingOf(args);
      const { self } = args;
      const settle = (summary: string | null) => self.send({ type: 'summary.settled', summary });
      meeting.dropSummary = summarize(kernel, meeting.head, meeting.summarizer ?? '', meeting.mayUse, settle);
    },
    dropSummary: (args) => meetingOf(args).dropSummary(),
    keepSummary: (args) => {
      const { summary } = eventOf(args, 'summary.settled');
      if (summary !== null) kernel.get(MEETINGS).keepSummary(meetingOf(args).head, summary);
    },
    keepEnd: (args) => kernel.get(MEETINGS).keepEnd(meetingOf(args).head),
    answerStops: (args) => {
      const meeting = meetingOf(args);
      answerStops(kernel, args.self, meeting, meeting.stoppers.splice(0));
    },
    answerOthers: (args) => {
      const meeting = meetingOf(args);
      const others = meeting.stoppers.filter(({ summarizer }) => summarizer === undefined);
      meeting.stoppers = meeting.stoppers.filter(({ summarizer }) => summarizer !== undefined);
      answerStops(kernel, args.self, meeting, others);
    },
    forget: (args) => kernel.get(MEETINGS).remove(meetingOf(args).head),
    refuseStops: (args) =>
      refuseAll(kernel, args.self, meetingOf(args), WireError.notFound('meeting, it did not start')),
    refuseStopsAsDraining: (args) => refuseAll(kernel, args.self, meetingOf(args), WireError.draining()),
  });

  return withFastPath(machine, meetingHotEvents, { 'meeting.heard': ({ meeting }, event) => keep(meeting, event) });
}

/** What a meeting is to the broker's actor. */
export const MEETING = key<ChildKind<Meeting>>('meeting');

/** See {@link MEETING}. */
export const meetingKind = (kernel: Kernel): ChildKind<Meeting> => ({
  logic: meetingLogic(kernel),
  ended: (meeting) => buryMeeting(kernel, meeting),
  failed: (meeting) => failMeeting(kernel, meeting),
});

/** Makes and starts the actor of one meeting. */
export function startMeeting(kernel: Kernel, meeting: Meeting): void {
  kernel.children.start(kernel.get(MEETING), meeting.actorId, meeting, { meeting });
}

/** Its voice stream is over: so is the meeting. */
export function endMeeting(kernel: Kernel, meeting: Meeting, stream: VoiceStream): void {
  if (meeting.stream !== stream || !meeting.ref || kernel.get(MEETINGS).find(meeting.id) !== meeting) return;
  const isRefused = stream.ref?.getSnapshot().value === 'refused';
  tell(kernel.ref, meeting.ref, { type: 'stream.over', isRefused });
}

/** Forgets a meeting that has ended: what was said stays in the store. */
function buryMeeting(kernel: Kernel, meeting: Meeting): void {
  kernel.deadlines.disarm(meeting.deadline);
  kernel.get(MEETINGS).end(meeting);
  kernel.log.debug({ meeting: meeting.id }, 'meeting ended');
}

/** A meeting's actor failed, a fault of ours (law 10): its stream ends, and whoever waits is told. */
function failMeeting(kernel: Kernel, meeting: Meeting): void {
  const step = (run: () => void) => kernel.attempt('a broken meeting', run);
  step(() => buryMeeting(kernel, meeting));
  step(() =>
    meeting.hasBegun ? kernel.get(MEETINGS).keepEnd(meeting.head) : kernel.get(MEETINGS).remove(meeting.head),
  );
  step(() => meeting.dropSummary());
  step(() => refuseAll(kernel, kernel.ref, meeting, WireError.internal()));
  step(() => {
    const { stream } = meeting;
    if (stream?.ref) tell(kernel.ref, stream.ref, { type: 'stream.fail', code: 'internal', message: 'internal error' });
  });
}

/** Each of them gets what was said, of one reading, and the summary if a summary was asked for. */
function answerStops(kernel: Kernel, source: AnyActorRef, { head }: Meeting, stoppers: readonly Stopper[]): void {
  if (stoppers.length === 0) return;
  // Begun at once, and not when it is its turn: what is being read is not deleted, and this meeting is about to be over.
  const text = kernel.get(MEETINGS).read(head.id);
  for (const { client, id, summarizer } of stoppers) {
    const from = client;
    try {
      const work = async () => stopResult(from, head, await text, summarizer !== undefined);
      answerLater({ kernel, from, id }, 'meeting.stop', kernel.limits.memoryTimeoutMs, work, source);
    } catch (error) {
      reply(kernel, from, id, { error: toWireError(kernel, 'meeting.stop', error) }, source);
    }
  }
}

function refuseAll(kernel: Kernel, source: AnyActorRef, { stoppers }: Meeting, error: WireError): void {
  for (const { client, id } of stoppers.splice(0)) reply(kernel, client, id, { error }, source);
}
