import type { Message } from '../../support/linked.ts';
import type { Line } from './model-records.ts';

/** What a client was sent, in the words of the model. */
interface Page {
  events: Record<number, string[]>;
  told: string[];
  replies: Record<number, string>;
}

/** Keeps what a client was sent, one entry a frame. */
export class Ledger {
  readonly #numberOf: (turnId: string) => number;
  readonly #events: Record<number, string[]> = {};
  readonly #told: string[] = [];
  readonly #replies: Record<number, string> = {};

  constructor(numberOf: (turnId: string) => number) {
    this.#numberOf = numberOf;
  }

  enter(frame: Message): void {
    const { method, params, id } = frame;
    if (method === undefined) this.#replies[id] = frame.error ? refusalOf(frame.error) : outcomeOf(frame.result);
    else if (method === 'agents.chat.event') this.#event(params);
    else this.#told.push(this.#telling(frame));
  }

  /** In alphabetical order where the broker may choose: of what is sent in one step for different turns. */
  page(): Page {
    return { events: this.#events, told: [...this.#told].sort(), replies: this.#replies };
  }

  /** The page that a client's must be equal to. */
  static pageOf({ events, told, replies }: Line): Page {
    return {
      events: Object.fromEntries(events),
      told: [...told].sort(),
      replies: Object.fromEntries(replies),
    };
  }

  #event({ turn_id, seq, kind, synthesized, ...fields }: Message): void {
    const said = SHORT.get(kind) ?? kind;
    const detail = fields.delta ?? fields.detail ?? fields.approval_id ?? fields.code ?? fields.finish_reason;
    const number = this.#numberOf(turn_id);
    const event = `${seq} ${said} ${detail ?? fields.reason}${synthesized ? ' (broker)' : ''}`;
    this.#events[number] = [...(this.#events[number] ?? []), event];
  }

  #telling({ method, params }: Message): string {
    const turn = this.#numberOf(params.turn_id);
    switch (method) {
      case 'agent.chat':
        return `chat ${turn}`;
      case 'agent.chat.cancel':
        return `cancel ${turn} ${params.reason}`;
      case 'agent.chat.approve':
        return `approve ${params.session_id} ${params.approval_id}`;
      case 'tools.execute':
        return `tool ${params.request_id}`;
      case 'tools.cancel':
        return `tools.cancel ${params.request_id} ${params.reason}`;
      case 'tools.progress':
        return `progress ${params.request_id}`;
      default:
        return method;
    }
  }
}

const SHORT = new Map([
  ['approval_pending', 'ask'],
  ['approval_resolved', 'settle'],
]);

function outcomeOf({ status, head, resolved, unsubscribed = resolved }: Message): string {
  if (head !== undefined) return `ok ${status} ${head}`;
  return unsubscribed === undefined ? 'ok' : `ok ${unsubscribed}`;
}

/** The code, and where it does not say all: why it is somebody else's, or how an approval ended. */
function refusalOf({ code, data }: Message): string {
  const why = code === -32015 ? data?.reason : code === -32016 ? (data?.resolution ?? data?.taken) : undefined;
  return why === undefined ? String(code) : `${code} ${why}`;
}
