import type { Fields } from './client.ts';

/** One piece of an answer: which turn's, which one, and when it was written. */
export function pieceOf(nonce: string, index: number, sentAt: number, padding: string): string {
  return `${nonce}.${index}.${sentAt.toString(36)}.${padding};`;
}

/** What an agent's `done` says besides: how many pieces there were. */
export function wholeOf(nonce: string, count: number): string {
  return `${nonce}.${count}`;
}

/** The broker's own word of what is parked at the gate: beside the turn's events, and without a number (section 5). */
const GATES: ReadonlySet<unknown> = new Set(['gate_pending', 'gate_resolved']);
const TERMINALS: ReadonlySet<unknown> = new Set(['done', 'error', 'auth_required']);

/** What may become of a turn besides its agent's own `done`. */
export interface Endings {
  /** That somebody has cancelled it. */
  cancelled: boolean;
  /** Codes that the broker's own `error` may have. */
  codes: ReadonlySet<string>;
}

/**
 * Judges what one client hears of one turn, event by event, by the text's own content: every piece once, in order, of
 * this turn and no other; `seq` without a gap; one terminal and nothing after it, and by then as much as the agent wrote.
 */
export class TurnCheck {
  /** The last event's `seq`. */
  seq = 0;
  /** Pieces so far. */
  pieces = 0;
  /** When the last piece was written; 0 where there was none in the last event. */
  sentAt = 0;
  /** How it ended: `stop`, `cancelled`, or the error's code. */
  ending: string | undefined;
  readonly #nonce: string;
  readonly #endings: Endings;
  /** What is parked of it at the gate, as far as this client was told. */
  readonly #parked = new Set<unknown>();

  constructor(nonce: string, endings: Endings) {
    this.#nonce = nonce;
    this.#endings = endings;
  }

  /** @returns what is wrong with the next event, if anything is. Told once: what follows is judged from there on. */
  event(event: Fields): string | undefined {
    const wrong = this.#judge(event);
    if (wrong === undefined) return undefined;
    if (event.seq !== undefined) this.seq = Number(event.seq);
    if (TERMINALS.has(event.kind)) this.ending ??= 'broken';
    return wrong;
  }

  #judge(event: Fields): string | undefined {
    const { kind, seq, seq_from: from = seq } = event;
    if (this.ending !== undefined) return `${kind} after the terminal`;
    if (GATES.has(kind)) return this.#gate(event);
    if (from !== this.seq + 1) return `event ${from} after ${this.seq}`;
    if (!(seq >= from)) return `an event from ${from} to ${seq}`;
    this.seq = seq;
    this.sentAt = 0;
    if (kind === 'token') return this.#token(event.delta, seq - from + 1);
    if (TERMINALS.has(kind)) return this.#terminal(event);
    return event.at === this.pieces ? undefined : `${kind} before piece ${event.at} came after ${this.pieces} pieces`;
  }

  #token(delta: string, count: number): string | undefined {
    const pieces = delta.split(';');
    if (pieces.pop() !== '') return `half a piece: ${delta.slice(-80)}`;
    if (pieces.length !== count) return `${pieces.length} pieces in ${count} events`;
    for (const piece of pieces) {
      const [nonce, index, sentAt = ''] = piece.split('.', 3);
      if (nonce !== this.#nonce) return `a piece of ${nonce}`;
      if (Number(index) !== this.pieces) return `piece ${index} after ${this.pieces} pieces`;
      this.pieces += 1;
      this.sentAt = Number.parseInt(sentAt, 36);
    }
    return undefined;
  }

  #gate({ kind, seq, synthesized, approval_id: id }: Fields): string | undefined {
    this.sentAt = 0;
    if (seq !== undefined || synthesized !== true) return `${kind} that passes for an event of the turn's`;
    if (kind === 'gate_resolved') return this.#parked.delete(id) ? undefined : `${kind} of ${id}, which was not parked`;
    if (this.#parked.has(id)) return `${kind} of ${id} again`;
    this.#parked.add(id);
    return undefined;
  }

  #terminal({ kind, finish_reason, text, code, synthesized }: Fields): string | undefined {
    this.ending = kind === 'done' ? finish_reason : String(code ?? kind);
    if (this.#parked.size > 0) return `${kind} with ${this.#parked.size} parked at the gate`;
    if (kind === 'done' && finish_reason === 'stop') {
      const whole = wholeOf(this.#nonce, this.pieces);
      return text === whole ? undefined : `${whole} arrived of ${text}`;
    }
    if (kind === 'done' && finish_reason === 'cancelled') {
      return this.#endings.cancelled ? undefined : 'cancelled, and nobody had asked for it';
    }
    if (kind === 'error' && synthesized === true && this.#endings.codes.has(code)) return undefined;
    return `ended by ${kind} ${code ?? finish_reason}`;
  }
}
