import { TERMINAL_KINDS } from '../../../protocol/events.ts';
import { isObject } from '../../../protocol/json.ts';
import { isEnded } from '../../../protocol/resume.ts';

interface Watched {
  /** Of the event before the next; undefined where nobody can say. */
  seq: number | undefined;
  over: boolean;
}

/** What a client was told of the turns that it hears: in order, without a gap, nothing before the ack or after the end. */
export class TurnWatch {
  /** Chats and subscriptions that were asked for without an id: they are made like any other, and nobody is told. */
  unnamed = 0;
  readonly #turns = new Map<string, Watched>();

  /** Takes a result that says that events follow; `asked` is the request, where it is known. */
  answered(result: Record<string, unknown>, asked: { after?: unknown } | undefined): void {
    const { turn_id, accepted, head, recovered, status } = result;
    if (typeof turn_id !== 'string') return;
    if (accepted === true) this.#turns.set(turn_id, { seq: 0, over: false });
    else if (typeof head === 'number') {
      const hasEnded = isEnded(status);
      const after = Number(asked?.after ?? 0);
      // Of what is not kept whole, nothing comes again but the terminal (section 8).
      const seq = recovered ? after : hasEnded ? head - 1 : head;
      this.#turns.set(turn_id, { seq: asked && seq, over: hasEnded && asked !== undefined && after === head });
    }
  }

  /** Why an event breaks the contract, if it does. */
  event({ turn_id, kind, seq, seq_from = seq }: Record<string, unknown>): string | undefined {
    const turn = this.#turns.get(String(turn_id));
    const breach = !turn
      ? 'an event of a turn that was not accepted here'
      : turn.over
        ? 'an event after the terminal'
        : turn.seq !== undefined && seq_from !== turn.seq + 1
          ? `an event with seq ${seq_from} after ${turn.seq}`
          : undefined;
    if (breach !== undefined) {
      if (this.unnamed === 0) return breach;
      this.unnamed -= 1;
    }
    this.#turns.set(String(turn_id), { seq: Number(seq), over: TERMINAL_KINDS.has(String(kind)) });
    return undefined;
  }

  /** Turns that were accepted and have had no terminal. */
  get open(): string[] {
    return [...this.#turns].filter(([, { over }]) => !over).map(([id]) => id);
  }
}

/** The parameters in the text of a request. */
export function paramsOf(text: string): Record<string, unknown> {
  const { params } = JSON.parse(text);
  return isObject(params) ? params : {};
}
