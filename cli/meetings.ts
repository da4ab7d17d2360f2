import type { Command } from 'commander';
import type { MeetingRow } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { visibleAnswer, visibleAnswerLine } from '../protocol/visible-answer.ts';
import { withBroker } from './broker-column.ts';
import { defaultList } from './default-list.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, jsonText, withHost } from './with-host.ts';

interface MeetingFlags extends ConnectionFlags {
  json?: boolean;
}

/** `switchboard meetings …`: what was said. */
export function addMeetings(program: Command, io: Io): void {
  const meetings = program.command('meetings').description('list meetings, and read what was said');
  connectionFlags(defaultList(meetings))
    .description('every meeting that you may read (the default)')
    .option('--json', "the daemon's answer as it is")
    .action((flags: MeetingFlags) => list(io, flags));
  connectionFlags(meetings.command('show'))
    .description('what was said in one, a line each, and its summary')
    .argument('<id>')
    .option('--json', "the daemon's answer as it is")
    .action((id: string, flags: MeetingFlags) => show(io, id, flags));
}

async function list(io: Io, { json, ...flags }: MeetingFlags): Promise<void> {
  const rows = await withHost(io, flags, (host) => host.meetings.list());
  if (!json && rows.length === 0) tell(io, 'no meetings');
  const brokers = rows.map(({ broker }) => broker);
  const lines = withBroker([HEADING, ...rows.map(cells)], brokers, 4);
  const text = json ? `${jsonText(rows)}\n` : rows.length > 0 ? table(lines) : '';
  await new Output(io.stdout).write(text);
}

const HEADING = ['ID', 'STATUS', 'STARTED', 'HELD BY', 'TITLE'];

function cells({ id, status, started_at, agent_id, title }: MeetingRow): string[] {
  return [id, status, timeOf(started_at), agent_id ?? 'a client', title ?? '-'].map(visibleLine);
}

/** A damaged record may say any number, and the others are to be listed all the same. */
function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString();
}

async function show(io: Io, id: string, { json, ...flags }: MeetingFlags): Promise<void> {
  const meeting = await withHost(io, flags, (host) => host.meetings.get(id));
  if (json) return new Output(io.stdout).write(`${jsonText(meeting)}\n`);
  if (meeting.truncated) tell(io, 'it grew too large, and its end was not kept');
  const said = meeting.segments.map(({ speaker, text }) =>
    speaker === undefined ? visibleAnswerLine(text) : `${visibleLine(speaker)}: ${visibleAnswerLine(text)}`,
  );
  const summary = meeting.summary === null ? [] : ['', 'Summary:', visibleAnswer(meeting.summary)];
  await new Output(io.stdout).writeVisible([...said, ...summary].map((line) => `${line}\n`).join(''));
}
