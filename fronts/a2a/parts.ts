import type { Message, Part } from '@a2a-js/sdk';
import { exactJson } from '../../client/node.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';

/** What each part counts besides its own length. */
const PART_SIZE = 128;

const partOf = (content: NonNullable<Part['content']>, mediaType = '', filename = ''): Part => ({
  content,
  metadata: undefined,
  mediaType,
  filename,
});

export const textPart = (value: string): Part => partOf({ $case: 'text', value });
export const dataPart = (value: unknown): Part => partOf({ $case: 'data', value: dataOf(value) });

/** What an agent gives that is no text (`docs/protocol.md#events`), as a file or as data. */
export function partOfContent(content: unknown): Part {
  if (!isObject(content)) return dataPart(content);
  const { type, data, uri, mimeType, name } = content;
  const mediaType = typeof mimeType === 'string' ? mimeType : '';
  const filename = typeof name === 'string' ? name : '';
  if ((type === 'image' || type === 'audio') && typeof data === 'string')
    return partOf({ $case: 'raw', value: Buffer.from(data, 'base64') }, mediaType, filename);
  if (type === 'resource_link' && typeof uri === 'string')
    return partOf({ $case: 'url', value: uri }, mediaType, filename);
  if (type === 'resource' && isObject(content.resource)) return partOfResource(content.resource);
  return dataPart(type === 'data' && data !== undefined ? data : content);
}

function partOfResource(resource: JsonObject): Part {
  const { uri, text, blob, mimeType } = resource;
  const mediaType = typeof mimeType === 'string' ? mimeType : '';
  const filename = typeof uri === 'string' ? uri : '';
  // A file, and none of the answer's words.
  const raw =
    typeof blob === 'string' ? Buffer.from(blob, 'base64') : Buffer.from(typeof text === 'string' ? text : '');
  return partOf({ $case: 'raw', value: raw }, mediaType, filename);
}

/** The SDK knows no integers but JavaScript's: of longer ones the last digits are rounded. */
const dataOf = (value: unknown): unknown => (value === undefined ? null : JSON.parse(exactJson.stringify(value)));

/** Roughly the characters that a part takes. */
export function partSize({ content, filename, mediaType }: Part): number {
  const rest = PART_SIZE + filename.length + mediaType.length;
  if (!content) return rest;
  if (content.$case === 'data') return rest + exactJson.stringify(content.value ?? null).length;
  return rest + content.value.length;
}

/** The same of a message. */
export function messageSize({ parts, metadata, messageId, extensions, referenceTaskIds }: Message): number {
  const others = exactJson.stringify([metadata ?? null, extensions, referenceTaskIds]).length + messageId.length;
  return parts.reduce((size, part) => size + partSize(part), PART_SIZE + others);
}
