import { isObject } from '../../protocol/json.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { count } from '../format.ts';
import type { Message } from './message-log.ts';
import { field, methodOf, paramsOf } from './payload.ts';
import { answerOf, eventOf, type Happening, type Outcome } from './sequence-happenings.ts';
import type { Span } from './sequence-spans.ts';

/** How much of a value a name has room for. Characters. */
const BRIEF = 48;
/** Members of a value that are looked at for that. */
const MEMBERS = 4;

/** What an arrow says. */
export interface ArrowName {
  readonly text: string;
  /** `warn`: somebody is asked. */
  readonly tone?: 'bad' | 'warn' | undefined;
}

/** What people call one thing that happened. @param about the span that it answers, or decides on, if so. */
export function nameOfHappening({ legs }: Happening, about: Span | undefined): ArrowName {
  return nameOfMessage(legs[0] as Message, about);
}

/** What people call a message. @param about see {@link nameOfHappening}. */
export function nameOfMessage(message: Message, about: Span | undefined): ArrowName {
  const chat = eventOf(message);
  if (chat) return nameOfEvent(message, chat.kind, chat.params, about);
  switch (message.event) {
    case 'rpc.request':
    case 'rpc.call':
    case 'rpc.notification':
    case 'rpc.notify':
      return { text: about?.kind === 'wait' ? `${nameOfCall(message)} ${subjectOf(about)}` : nameOfCall(message) };
    case 'rpc.reply':
    case 'rpc.relay':
    case 'call.answered':
      return nameOfAnswer(message, about);
    default:
      return { text: visibleLine(message.name) };
  }
}

/** What a span is about: `grep("TODO")`, `bash("ls")`, `agents.chat "find it"`. */
export function subjectOf({ start }: Span): string {
  const first = start.legs[0] as Message;
  const chat = eventOf(first);
  return chat ? subjectOfEvent(chat.params) : nameOfCall(first);
}

function nameOfEvent(
  message: Message,
  kind: string,
  params: Record<string, unknown>,
  about: Span | undefined,
): ArrowName {
  switch (kind) {
    case 'token':
      return { text: message.count > 1 ? `token ×${count(message.count)}` : 'token' };
    case 'tool_call':
      return { text: subjectOfEvent(params) };
    case 'tool_result': {
      const outcome = about?.outcome ?? {
        isBad: params.ok === false,
        word: params.ok === false ? 'error' : 'ok',
        said: params.excerpt ?? params.evidence,
      };
      return ending(about ? subjectOf(about) : subjectOfEvent(params), outcome);
    }
    case 'approval_pending':
    case 'gate_pending':
      return { text: `asks: ${subjectOfEvent(params)}`, tone: 'warn' };
    case 'approval_resolved':
    case 'gate_resolved': {
      const word = field(params, 'resolution') ?? 'answered';
      const what = about ? `${subjectOf(about)} ` : '';
      return { text: `${what}→ ${visibleLine(word)}`, tone: word === 'approve' ? undefined : 'bad' };
    }
    case 'done':
      return { text: `done${colon(params.finish_reason)}` };
    case 'error':
      return { text: `error${colon(params.error)}${inBrackets(params.code)}`, tone: 'bad' };
    case 'auth_required':
      return { text: `sign-in needed${colon(params.message)}`, tone: 'bad' };
    default:
      return { text: visibleLine(message.count > 1 ? `${kind} ×${count(message.count)}` : kind) };
  }
}

function nameOfCall({ payload, name }: Message): string {
  const params = paramsOf(payload);
  switch (methodOf(payload)) {
    case 'tools.execute':
      return isObject(params) && field(params, 'tool') !== undefined ? subjectOfEvent(params) : name;
    case 'agents.chat':
    case 'agent.chat':
      return `${name} ${brief(field(params, 'prompt'))}`.trim();
    case 'host.resolve_approval':
      return visibleLine(field(params, 'resolution') ?? 'answer');
    case 'agent.chat.approve':
    case 'agents.chat.approve':
      return isObject(params) && params.decision === false ? 'deny' : 'approve';
    case 'agent.chat.cancel':
    case 'tools.cancel':
      return `${name}${colon(field(params, 'reason'))}`;
    default:
      return visibleLine(name);
  }
}

function nameOfAnswer({ payload }: Message, about: Span | undefined): ArrowName {
  const outcome = answerOf(payload);
  if (!about) return outcome.isBad ? ending('answer', outcome) : { text: 'answer' };
  if (about.kind === 'wait' && about.outcome && !outcome.isBad) return ending(subjectOf(about), about.outcome);
  const { said } = outcome;
  if (about.kind !== 'tool' && !outcome.isBad) {
    if (isObject(said) && said.accepted === true) return { text: 'accepted' };
    return { text: `${methodOf(about.start.legs[0]?.payload) ?? 'answer'} → ok` };
  }
  return ending(subjectOf(about), outcome);
}

function ending(subject: string, outcome: Outcome): ArrowName {
  return { text: `${subject} → ${outcomeWords(outcome)}`, tone: outcome.isBad ? 'bad' : undefined };
}

/** How something about: `ok`, `error: no match`, `deny`. */
export function outcomeWords({ word, said }: Outcome): string {
  const text = said === undefined || said === '' ? '' : `: ${typeof said === 'string' ? line(said) : brief(said)}`;
  return `${visibleLine(word)}${text}`;
}

/** A tool or an action, and what it is called with. */
function subjectOfEvent(params: Record<string, unknown>): string {
  const details = isObject(params.details) ? params.details : {};
  const name = field(params, 'tool') ?? field(details, 'tool') ?? field(params, 'action') ?? '';
  const given = givenOf(params);
  return `${line(name)}(${given === undefined ? '' : argumentsOf(given)})`;
}

/** One argument is known without its name. */
function argumentsOf(given: unknown): string {
  if (!isObject(given)) return brief(given);
  const [only, ...others] = Object.values(given).slice(0, 2);
  if (only === undefined) return '';
  return others.length === 0 ? brief(only) : brief(given);
}

/** What somebody is asked to let through. */
export function givenOf(params: Record<string, unknown>): unknown {
  const details = isObject(params.details) ? params.details : {};
  return params.parameters ?? params.params ?? details.params ?? parsed(details.params_preview);
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const colon = (text: unknown): string => (typeof text === 'string' && text !== '' ? `: ${line(text)}` : '');
const inBrackets = (code: unknown): string =>
  typeof code === 'string' || typeof code === 'number' ? ` (${line(String(code))})` : '';

/** The beginning of a text, on one line. */
function line(text: string): string {
  // A little more than there is room for: white space is put together.
  const head = text.slice(0, BRIEF * 2).replace(/\s+/g, ' ');
  const isCut = head.length > BRIEF || text.length > BRIEF * 2;
  return visibleLine(head.slice(0, BRIEF)) + (isCut ? '…' : '');
}

/** The beginning of a value as JSON. However large it is, little of it is looked at. */
export function brief(value: unknown): string {
  return line(JSON.stringify(headOf(value, 0)) ?? '');
}

function headOf(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > BRIEF ? `${value.slice(0, BRIEF)}…` : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= 2) return '…';
  if (Array.isArray(value)) return value.slice(0, MEMBERS).map((one) => headOf(one, depth + 1));
  const head: Record<string, unknown> = {};
  let members = 0;
  for (const key in value) {
    if (members++ >= MEMBERS) break;
    head[key.slice(0, BRIEF)] = headOf((value as Record<string, unknown>)[key], depth + 1);
  }
  return head;
}
