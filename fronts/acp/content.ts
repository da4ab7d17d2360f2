import type { ToolCallContent, ToolCallLocation } from '@agentclientprotocol/sdk';
import { isObject } from '../../protocol/json.ts';
import { blockOf } from '../core/content-block.ts';
import { isText } from '../core/values.ts';

/** What a tool call shows, as an agent that speaks ACP itself has said it; what clients could not read is left out. */
export function callContentOf(content: unknown): ToolCallContent[] {
  if (!Array.isArray(content)) return [];
  return content.flatMap((one: unknown): ToolCallContent[] => {
    if (!isObject(one)) return [];
    const block = one.type === 'content' ? blockOf(one.content) : undefined;
    if (block) return [{ type: 'content', content: block }];
    const { type, path, oldText, newText } = one;
    if (type !== 'diff' || !isText(path) || !isText(newText)) return [];
    return [{ type, path, newText, ...(isText(oldText) ? { oldText } : {}) }];
  });
}

/** The places that a tool call is about, those that are well formed. */
export function locationsOf(locations: unknown): ToolCallLocation[] {
  if (!Array.isArray(locations)) return [];
  return locations.filter(isObject).flatMap(({ path, line }) => {
    if (!isText(path)) return [];
    return [Number.isInteger(line) && (line as number) >= 0 ? { path, line: line as number } : { path }];
  });
}
