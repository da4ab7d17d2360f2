import { BROKER_KINDS, TERMINAL_KINDS } from '../../../protocol/events.ts';
import { isObject } from '../../../protocol/json.ts';
import { isEnded } from '../../../protocol/resume.ts';

interface Watched {
  /** Of the event before the next; undefined where nobody can say. */
  seq: number | undefined;
  over: boolean;
  /** Of what is parked of it at the gate, the ids of the approvals. */
  gates: Set<unknown>;
}

/** What a client was told of the turns that it hears: in order, without a gap, nothing before the ack or after the end. */
export class TurnWatch {
  /** Chats and subscriptions that were asked for without an id: they are made like any other, and nobody is told. */
  unnamed = 0;
  readonly #turns = new Map<string, Watched>();

  /** Takes a result that says that events follow; `asked` is the request, where it is known. */
  answered(result: Record<string, unknown>, asked: { after?: unknown } | undefined): void {
    const { turn_id, accepted, head, recovered, status, pending_approvals: pending } = result;
    if (typeof turn_id !== 'string') return;
    if (accepted === true) this.#turns.set(turn_id, { seq: 0, over: false, gates: new Set() });
    else if (typeof head === 'number') {
      const hasEnded = isEnded(status);
      const after = Number(asked?.after ?? 0);
      // Of what is not kept whole, nothing comes again but the terminal (section 8).
      const seq = recovered ? after : hasEnded ? head - 1 : head;
      const over = hasEnded && asked !== undefined && after === head;
      this.#turns.set(turn_id, { seq: asked && seq, over, gates: new Set(gatesOf(pending)) });
    }
  }

  /** Why an event breaks the contract, if it does. */
  event(event: Record<string, unknown>): string | undefined {
    const { turn_id, kind, seq, seq_from = seq, truncated } = event;
    const turn = this.#turns.get(String(turn_id));
    if (turn && !turn.over && BROKER_KINDS.has(String(kind))) return gateBreach(turn, event);
    // Others claim to have had what comes before this end, and it is lost.
    const isTruncated = truncated === true && TERMINAL_KINDS.has(String(kind)) && Number(seq) > Number(turn?.seq);
    const breach = !turn
      ? 'an event of a turn that was not accepted here'
      : turn.over
        ? 'an event after the terminal'
        : TERMINAL_KINDS.has(String(kind)) && turn.gates.size > 0
          ? 'the terminal of a turn of which something is parked'
          : turn.seq !== undefined && seq_from !== turn.seq + 1 && !isTruncated
            ? `an event with seq ${seq_from} after ${turn.seq}`
            : undefined;
    if (breach !== undefined) {
      if (this.unnamed === 0) return breach;
      this.unnamed -= 1;
    }
    this.#turns.set(String(turn_id), {
      seq: Number(seq),
      over: TERMINAL_KINDS.has(String(kind)),
      gates: turn?.gates ?? new Set(),
    });
    return undefined;
  }

  /** Turns that were accepted and have had no terminal. */
  get open(): string[] {
    return [...this.#turns].filter(([, { over }]) => !over).map(([id]) => id);
  }
}

const gatesOf = (pending: unknown): unknown[] =>
  (Array.isArray(pending) ? pending : [])
    .filter(({ kind }) => kind === 'gate_pending')
    .map(({ approval_id }) => approval_id);

/** The broker's own word of what is parked has no number, and each that is parked is settled once (section 5). */
function gateBreach({ gates }: Watched, { kind, seq, synthesized, approval_id: id }: Record<string, unknown>) {
  if (seq !== undefined || synthesized !== true) return `${kind} that passes for an event of the turn's`;
  if (kind === 'agent_away' || kind === 'agent_back') return undefined;
  if (kind === 'gate_resolved') return gates.delete(id) ? undefined : 'gate_resolved of what was not parked';
  if (gates.has(id)) return 'gate_pending a second time';
  gates.add(id);
  return undefined;
}

/** The parameters in the text of a request. */
export function paramsOf(text: string): Record<string, unknown> {
  const { params } = JSON.parse(text);
  return isObject(params) ? params : {};
}
