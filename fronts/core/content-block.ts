import type { ContentBlock } from '@agentclientprotocol/sdk';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { isText } from './values.ts';

/** A text as a content block. */
export const textBlock = (text: string): ContentBlock => ({ type: 'text', text });

/**
 * What an agent says that is no text (`content` of the event of that name) as a block that clients of ACP and of MCP read;
 * undefined where it is none.
 */
export function blockOf(content: unknown): ContentBlock | undefined {
  if (!isObject(content)) return undefined;
  const { type, text, data, mimeType, uri, name, resource } = content;
  if (type === 'text' && isText(text)) return textBlock(text);
  if (type === 'image' && isText(data) && isText(mimeType))
    return { type, data, mimeType, ...(isText(uri) ? { uri } : {}) };
  if (type === 'audio' && isText(data) && isText(mimeType)) return { type, data, mimeType };
  if (type === 'resource_link' && isText(uri) && isText(name))
    return { type, uri, name, ...textsOf(content, ['title', 'description', 'mimeType']) };
  if (type === 'resource' && isObject(resource) && isText(resource.uri)) {
    const about = { uri: resource.uri, ...textsOf(resource, ['mimeType']) };
    if (isText(resource.text)) return { type, resource: { ...about, text: resource.text } };
    return isText(resource.blob) ? { type, resource: { ...about, blob: resource.blob } } : undefined;
  }
  if (type !== 'data' || data === undefined) return undefined;
  const json = { uri: 'switchboard:data', mimeType: 'application/json', text: JSON.stringify(plain(data)) };
  return { type: 'resource', resource: json };
}

/** A JSON value in which long integers are numbers: other people's JSON knows nothing else. */
export function plain(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? Number(one) : one)));
}

function textsOf<K extends string>(from: JsonObject, names: readonly K[]): { [N in K]?: string } {
  const found: { [N in K]?: string } = {};
  for (const name of names) {
    const value = from[name];
    if (isText(value)) found[name] = value;
  }
  return found;
}
