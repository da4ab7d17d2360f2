import type { MeetingRow } from '../../protocol/meetings.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { atBroker } from '../kernel/at-broker.ts';
import type { Client } from '../kernel/client.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { idFor } from '../kernel/session-name.ts';
import { observes, sees } from '../kernel/sight.ts';
import { type MeetingHead, nameOf, ownerOf } from './meeting-store.ts';
import type { MeetingText } from './meeting-text.ts';
import { MEETINGS } from './meetings.ts';

/** What `meeting.stop` is answered with. Who did not ask for a summary gets none, even if there is one. */
export function stopResult(from: Client, head: MeetingHead, text: MeetingText, wantsSummary: boolean): JsonText {
  const id = idSeenBy(from, head);
  const end = endOf(wantsSummary ? text : { ...text, summary: null });
  return new JsonText(`{"id":${writeJson(id)},"transcript":${text.transcriptJson},${end}}`);
}

/** What `meeting.get` is answered with. */
export function getResult(kernel: Kernel, from: Client, head: MeetingHead, text: MeetingText): JsonText {
  const row = writeJson(toRow(kernel, from, head)).slice(0, -1);
  const { transcriptJson, segmentsJson } = text;
  return new JsonText(`${row},"transcript":${transcriptJson},"segments":${segmentsJson},${endOf(text)}}`);
}

function endOf({ summary, isTruncated }: MeetingText): string {
  return `"summary":${writeJson(summary)}${isTruncated ? ',"truncated":true' : ''}`;
}

/** What a client calls a meeting that it sees. */
const idSeenBy = (from: Client, head: MeetingHead): string => idFor(from, ownerOf(head), nameOf(head), head.id);

/** A meeting as a listing shows it. */
export function toRow(kernel: Kernel, from: Client, head: MeetingHead): MeetingRow {
  const { title, started_at, ended_at, agent_id } = head;
  return {
    id: idSeenBy(from, head),
    title,
    status: kernel.get(MEETINGS).statusOf(head),
    started_at,
    ended_at,
    agent_id,
    ...atBroker(kernel),
  };
}

/**
 * Who may read a meeting, of those for whom it exists: the host role, and who observes; of an agent's, that agent. Of any
 * other client's: that connection while it runs, and when it is over every client of its principal that is no agent,
 * because the one that held it may never come again.
 */
export function mayRead(kernel: Kernel, from: Client, head: MeetingHead): boolean {
  if (!sees(from, ownerOf(head), head.agent_id ?? undefined)) return false;
  if (from.role === 'host' || observes(from)) return true;
  if (head.agent_id !== null) return from.agentId === head.agent_id;
  const live = kernel.get(MEETINGS).find(head.id);
  return live ? live.client === from : from.agentId === undefined;
}
