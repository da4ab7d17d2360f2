import type { MeetingGetResult, MeetingRow, MeetingStopResult } from '../../protocol/meetings.ts';
import type { BrokerState } from '../broker-state.ts';
import type { Client } from '../client.ts';
import { type MeetingHead, textOf } from './meeting-store.ts';

/** What `meeting.stop` is answered with. */
export async function stopResult(state: BrokerState, { id }: MeetingHead): Promise<MeetingStopResult> {
  const { segments, ...text } = textOf(await state.meetings.read(id));
  return { id, ...text };
}

/** What `meeting.get` is answered with. */
export async function getResult(state: BrokerState, head: MeetingHead): Promise<MeetingGetResult> {
  return { ...toRow(state, head), ...textOf(await state.meetings.read(head.id)) };
}

/** A meeting as a listing shows it. */
export function toRow(state: BrokerState, head: MeetingHead): MeetingRow {
  const { id, title, started_at, ended_at, agent_id } = head;
  return { id, title, status: state.meetings.statusOf(head), started_at, ended_at, agent_id };
}

/**
 * Who may read a meeting: the host role; of an agent's, that agent. Of any other client's: that connection while it
 * runs, and when it is over every client that is no agent, because the one that held it may never come again.
 */
export function mayRead(state: BrokerState, from: Client, head: MeetingHead): boolean {
  if (from.role === 'host') return true;
  if (head.agent_id !== null) return from.agentId === head.agent_id;
  const live = state.meetings.find(head.id);
  return live ? live.client === from : from.agentId === undefined;
}
