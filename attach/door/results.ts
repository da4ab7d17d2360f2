import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { isObject } from '../../protocol/json.ts';
import { messageOf } from '../words.ts';

/** Largest picture that is passed on. Characters of base64. */
const MAX_IMAGE = 8 * 1024 * 1024;

/**
 * What a host's tool gave, as an MCP result: as text, and always as structured content too. An agent reads text that is JSON
 * as structured content where there is none, and refuses 5, [] and null there.
 */
export function resultOf(value: unknown): CallToolResult {
  const picture = pictureOf(value);
  if (picture)
    return {
      content: [{ type: 'image', ...picture }],
      structuredContent: { type: 'image', mimeType: picture.mimeType },
    };
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  return {
    content: [{ type: 'text', text }],
    structuredContent: isObject(value) ? value : { result: value ?? null },
  };
}

/** What a tool call that failed is told. */
export function failureOf(error: unknown): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: messageOf(error) || 'the tool failed' }] };
}

/** A picture, as MCP itself writes one: `{type: "image", data, mimeType}`. */
function pictureOf(value: unknown): { data: string; mimeType: string } | undefined {
  if (!isObject(value) || value.type !== 'image') return undefined;
  const { data, mimeType = value.media_type } = value;
  const isOne = typeof data === 'string' && data.length <= MAX_IMAGE && /^[\w+/=-]+$/.test(data);
  return isOne && typeof mimeType === 'string' ? { data, mimeType } : undefined;
}
