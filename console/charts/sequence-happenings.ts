import { isObject } from '../../protocol/json.ts';
import type { Message, Party } from './message-log.ts';
import { field, methodOf, paramsOf } from './payload.ts';

/** What is passed on later than this after it came has waited, and is told of by itself. Milliseconds. */
const PASSED_ON_MS = 1_000;
/** So many of one name wait to be passed on: of more, the oldest are not looked for. */
const WAITING = 100;

/** Who takes part, for whoever looks at the broker from outside. */
export type OuterParty = 'others' | 'host' | 'broker' | 'agent';

/** One thing that happened, on all its legs: from the agent to the broker, in it, and on to the host. */
export interface Happening {
  /** In their order; never empty. */
  readonly legs: Message[];
}

/** An agent's event, or the broker's own in its place. */
export interface ChatEventSeen {
  readonly kind: string;
  readonly params: Record<string, unknown>;
}

const CHAT_EVENTS = new Set([
  'chat.event',
  'chat.token',
  'chat.deliver',
  'chat.frame',
  'turn.terminal',
  'approval.pending',
  'approval.resolved',
  'text',
]);

/** The event of a turn that a message carries, if so. */
export function eventOf({ event, name, payload }: Message): ChatEventSeen | undefined {
  if (!CHAT_EVENTS.has(event)) return undefined;
  const params = paramsOf(payload);
  return { kind: name, params: isObject(params) ? params : {} };
}

/** A party, as it is seen from outside. */
export function outer(party: Party): OuterParty {
  return party === 'turn' || party === 'callbacks' || party === 'approvals' ? 'broker' : party;
}

/** Puts the legs of each thing that happened together. */
export function happeningsOf(messages: readonly Message[]): Happening[] {
  const all: Happening[] = [];
  /** What may still be passed on, by what it will be called then. */
  const waiting = new Map<string, Happening[]>();
  /** Calls that a person has let through: they were asked for long before. */
  const gated = new Set<string>();
  /** The tokens since the last thing that was none: on each leg they are the same ones, also where a leg was told late. */
  let run: Happening | undefined;
  for (const message of messages) {
    if (message.name === 'token') {
      if (run && !hasLeg(run, message)) run.legs.push(message);
      else {
        run = { legs: [message] };
        all.push(run);
      }
      continue;
    }
    run = undefined;
    if (message.event === 'gate.opened') gated.add(message.to);
    const key = keyOf(message);
    const open = key === undefined ? undefined : waiting.get(key);
    const isNew = message.from !== null && gated.has(message.from) && methodOf(message.payload) !== undefined;
    const found = isNew ? undefined : open?.find((one) => isNextLeg(one, message));
    if (found) {
      found.legs.push(message);
      continue;
    }
    const happening = { legs: [message] };
    all.push(happening);
    if (key === undefined) continue;
    if (!open) waiting.set(key, [happening]);
    else if (open.push(happening) > WAITING) open.shift();
  }
  return all;
}

/** What a message and the same thing passed on have in common; undefined: it is passed on to nobody. */
function keyOf(message: Message): string | undefined {
  const { event, payload } = message;
  const chat = eventOf(message);
  if (chat) {
    const { kind, params } = chat;
    const which = field(params, 'call_id') ?? field(params, 'approval_id') ?? field(params, 'tool') ?? '';
    return `event ${kind} ${which}`;
  }
  switch (event) {
    case 'rpc.request':
    case 'rpc.call':
    case 'rpc.notification':
    case 'rpc.notify': {
      const method = methodOf(payload) ?? '';
      const name = method === 'host.resolve_approval' ? 'chat.approve' : method.replace(/^agents?\./, '');
      return `call ${name} ${field(paramsOf(payload), 'tool') ?? ''}`;
    }
    case 'call.answered':
      return `answer ${message.to}`;
    case 'rpc.reply':
    case 'rpc.relay':
      return `answer ${message.from}`;
    default:
      return undefined;
  }
}

const hasLeg = ({ legs }: Happening, { from, to }: Message): boolean =>
  legs.some((leg) => leg.from === from && leg.to === to);

function isNextLeg({ legs }: Happening, message: Message): boolean {
  const [first] = legs;
  const last = legs.at(-1);
  if (!first || !last || message.at - last.until > PASSED_ON_MS) return false;
  if (hasLeg({ legs }, message)) return false;
  // An answer to whoever asked is no going on of what they have asked.
  return message.to !== first.from;
}

/** From whom to whom something went, seen from outside. `from` is absent where nobody sent it. */
export function endsOf({ legs }: Happening): { from: OuterParty | undefined; to: OuterParty } {
  const first = legs[0] as Message;
  const to = legs.map((leg) => outer(leg.toParty)).filter((party) => party !== 'broker');
  // Of tokens that are told of together the leg to the broker may be missing: they are the agent's all the same.
  const isHeard = first.toParty === 'turn' && first.fromParty === 'broker' && eventOf(first) !== undefined;
  const from = isHeard ? 'agent' : first.fromParty && outer(first.fromParty);
  // A run of text is recorded once, where the turn heard it; it went on to the host at once.
  if (first.event === 'text') return { from: from === 'broker' ? 'agent' : from, to: 'host' };
  return { from, to: to.find((party) => party !== 'others') ?? to[0] ?? 'broker' };
}

/** What the broker hears from itself, or a timer, and matters to those outside. */
const NEWS = /\.(gone|back|expired?|stale|drain|lost|failed)$/;

/** Whether those outside take part in it, or are concerned. What the broker only tells itself is inside. */
export function isOutside(happening: Happening): boolean {
  const { from, to } = endsOf(happening);
  const first = happening.legs[0] as Message;
  if ((from === undefined || from === 'broker') && to === 'broker') return NEWS.test(first.event);
  if (from !== 'broker' || !isReply(first)) return true;
  // That the broker did what it was asked goes without saying, but for a chat, which begins then.
  return answerOf(first.payload).isBad;
}

const isReply = ({ event }: Message): boolean => event === 'rpc.reply' || event === 'rpc.relay';

/** How something ended. */
export interface Outcome {
  readonly isBad: boolean;
  /** In a word: `ok`, `error`, or what a person decided. */
  readonly word: string;
  /** A result, an excerpt, an error's message. */
  readonly said: unknown;
}

/** The outcome that an answer tells of. A tool may say by its result that it has failed. */
export function answerOf(payload: unknown): Outcome {
  const answer = isObject(payload) && isObject(payload.answer) ? payload.answer : payload;
  const { error, result } = isObject(answer) ? answer : {};
  if (error !== undefined) {
    const said = isObject(error) ? (error.message ?? error) : error;
    return { isBad: true, word: isObject(error) && error.code !== undefined ? `error ${error.code}` : 'error', said };
  }
  const isBad = isObject(result) && (result.ok === false || result.isError === true || result.success === false);
  return { isBad, word: isBad ? 'error' : 'ok', said: result };
}
