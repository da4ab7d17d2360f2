import type { AgentEvent } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';

type Fields = Record<string, unknown>;

/** Calls that one turn may have open at once: beyond, the oldest count as ended. */
const MAX_OPEN = 256;
/** An update larger than this is passed on, and not kept for what comes later of that call. Bytes. */
const MAX_KEPT_BYTES = 256 * 1024;
/** Longest excerpt of what a tool gave. Bytes, of UTF-8. */
const MAX_EXCERPT = 2_048;

/** Longest title, name and id of a call of which nothing else is told. Characters. */
const MAX_TITLE = 1_000;

/** An agent's own tool call, as far as it is known. */
export interface Call {
  tool: string;
  title?: string | undefined;
  kind?: string | undefined;
  params?: unknown;
  content?: unknown;
  locations?: unknown;
}

/** The agent's own tool calls in one turn: each begins once, and ends once, whatever the agent says of it, and in what order. */
export class OpenCalls {
  readonly #emit: (event: AgentEvent, bytes: number) => void;
  readonly #open = new Map<string, Call>();
  readonly #ended = new Set<string>();

  constructor(emit: (event: AgentEvent, bytes: number) => void) {
    this.#emit = emit;
  }

  /** What is known of a call, whether it has ended or not. */
  get(id: string): Call | undefined {
    return this.#open.get(id);
  }

  /** `tool_call`, `tool_call_update`, or the call that a permission is asked for. */
  update(update: Fields, bytes: number): void {
    const { toolCallId, status } = update;
    if (typeof toolCallId !== 'string' || this.#ended.has(toolCallId)) return;
    const before = this.#open.get(toolCallId);
    const call = merge(before, update);
    this.#open.set(toolCallId, bytes > MAX_KEPT_BYTES ? { ...call, ...OF_SIZE, ...pick(before) } : call);
    const isOver = status === 'completed' || status === 'failed';
    if (!before) this.#begin(toolCallId, call, isOver ? 'in_progress' : status, bytes);
    else if (!isOver) this.#emit({ kind: 'tool_call_update', call_id: toolCallId, ...changed(update) }, bytes);
    if (isOver) this.#end(toolCallId, call, status === 'completed', update, bytes);
    if (this.#open.size > MAX_OPEN) {
      const [oldest] = this.#open;
      if (oldest) this.#end(oldest[0], oldest[1], false, {}, 0);
    }
  }

  /** What is still open ends with the turn. */
  endAll(): void {
    for (const [id, call] of this.#open) this.#end(id, call, false, {}, 0);
  }

  #begin(id: string, call: Call, status: unknown, bytes: number): void {
    this.#emit(
      {
        kind: 'tool_call',
        call_id: id,
        tool: call.tool,
        ...(call.params !== undefined && { params: call.params }),
        ...(call.title !== undefined && { title: call.title }),
        ...(call.kind !== undefined && { tool_kind: call.kind }),
        ...(typeof status === 'string' && { status }),
        ...(call.locations !== undefined && { locations: call.locations }),
      },
      bytes,
    );
  }

  #end(id: string, call: Call, ok: boolean, { rawOutput }: Fields, bytes: number): void {
    this.#open.delete(id);
    this.#ended.add(id);
    // An id of long ago may begin another call: who has that many knows what it does.
    if (this.#ended.size > MAX_OPEN) for (const first of this.#ended) if (this.#ended.delete(first)) break;
    const evidence = {
      ...(call.content !== undefined && { content: call.content }),
      ...(rawOutput !== undefined && { raw_output: rawOutput }),
    };
    const excerpt = excerptOf(call.content, rawOutput);
    this.#emit(
      {
        ...{ kind: 'tool_result', call_id: id, tool: call.tool, ok },
        ...(excerpt !== '' && { excerpt }),
        ...(Object.keys(evidence).length > 0 && { evidence }),
      },
      bytes,
    );
  }
}

/** A call without what it takes and gives: what is said of one that is too large for a message. */
export function bareCall(call: unknown): Fields {
  const bare: Fields = {};
  for (const name of ['toolCallId', 'title', 'name', 'kind', 'status']) {
    const value = isObject(call) ? call[name] : undefined;
    if (typeof value === 'string') bare[name] = value.slice(0, MAX_TITLE);
  }
  return bare;
}

const OF_SIZE = { params: undefined, content: undefined, locations: undefined };
const pick = (call: Call | undefined) =>
  call && { params: call.params, content: call.content, locations: call.locations };

/** What is left out, or null, stays as it was. */
function merge(before: Call | undefined, { name, title, kind, rawInput, content, locations }: Fields): Call {
  const [named, titled, kinded] = [text(name), text(title), text(kind)];
  return {
    tool: before?.tool ?? named ?? titled ?? kinded ?? 'tool',
    title: titled ?? before?.title,
    kind: kinded ?? before?.kind,
    params: rawInput ?? before?.params,
    content: content ?? before?.content,
    locations: locations ?? before?.locations,
  };
}

function changed({ status, title, rawInput }: Fields): object {
  return {
    ...(typeof status === 'string' && { status }),
    ...(text(title) !== undefined && { title }),
    ...(rawInput != null && { params: rawInput }),
  };
}

/** The texts of what a tool gave, from the beginning. */
function excerptOf(content: unknown, rawOutput: unknown): string {
  const texts = (Array.isArray(content) ? content : []).flatMap((part) => {
    const block: unknown = isObject(part) ? part.content : undefined;
    return isObject(block) && typeof block.text === 'string' ? [block.text] : [];
  });
  const whole = texts.length > 0 ? texts.join('\n') : typeof rawOutput === 'string' ? rawOutput : '';
  if (Buffer.byteLength(whole.slice(0, MAX_EXCERPT + 1)) <= MAX_EXCERPT) return whole;
  // A character that was cut through is left out.
  const cut = Buffer.from(whole.slice(0, MAX_EXCERPT)).subarray(0, MAX_EXCERPT);
  return new TextDecoder().decode(cut, { stream: true });
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
