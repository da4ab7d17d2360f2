import { meetingHotEvents, meetingMachine } from '../../machines/meeting.machine.ts';
import { agentKey } from '../../protocol/principal.ts';
import type { Facts } from '../kernel/facts.ts';
import { type Metric, metric } from '../kernel/metric.ts';
import { tell } from '../kernel/tell.ts';
import { MEMORY } from '../memory/facts.ts';
import type { Family } from '../requests/family.ts';
import { CONNECT_INSIDE, type ConnectInside } from './ask-agent.ts';
import { MEETING, meetingKind } from './meeting.ts';
import type { Meeting } from './meeting-record.ts';
import { MEETING_SHARE, MeetingShare } from './meeting-share.ts';
import { type MeetingStore, ownerOf } from './meeting-store.ts';
import { MEETINGS, Meetings } from './meetings.ts';
import { meetingMethods } from './methods.ts';
import { SUMMARIES, Summaries } from './summaries.ts';

const STATES = ['starting', 'running', 'finishing', 'summarizing'];

/** Meetings: transcriptions that are kept, remembered and summarized (`wire.md` section 11). */
export const meetings: Family<{
  meetingStore?: MeetingStore | undefined;
  /** Makes a connection to this very broker. */
  connectInside: ConnectInside;
}> = {
  name: 'meetings',
  charts: [{ machine: meetingMachine, hot: meetingHotEvents, facts: ({ meeting }) => factsOf(meeting) }],
  install(kernel, { meetingStore: store, connectInside }) {
    const { limits, log, deadlines } = kernel;
    const book = kernel.put(MEETINGS, new Meetings({ limits, log, deadlines, store }));
    const share = kernel.put(MEETING_SHARE, new MeetingShare(kernel, book));
    kernel.neighbours.talks.push(share);
    kernel.put(SUMMARIES, new Summaries(kernel));
    kernel.put(MEETING, meetingKind(kernel));
    kernel.put(CONNECT_INSIDE, connectInside);
    return {
      methods: meetingMethods,
      metrics: metricsOf(book, () => kernel.get(MEMORY).failures),
      connectionEnded(client) {
        for (const { ref } of [...book.ofClient(client)]) if (ref) tell(kernel.ref, ref, { type: 'client.gone' });
      },
      // What was said to this agent is not for the next one of its id. One that still runs ends first.
      agentRemoved(key) {
        for (const head of [...book.heads]) {
          if (head.agent_id === null || agentKey(ownerOf(head).tenant, head.agent_id) !== key) continue;
          const { ref } = book.find(head.id) ?? {};
          if (ref) tell(kernel.ref, ref, { type: 'client.gone' });
          book.remove(head);
        }
      },
      sweep: () => void share.give(),
      // What has ended with the broker is to be kept, too.
      answered: () => [share.give()],
      drain() {
        for (const { ref } of [...book.live]) if (ref) tell(kernel.ref, ref, { type: 'meeting.drain' });
      },
    };
  },
};

function metricsOf(book: Meetings, textsLost: () => number): Metric[] {
  return [
    metric('gauge', 'meetings', 'Live meetings by state.', () => live(book), 'state'),
    metric(
      'counter',
      'meetings_total',
      'Meetings opened since the start, those too that their provider refused.',
      () => book.opened,
    ),
    metric(
      'counter',
      'meeting_write_failures_total',
      'How often a meeting’s record could not be written; what is not written is tried again.',
      () => book.writeFailures,
    ),
    metric('counter', 'meeting_texts_lost_total', 'Texts of meetings that the memory did not take.', textsLost),
  ];
}

function* live(book: Meetings): Iterable<readonly [string, number]> {
  for (const state of STATES) yield [state, 0];
  for (const { head } of book.live) yield [book.statusOf(head), 1];
}

function factsOf(meeting: Meeting): Facts {
  const { head, client, stream, summarizer } = meeting;
  const fields = {
    id: head.id,
    title: head.title,
    client: client.id,
    stream: stream?.providerId,
    summarizer,
    bytes: meeting.bytes,
    is_truncated: meeting.isTruncated,
    ingesting: meeting.ingesting,
    stoppers: meeting.stoppers.length,
  };
  return { label: head.title ?? head.id, startedAt: head.started_at, fields };
}
