import { type AnyActorRef, createActor } from 'xstate';
import { type MeetingEvent, meetingMachine } from '../../machines/meeting.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../connection/client.ts';
import { attempt } from '../kernel/attempt.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import { tell } from '../kernel/tell.ts';
import { answerLater } from '../requests/answer-later.ts';
import { reply } from '../requests/reply.ts';
import { toWireError } from '../requests/wire-errors.ts';
import type { VoiceStream } from '../voice/stream-record.ts';
import { stopResult } from './answers.ts';
import { keepEnd, keepFinal, keepSummary } from './keeping.ts';
import type { Meeting, Stopper } from './meeting-record.ts';
import { summarize } from './summary.ts';

type EventOf<T extends MeetingEvent['type']> = Extract<MeetingEvent, { type: T }>;
interface Args {
  context: { meeting: unknown };
  event: MeetingEvent;
  self: AnyActorRef;
}

const LISTENING = new Set(['running', 'finishing']);

/** The chart of meetings with its effects: one logic for all meetings of a broker. */
export function meetingLogic(state: BrokerState) {
  const meetingOf = (args: Args) => args.context.meeting as Meeting;
  const eventOf = <T extends MeetingEvent['type']>(args: Args, _type: T) => args.event as EventOf<T>;

  const keep = (meeting: Meeting, { segment }: EventOf<'meeting.heard'>) => keepFinal(state, meeting, segment);

  const machine = meetingMachine.provide({
    actions: {
      keep: (args) => keep(meetingOf(args), eventOf(args, 'meeting.heard')),
      noteStop: (args) => {
        const meeting = meetingOf(args);
        const { asker, summarizer } = eventOf(args, 'meeting.stop');
        meeting.stoppers.push({ ...asker, summarizer });
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
        if (summary !== null) keepSummary(state, meetingOf(args).head, summary);
      },
      keepEnd: (args) => keepEnd(state, meetingOf(args).head),
      answerStops: (args) => {
        const meeting = meetingOf(args);
        answerStops(state, meeting, meeting.stoppers.splice(0));
      },
      answerOthers: (args) => {
        const meeting = meetingOf(args);
        const others = meeting.stoppers.filter(({ summarizer }) => summarizer === undefined);
        meeting.stoppers = meeting.stoppers.filter(({ summarizer }) => summarizer !== undefined);
        answerStops(state, meeting, others);
      },
      forget: (args) => state.meetings.remove(meetingOf(args).head),
      refuseStops: (args) => refuseAll(state, meetingOf(args), WireError.notFound('meeting, it did not start')),
      refuseStopsAsDraining: (args) => refuseAll(state, meetingOf(args), WireError.draining()),
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
  step(() => (meeting.hasBegun ? keepEnd(state, meeting.head) : state.meetings.remove(meeting.head)));
  step(() => meeting.dropSummary());
  step(() => refuseAll(state, meeting, WireError.internal()));
  step(() => {
    const { stream } = meeting;
    if (stream?.ref) tell(state.ref, stream.ref, { type: 'stream.fail', code: 'internal', message: 'internal error' });
  });
}

/** Each of them gets what was said, of one reading, and the summary if a summary was asked for. */
function answerStops(state: BrokerState, { head }: Meeting, stoppers: readonly Stopper[]): void {
  if (stoppers.length === 0) return;
  // Begun at once, and not when it is its turn: what is being read is not deleted, and this meeting is about to be over.
  const text = state.meetings.read(head.id);
  for (const { client, id, summarizer } of stoppers) {
    const from = client as Client;
    try {
      const work = async () => stopResult(head.id, await text, summarizer !== undefined);
      answerLater({ state, from, id }, 'meeting.stop', state.limits.memoryTimeoutMs, work);
    } catch (error) {
      reply(state, from, id, { error: toWireError(state, 'meeting.stop', error) });
    }
  }
}

function refuseAll(state: BrokerState, { stoppers }: Meeting, error: WireError): void {
  for (const { client, id } of stoppers.splice(0)) reply(state, client as Client, id, { error });
}
