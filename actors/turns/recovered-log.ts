import type { CheckedEvent } from '../../protocol/events.ts';
import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { EndedStatus } from '../../protocol/resume.ts';
import type { RecoveredLog } from '../../protocol/turn-journal.ts';
import type { AgentLine } from './resume/agent-line.ts';
import type { TurnLog } from './resume/turn-log.ts';

/** The event that a turn's agent has asked a person with, and its `seq`. */
export interface AskedApproval {
  readonly event: CheckedEvent;
  readonly seq: number;
}

/** Fills a turn's log with what the journal tells of it, and reads in that what the turn has to know. */
export class LogReader implements RecoveredLog {
  /** Approvals that were asked for, and of which no event says how they ended. */
  readonly approvals = new Map<string, AskedApproval>();
  /** How the turn ended, as its terminal tells; undefined where there is none. */
  ending: EndedStatus | undefined;
  readonly #log: TurnLog;
  readonly #line: AgentLine | undefined;
  /** Where there is no room for its log: the last `seq` that was told, and the terminal, which stays. */
  readonly #left: { head: number; terminal?: { seq: number; text: string; delta: string | undefined } } | undefined;

  constructor(log: TurnLog, line: AgentLine | undefined, hasRoom: boolean) {
    this.#log = log;
    this.#line = line;
    this.#left = hasRoom ? undefined : { head: 0 };
  }

  begin(firstSeq: number, textLength: number): void {
    if (this.#left) this.#left.head = firstSeq - 1;
    else this.#log.beginAt(firstSeq);
    if (this.#line) this.#line.textLength = textLength;
  }

  dropped(part: string | undefined): void {
    if (!this.#left) this.#log.addDropped(part);
  }

  token(seq: number, delta: string): void {
    if (this.#left) this.#left.head = seq;
    else this.#log.addToken(delta, 0);
    if (this.#line) this.#line.textLength += delta.length;
  }

  frame(seq: number, text: string, delta: string | undefined, isTerminal: boolean): void {
    if (!this.#left) this.#add(seq, text, delta, isTerminal);
    else if (isTerminal) this.#left.terminal = { seq, text, delta };
    else this.#left.head = seq;
    if (this.#line && delta !== undefined) this.#line.textLength += delta.length;
    if (isTerminal) this.ending = endingOf(eventOf(text));
    // Looked for in the text first: few events are about an approval.
    else if (text.includes('approval_')) this.#noteApproval(eventOf(text), seq);
  }

  end(): void {
    if (!this.#left) return;
    const { head, terminal } = this.#left;
    this.#log.addDropped(undefined);
    this.#log.beginAt(head + 1);
    if (terminal) this.#add(terminal.seq, terminal.text, terminal.delta, true);
  }

  #add(seq: number, text: string, delta: string | undefined, isTerminal: boolean): void {
    const isTorn = !isTerminal && seq > this.#log.head + 1;
    if (isTorn) this.#log.foldTo(seq);
    this.#log.addFrame(text, delta, 0, isTerminal ? seq : undefined);
    if (isTorn) this.#log.foldTo(seq + 1);
  }

  #noteApproval(event: CheckedEvent | undefined, seq: number): void {
    if (typeof event?.approval_id !== 'string') return;
    if (event.kind === 'approval_resolved') this.approvals.delete(event.approval_id);
    else if (event.kind === 'approval_pending' && !this.approvals.has(event.approval_id))
      this.approvals.set(event.approval_id, { event, seq });
  }
}

function eventOf(text: string): CheckedEvent | undefined {
  const frame: unknown = parseJson(text);
  return isObject(frame) && isObject(frame.params) ? (frame.params as CheckedEvent) : undefined;
}

/** What its terminal says of a turn's end: where the broker died between that and noting it. */
function endingOf(event: CheckedEvent | undefined): EndedStatus {
  if (event?.kind === 'error') return 'failed';
  return event?.synthesized === true && event.finish_reason === 'cancelled' ? 'cancelled' : 'done';
}
