import type { MeetingRow } from '../../protocol/meetings.ts';
import type { Client } from '../kernel/client.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { MeetingHead } from './meeting-store.ts';
import type { MeetingText } from './meeting-text.ts';
import { MEETINGS } from './meetings.ts';

/** What `meeting.stop` is answered with. Who did not ask for a summary gets none, even if there is one. */
export function stopResult(id: string, text: MeetingText, wantsSummary: boolean): JsonText {
  const end = endOf(wantsSummary ? text : { ...text, summary: null });
  return new JsonText(`{"id":${JSON.stringify(id)},"transcript":${text.transcriptJson},${end}}`);
}

/** What `meeting.get` is answered with. */
export function getResult(kernel: Kernel, head: MeetingHead, text: MeetingText): JsonText {
  const row = JSON.stringify(toRow(kernel, head)).slice(0, -1);
  const { transcriptJson, segmentsJson } = text;
  return new JsonText(`${row},"transcript":${transcriptJson},"segments":${segmentsJson},${endOf(text)}}`);
}

function endOf({ summary, isTruncated }: MeetingText): string {
  return `"summary":${JSON.stringify(summary)}${isTruncated ? ',"truncated":true' : ''}`;
}

/** A meeting as a listing shows it. */
export function toRow(kernel: Kernel, head: MeetingHead): MeetingRow {
  const { id, title, started_at, ended_at, agent_id } = head;
  return { id, title, status: kernel.get(MEETINGS).statusOf(head), started_at, ended_at, agent_id };
}

/**
 * Who may read a meeting: the host role; of an agent's, that agent. Of any other client's: that connection while it
 * runs, and when it is over every client that is no agent, because the one that held it may never come again.
 */
export function mayRead(kernel: Kernel, from: Client, head: MeetingHead): boolean {
  if (from.role === 'host') return true;
  if (head.agent_id !== null) return from.agentId === head.agent_id;
  const live = kernel.get(MEETINGS).find(head.id);
  return live ? live.client === from : from.agentId === undefined;
}
