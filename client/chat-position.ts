import { TERMINAL_KINDS } from '../protocol/event-kinds.ts';
import type { ChatEvent } from '../protocol/events.ts';

/** How far a chat's events have come to somebody. The terminal does not count: see `seq` of `ChatHandle`. */
export class ChatPosition {
  /** The last event's `seq`. */
  seq: number;
  /** The length of all `token` deltas. UTF-16 code units. */
  textLength: number;

  constructor(seq = 0, textLength = 0) {
    this.seq = seq;
    this.textLength = textLength;
  }

  /** Whether an event is one that was there before. A terminal never is: nothing follows it. */
  isPast(event: ChatEvent): boolean {
    return !TERMINAL_KINDS.has(event.kind) && event.seq !== undefined && event.seq <= this.seq;
  }

  /** Counts an event; of merged tokens `seq` is the last. */
  pass(event: ChatEvent): void {
    if (TERMINAL_KINDS.has(event.kind) || event.seq === undefined) return;
    this.seq = Math.max(this.seq, event.seq);
    if (event.kind === 'token') this.textLength += event.delta.length;
  }
}
