import type { SessionUpdate, ToolCallStatus, ToolKind } from '@agentclientprotocol/sdk';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { plain, textBlock } from '../core/content-block.ts';
import { isWord } from '../core/values.ts';
import { callContentOf, locationsOf } from './content.ts';

/** Calls of one turn that may be open; beyond it the oldest is told as failed. */
export const MAX_OPEN_CALLS = 1_000;

const KINDS: readonly unknown[] = [
  'read',
  'edit',
  'delete',
  'move',
  'search',
  'execute',
  'think',
  'fetch',
  'switch_mode',
  'other',
] satisfies ToolKind[];
const STATUSES: readonly unknown[] = ['pending', 'in_progress', 'completed', 'failed'] satisfies ToolCallStatus[];

/** What a tool does, by its name: clients choose a picture by it. The first that fits. */
const BY_NAME: readonly (readonly [ToolKind, RegExp])[] = [
  ['delete', /delete|remove|unlink|^rm$/],
  ['move', /move|rename|^mv$/],
  ['edit', /edit|write|patch|create|insert|replace|^save/],
  ['search', /search|grep|find|glob|^list|^ls$/],
  ['fetch', /fetch|http|download|browse|^web|^url/],
  ['execute', /exec|run|shell|bash|terminal|command/],
  ['think', /think|reason|plan/],
  ['read', /read|cat$|view|open|^get|show/],
];

/** The kind that an agent says, else that of its tool's name. */
export function toolKindOf(said: unknown, tool: unknown): ToolKind {
  if (KINDS.includes(said)) return said as ToolKind;
  const name = typeof tool === 'string' ? tool.toLowerCase() : '';
  return BY_NAME.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
}

type Fields = JsonObject & { kind: string };

/** The agent's own tools, of one turn, as ACP tells of them. */
export class ToolCalls {
  readonly #prefix: string;
  /** Those that have no result yet, by the agent's id, to what tool it is; the oldest first. */
  readonly #open = new Map<string, string>();
  #made = 0;

  /** @param prefix an agent may have the same ids in its next turn; a session's are each for one call. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A call's id, as the client is told it. */
  idOf(callId: string): string {
    return `${this.#prefix}:${callId}`;
  }

  /** What one event of a tool makes a client hear. */
  updates(event: Fields): SessionUpdate[] {
    if (event.kind === 'tool_call') return this.#begin(event);
    return event.kind === 'tool_call_update' ? this.#change(event) : this.#end(event);
  }

  /** The turn is over: whatever is open has failed. */
  close(): SessionUpdate[] {
    const open = [...this.#open.keys()];
    this.#open.clear();
    return open.map((callId) => this.#failed(callId));
  }

  #begin(event: Fields): SessionUpdate[] {
    const callId = isWord(event.call_id) ? event.call_id : this.#newId();
    const isKnown = this.#open.has(callId);
    const tool = isWord(event.tool) ? event.tool : 'tool';
    this.#open.set(callId, tool);
    const told = {
      toolCallId: this.idOf(callId),
      title: isWord(event.title) ? event.title : tool,
      name: tool,
      kind: toolKindOf(event.tool_kind, tool),
      status: statusOf(event.status) ?? 'in_progress',
      locations: locationsOf(event.locations),
      ...(event.params === undefined ? {} : { rawInput: plain(event.params) }),
    };
    const update: SessionUpdate = isKnown
      ? { sessionUpdate: 'tool_call_update', ...told }
      : { sessionUpdate: 'tool_call', ...told };
    if (this.#open.size <= MAX_OPEN_CALLS) return [update];
    const [oldest = ''] = this.#open.keys();
    this.#open.delete(oldest);
    return [this.#failed(oldest), update];
  }

  #change(event: Fields): SessionUpdate[] {
    const { call_id: callId } = event;
    if (!isWord(callId)) return [];
    // Whoever hears of it for the first time has to be told what it is.
    if (!this.#open.has(callId)) return this.#begin({ ...event, tool: event.tool ?? event.title });
    const status = statusOf(event.status);
    const told = {
      ...(status ? { status } : {}),
      ...(isWord(event.title) ? { title: event.title } : {}),
      ...(event.params === undefined ? {} : { rawInput: plain(event.params) }),
    };
    return [{ sessionUpdate: 'tool_call_update', toolCallId: this.idOf(callId), ...told }];
  }

  #end(event: Fields): SessionUpdate[] {
    const callId = isWord(event.call_id) ? event.call_id : this.#lastOf(event.tool);
    const begun = callId !== undefined && this.#open.has(callId) ? [] : this.#begin({ ...event, call_id: callId });
    const id = callId ?? [...this.#open.keys()].at(-1) ?? '';
    this.#open.delete(id);
    const evidence = isObject(event.evidence) ? event.evidence : {};
    const shown = callContentOf(evidence.content);
    const excerpt = isWord(event.excerpt) ? [{ type: 'content' as const, content: textBlock(event.excerpt) }] : [];
    const output = 'raw_output' in evidence ? evidence.raw_output : event.evidence;
    const told = {
      status: event.ok === true ? ('completed' as const) : ('failed' as const),
      content: shown.length > 0 ? shown : excerpt,
      ...(output === undefined ? {} : { rawOutput: plain(output) }),
    };
    return [...begun, { sessionUpdate: 'tool_call_update', toolCallId: this.idOf(id), ...told }];
  }

  #failed(callId: string): SessionUpdate {
    return { sessionUpdate: 'tool_call_update', toolCallId: this.idOf(callId), status: 'failed' };
  }

  /** The call of a tool that a result without an id is of. */
  #lastOf(tool: unknown): string | undefined {
    return [...this.#open].findLast(([, name]) => name === tool)?.[0];
  }

  #newId(): string {
    this.#made += 1;
    return `call-${this.#made}`;
  }
}

function statusOf(status: unknown): ToolCallStatus | undefined {
  return STATUSES.includes(status) ? (status as ToolCallStatus) : undefined;
}
