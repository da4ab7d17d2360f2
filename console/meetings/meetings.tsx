import { useState } from 'preact/hooks';
import type { MeetingGetResult, MeetingRow } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { Asking, useAsked } from '../asked.tsx';
import { withBroker } from '../brokers/broker-column.tsx';
import { Ago, Fact, PageHead } from '../detail.tsx';
import { count } from '../format.ts';
import { Id } from '../id.tsx';
import { link, route } from '../route.ts';
import { ofSession } from '../sign-out.ts';
import { type Column, Free, Table } from '../table.tsx';
import './meetings.css';

const POLL_MS = 3_000;
/** Rows that are drawn. */
const MAX_ROWS = 300;
/** Pieces of what was said that are drawn: the newest. */
const MAX_SEGMENTS = 1_000;

const meetings = ofSession<readonly MeetingRow[] | undefined>(undefined);

/** Meetings, and of the chosen one what was said. */
export function Meetings() {
  const chosen = route.value[1] || undefined;
  return (
    <div class="meetings">{chosen === undefined ? <MeetingList /> : <MeetingDetail key={chosen} id={chosen} />}</div>
  );
}

function MeetingList() {
  const problem = useAsked(POLL_MS, async (host) => {
    // The newest first: it is the one that somebody has just held.
    meetings.value = (await host.meetings.list()).toReversed();
  });
  const rows = meetings.value;
  return (
    <>
      <PageHead>
        <h1>Meetings</h1>
      </PageHead>
      <Asking words={problem} isThere={rows !== undefined} />
      {rows ? (
        <Table
          label="Meetings"
          columns={withBroker(COLUMNS, rows, ({ broker }) => broker)}
          rows={rows}
          most={MAX_ROWS}
          keyOf={({ id }) => id}
          empty={
            <>
              None that you may read. A client holds one by{' '}
              <a href={link('methods', 'meeting.start')}>
                <code>meeting.start</code>
              </a>
              , as <code>examples/meeting.ts</code> does.
            </>
          }
        />
      ) : null}
    </>
  );
}

const LIVE = new Set<MeetingRow['status']>(['starting', 'running', 'finishing', 'summarizing']);

function Status({ status }: Pick<MeetingRow, 'status'>) {
  return (
    <span class="state" data-tone={LIVE.has(status) ? 'good' : status === 'interrupted' ? 'warn' : 'off'}>
      {status}
    </span>
  );
}

const COLUMNS: readonly Column<MeetingRow>[] = [
  {
    title: 'Meeting',
    isHeading: true,
    by: ({ id, title }) => title ?? id,
    cell: ({ id, title }) => (
      <a href={link('meetings', id)}>{title === null ? <Id id={id} /> : <Free text={title} />}</a>
    ),
  },
  { title: 'Status', by: ({ status }) => status, cell: ({ status }) => <Status status={status} /> },
  { title: 'Started', by: ({ started_at }) => started_at, cell: ({ started_at }) => <Ago at={started_at} /> },
  {
    title: 'Ended',
    by: ({ ended_at }) => ended_at ?? undefined,
    cell: ({ ended_at }) => (ended_at === null ? '' : <Ago at={ended_at} />),
  },
  {
    title: 'Held by',
    by: ({ agent_id }) => agent_id ?? 'a client',
    cell: ({ agent_id }) => (agent_id === null ? 'a client' : <Free text={agent_id} isCode />),
  },
];

function MeetingDetail({ id }: { id: string }) {
  const [meeting, setMeeting] = useState<MeetingGetResult>();
  const isOver = meeting !== undefined && !LIVE.has(meeting.status);
  const problem = useAsked(
    POLL_MS,
    async (host) => {
      // It does not change any more.
      if (isOver) return;
      setMeeting(await host.meetings.get(id));
    },
    [id, isOver],
  );
  const older = Math.max(0, (meeting?.segments.length ?? 0) - MAX_SEGMENTS);
  return (
    <>
      <PageHead>
        <h1>
          <a href={link('meetings')}>Meetings</a> <span aria-hidden="true">›</span>{' '}
          {meeting?.title == null ? <Id id={id} /> : <Free text={meeting.title} />}
        </h1>
      </PageHead>
      <Asking words={problem} isThere={meeting !== undefined} />
      {meeting === undefined ? null : (
        <>
          <dl class="detail">
            <Fact name="Id">
              <code>{visibleLine(meeting.id)}</code>
            </Fact>
            <Fact name="Status">
              <Status status={meeting.status} />
            </Fact>
            <Fact name="Started">
              <Ago at={meeting.started_at} />
            </Fact>
            <Fact name="Ended">{meeting.ended_at === null ? undefined : <Ago at={meeting.ended_at} />}</Fact>
            <Fact name="Held by">
              {meeting.agent_id === null ? (
                'a client'
              ) : (
                <a href={link('agents', meeting.agent_id)}>
                  <code>{visibleLine(meeting.agent_id)}</code>
                </a>
              )}
            </Fact>
          </dl>
          {meeting.summary === null ? null : (
            <section class="detail-part" aria-labelledby="summary">
              <h2 id="summary">Summary</h2>
              <p class="meeting-text">{meeting.summary}</p>
            </section>
          )}
          <section class="detail-part" aria-labelledby="said">
            <h2 id="said">
              What was said <span class="soft">{count(meeting.segments.length)}</span>
            </h2>
            {meeting.truncated ? <p class="soft">It grew too large, and its end was not kept.</p> : null}
            {older > 0 ? <p class="soft">{count(older)} earlier pieces are left out here.</p> : null}
            {meeting.segments.length === 0 ? <p class="empty">Nothing yet.</p> : null}
            <ol class="segments">
              {meeting.segments.slice(older).map(({ text, speaker, start_ms }, at) => (
                <li key={at}>
                  <span class="soft">
                    {typeof start_ms === 'number' ? `${clock(start_ms)} ` : ''}
                    {speaker === undefined ? '' : visibleLine(speaker)}
                  </span>
                  <span class="meeting-text">{text}</span>
                </li>
              ))}
            </ol>
          </section>
        </>
      )}
    </>
  );
}

/** A moment of a recording: `1:05`. @param ms - from its beginning */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
