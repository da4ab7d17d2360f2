import type { ChatEvent } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';

/** Calls that are open at once; one more is not shown. */
export const MAX_OPEN_CALLS = 1_000;
/** Ids that are known to have been used. */
const MAX_USED = 1_000;

/** A call of a tool of the agent's own, as a front shows it. */
export interface OwnCall {
  /** Unique in the daemon's life, and the same whenever the turn's events are read again. */
  readonly id: string;
  readonly tool: string;
  readonly params: unknown;
  readonly title: string | undefined;
}

/** How it ended. */
export interface OwnOutcome {
  /** The call, where nothing has told of it before. */
  readonly begun: OwnCall | undefined;
  readonly id: string;
  readonly ok: boolean;
  /** What came out, as far as the agent tells. */
  readonly output: unknown;
}

type ToolEvent = Extract<ChatEvent, { kind: 'tool_call' | 'tool_result' }>;

/** The calls of one turn that its agent runs by itself: each begins once and ends once, whatever the agent sends. */
export class OwnCalls {
  readonly #turnId: string;
  /** What each is shown as, by what the agent calls it. Of what was sent with them nothing is kept. */
  readonly #open = new Map<string, string>();
  readonly #used = new Set<string>();
  #count = 0;

  constructor(turnId: string) {
    this.#turnId = turnId;
  }

  /** Undefined where there is nothing to show: it is open already, or too many are. */
  begin(event: Extract<ToolEvent, { kind: 'tool_call' }>): OwnCall | undefined {
    const name = nameOf(event);
    if (this.#open.has(name) || this.#open.size >= MAX_OPEN_CALLS) return undefined;
    const { title } = event;
    const call: OwnCall = {
      id: this.#newId(event),
      tool: event.tool,
      params: event.params ?? {},
      title: typeof title === 'string' ? title : undefined,
    };
    this.#open.set(name, call.id);
    return call;
  }

  /** Undefined where there is nothing to show. */
  end(event: Extract<ToolEvent, { kind: 'tool_result' }>): OwnOutcome | undefined {
    const name = nameOf(event);
    const known = this.#open.get(name);
    const begun = known === undefined ? this.begin({ ...event, kind: 'tool_call', params: undefined }) : undefined;
    const id = known ?? begun?.id;
    if (id === undefined) return undefined;
    this.#open.delete(name);
    return { begun, id, ok: event.ok, output: event.excerpt ?? event.evidence ?? null };
  }

  /** What a call is shown as that is open, by the agent's id of it. */
  idOf(callId: unknown): string | undefined {
    return typeof callId === 'string' ? this.#open.get(`i${callId}`) : undefined;
  }

  get areOpen(): boolean {
    return this.#open.size > 0;
  }

  /** What is open when the turn ends has failed. */
  endAll(): OwnOutcome[] {
    const open = [...this.#open.values()];
    this.#open.clear();
    return open.map((id) => ({ begun: undefined, id, ok: false, output: 'the turn ended before this call did' }));
  }

  #newId({ call_id: callId }: ToolEvent): string {
    this.#count += 1;
    const isNew = typeof callId === 'string' && callId.length <= 256 && !this.#used.has(callId);
    if (!isNew) return `${this.#turnId}:${typeof callId === 'string' ? callId.slice(0, 256) : ''}:${this.#count}`;
    this.#used.add(callId);
    for (const oldest of this.#used) {
      if (this.#used.size <= MAX_USED) break;
      this.#used.delete(oldest);
    }
    return `${this.#turnId}:${callId}`;
  }
}

/** By what a call and its result are one: agents that are no bridges may leave out its id. */
function nameOf({ call_id: callId, sequence, tool }: ToolEvent): string {
  if (typeof callId === 'string') return `i${callId}`;
  return sequence === undefined || sequence === null ? `t${tool}` : `s${sequence}`;
}

/** What came out, as a text. */
export function textOf(output: unknown, write: (value: unknown) => string): string {
  if (typeof output === 'string') return output;
  if (isObject(output) || Array.isArray(output)) return write(output);
  return output === null || output === undefined ? '' : String(output);
}
