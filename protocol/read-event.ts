import { EventFault, type EventRules, mendEvent } from './event-fault.ts';
import { agentChatEvent, type CheckedEvent, chatEventKinds, isToken } from './events.ts';
import { isObject, type JsonObject, unwritable } from './json.ts';

/** What a terminal gets where it lacks what it needs: a turn whose agent has said that it is over is over. */
const repairs = {
  done: { finish_reason: 'stop' },
  error: { error: 'the agent gave no reason' },
  auth_required: { reason: 'unknown', message: '' },
};

const kinds = new Map<string, EventRules>(Object.entries(chatEventKinds).map(([kind, schema]) => [kind, { schema }]));
for (const [kind, repair] of Object.entries(repairs)) {
  const rules = kinds.get(kind);
  if (rules) kinds.set(kind, { ...rules, repairs: repair, isTerminal: true });
}
const otherKind: EventRules = { schema: agentChatEvent };

/** The names that agents have for the tool of a `tool_call` or `tool_result`, besides `tool`. */
const TOOL_NAMES = ['name', 'detail'] as const;

/**
 * Reads an `agent.chat.event`, and is liberal with it (`wire.md` section 6): a listed field that may be left out and is of
 * the wrong type is left out, a terminal is repaired, a tool may go by another name. An event that is as it should be comes
 * back itself; what was mended, or cannot be, is an {@link EventFault}.
 */
export function readChatEvent(params: unknown): CheckedEvent | EventFault<CheckedEvent> {
  // By far the most frequent one: nothing else is asked of it.
  if (isObject(params) && params.turn_id !== '' && isToken(params) && unwritable(params) === undefined)
    return params as CheckedEvent;
  return readAnyEvent(params);
}

/** {@link readChatEvent} without its short way, which a property test holds to this. */
export function readAnyEvent(params: unknown): CheckedEvent | EventFault<CheckedEvent> {
  if (!isObject(params)) return new EventFault<CheckedEvent>(undefined, '');
  // Clients in Go write what they lack as what their types have for nothing.
  if (params.turn_id === '') delete params.turn_id;
  const { session_id: session, kind } = params;
  const rules = (typeof kind === 'string' ? kinds.get(kind) : undefined) ?? otherKind;
  const wasNamed = kind === 'tool_call' || kind === 'tool_result' ? nameTool(params) : undefined;
  const { goesOn, field = wasNamed } = mendEvent(params, rules);
  const event = goesOn ? (params as CheckedEvent) : undefined;
  return event && field === undefined ? event : new EventFault(event, field ?? '', session, kind);
}

/** Writes `tool` where it goes by another name. A `tool` of no use is a fault, one that is not there is none. */
function nameTool(params: JsonObject): string | undefined {
  const { tool } = params;
  if (typeof tool === 'string') return undefined;
  const name = TOOL_NAMES.find((other) => typeof params[other] === 'string');
  if (name === undefined) return undefined;
  params.tool = params[name];
  return (tool ?? undefined) === undefined ? undefined : 'tool';
}
