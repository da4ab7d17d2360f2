import type { ChatEvent } from '../../client/node.ts';
import { exactJson } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';

/** The longest line. Characters. */
const MAX_LINE = 500;

/**
 * What an agent does beside answering, as a line: its own tools are never a client's to run, so they are told of, or left out
 * (`--openai-show-tools`). Undefined for what has none.
 */
export function lineOf(event: ChatEvent): string | undefined {
  const words = wordsOf(event as ChatEvent & Record<string, unknown>);
  if (words === undefined) return undefined;
  const line = words.replace(/\s+/g, ' ').trim();
  return `${line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line}\n`;
}

function wordsOf(event: { kind: string } & Record<string, unknown>): string | undefined {
  const { kind, tool, params, title, excerpt, ok, todos, severity, description } = event;
  switch (kind) {
    case 'tool_call':
      return `[${tool}] ${title ?? (params === undefined ? '' : exactJson.stringify(params))}`;
    case 'tool_result':
      return `[${tool}] ${ok ? 'done' : 'failed'}${typeof excerpt === 'string' ? `: ${excerpt}` : ''}`;
    case 'notice':
      return `[${severity}] ${title}${typeof description === 'string' ? `: ${description}` : ''}`;
    case 'todos': {
      const rows = Array.isArray(todos) ? todos.filter(isObject) : [];
      return `[todos] ${rows.map(({ content, status }) => `${content} (${status})`).join(', ')}`;
    }
    default:
      return undefined;
  }
}
