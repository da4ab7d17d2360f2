import type { Chat, ChatEvent } from '../client/node.ts';
import { within } from './processes.ts';

/** A turn as its host saw it. */
export interface Turn {
  text: string;
  events: ChatEvent[];
  /** Tools that a person was asked about. */
  asked: string[];
  /** How it ended: `done` with its reason, or the kind and words of what ended it. */
  end: string;
}

/** What a host does in a turn. */
export interface Doing {
  /** How approvals are answered. Default: allowed. */
  allows?: boolean;
  /** Does something at an event, before any answer. */
  at?: (event: ChatEvent) => unknown;
}

/** Reads a turn to its end. */
export function play(chat: Chat, { allows = true, at }: Doing = {}): Promise<Turn> {
  const turn: Turn = { text: '', events: [], asked: [], end: '' };
  const read = async () => {
    for await (const event of chat) {
      turn.events.push(event);
      if (event.kind === 'token') turn.text += event.delta;
      if (event.kind === 'done') turn.end = `done ${event.finish_reason}`;
      if (event.kind === 'error') turn.end = `error ${event.code} ${event.error}`;
      await at?.(event);
      if (event.kind !== 'approval_pending') continue;
      turn.asked.push(String(event.tool));
      // Somebody may have cancelled meanwhile.
      if (allows !== undefined) await chat.approve(event.approval_id, allows).catch(() => false);
    }
    return turn;
  };
  return within(
    'the turn did not end',
    () => JSON.stringify(turn.events.slice(-5)).slice(0, 2000),
    (settle, fail) => void read().then(settle, fail),
  );
}
