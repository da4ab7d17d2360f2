import { isObject } from '../../protocol/json.ts';
import type { Message } from './message-log.ts';
import { field, methodOf, paramsOf } from './payload.ts';
import { answerOf, eventOf, type Happening, type Outcome } from './sequence-happenings.ts';

/** From a request to its answer. */
export interface Span {
  /** `tool`: the agent's own, or one of the host. `wait`: for a person. `request`: any other. */
  readonly kind: 'request' | 'tool' | 'wait';
  readonly start: Happening;
  /** Undefined: nobody has answered. */
  end: Happening | undefined;
  outcome: Outcome | undefined;
}

/** The spans of a turn, in the order of their beginnings, and which of them other things that happened are about. */
export interface Spans {
  readonly spans: readonly Span[];
  /** Answers and decisions, by the span that each is about. */
  readonly about: ReadonlyMap<Happening, Span>;
}

/** Finds requests and their answers in what happened. */
export function spansOf(happenings: readonly Happening[]): Spans {
  const finder = new SpanFinder();
  for (const happening of happenings) finder.take(happening);
  return finder;
}

/** Milliseconds from a request to its answer, as those outside see both. */
export function tookOf({ start, end }: Span): number | undefined {
  return end && Math.max(0, (end.legs[0]?.at ?? 0) - (start.legs[0]?.at ?? 0));
}

class SpanFinder implements Spans {
  readonly spans: Span[] = [];
  readonly about = new Map<Happening, Span>();
  /** By what their answers will name. */
  readonly #open = new Map<string, Span[]>();
  /** Waits for a person, by what the agent calls the approval, and by the actor that hands the answer on. */
  readonly #waits = new Map<string, Span>();
  readonly #decided = new Map<string, { wait: Span; word: string }>();

  take(happening: Happening): void {
    const [first] = happening.legs;
    const chat = first && eventOf(first);
    if (chat) this.#event(happening, chat.kind, chat.params);
    else for (const leg of happening.legs) this.#leg(happening, leg);
  }

  #leg(happening: Happening, leg: Message): void {
    const id = isObject(leg.payload) ? leg.payload.id : undefined;
    if (id === undefined) return;
    switch (leg.event) {
      case 'rpc.request':
        this.#asked(happening, `${leg.from}#${id}`, methodOf(leg.payload));
        return;
      case 'rpc.call':
        this.#decides(happening, leg);
        this.#asked(happening, `${leg.to}:${leg.from}#${id}`, methodOf(leg.payload));
        return;
      case 'rpc.reply':
      case 'rpc.relay':
        this.#close(`${leg.to}#${id}`, happening, answerOf(leg.payload));
        return;
      case 'call.answered': {
        const outcome = answerOf(leg.payload);
        this.#close(`${leg.from}:${leg.to}#${id}`, happening, outcome);
        this.#taken(happening, leg, outcome);
      }
    }
  }

  /** A person's answer goes to the agent. */
  #decides(happening: Happening, { from, payload }: Message): void {
    const params = paramsOf(payload);
    const wait = this.#waits.get(field(params, 'approval_id') ?? '');
    if (!wait || !isObject(params) || from === null || methodOf(payload) !== 'agent.chat.approve') return;
    this.about.set(happening, wait);
    this.#decided.set(from, { wait, word: params.decision === false ? 'deny' : 'approve' });
  }

  /** The agent has taken a person's answer: it need not say so by an event as well. */
  #taken(happening: Happening, { to }: Message, { isBad, said }: Outcome): void {
    const decided = this.#decided.get(to);
    if (!decided || isBad || !isObject(said) || said.resolved !== true) return;
    const { wait, word } = decided;
    this.about.set(happening, wait);
    end(wait, happening, { isBad: word === 'deny', word, said: undefined });
  }

  #asked(happening: Happening, key: string, method: string | undefined): void {
    const decided = this.#waits.get(field(paramsOf(happening.legs[0]?.payload), 'approval_id') ?? '');
    if (decided) this.about.set(happening, decided);
    const known = this.spans.at(-1);
    // A request that goes on as another one is answered once, by whichever names it.
    if (known?.start === happening) this.#await(key, known);
    else this.#begin(happening, key, method === 'tools.execute' ? 'tool' : 'request');
  }

  #event(happening: Happening, kind: string, params: Record<string, unknown>): void {
    const call = `tool ${field(params, 'call_id') ?? `named ${field(params, 'tool') ?? ''}`}`;
    const approval = field(params, 'approval_id') ?? '';
    switch (kind) {
      case 'tool_call':
        this.#begin(happening, call, 'tool');
        return;
      case 'tool_result': {
        const isBad = params.ok === false;
        this.#close(call, happening, { isBad, word: isBad ? 'error' : 'ok', said: params.excerpt ?? params.evidence });
        return;
      }
      case 'approval_pending':
      case 'gate_pending': {
        // A turn that is gone on with is told again of what still waits.
        const known = this.#waits.get(approval);
        if (!known || known.end) this.#waits.set(approval, this.#begin(happening, undefined, 'wait'));
        return;
      }
      case 'approval_resolved':
      case 'gate_resolved': {
        const wait = this.#waits.get(approval);
        if (!wait) return;
        const word = field(params, 'resolution') ?? 'answered';
        this.about.set(happening, wait);
        end(wait, happening, { isBad: word !== 'approve', word, said: undefined });
      }
    }
  }

  #begin(start: Happening, key: string | undefined, kind: Span['kind']): Span {
    const span: Span = { kind, start, end: undefined, outcome: undefined };
    this.spans.push(span);
    if (key !== undefined) this.#await(key, span);
    return span;
  }

  #await(key: string, span: Span): void {
    const open = this.#open.get(key);
    if (open) open.push(span);
    else this.#open.set(key, [span]);
  }

  #close(key: string, happening: Happening, outcome: Outcome): void {
    const open = this.#open.get(key);
    const span = open?.shift();
    if (open?.length === 0) this.#open.delete(key);
    if (!span) return;
    if (!this.about.has(happening)) this.about.set(happening, span);
    end(span, happening, outcome);
  }
}

/** The first answer counts. */
function end(span: Span, happening: Happening, outcome: Outcome): void {
  if (span.end) return;
  span.end = happening;
  span.outcome = outcome;
}
