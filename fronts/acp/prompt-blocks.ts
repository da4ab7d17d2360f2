import { isObject, type JsonObject } from '../../protocol/json.ts';
import { RequestError } from '../../sdks/acp.ts';
import type { TurnSpec } from '../core/turn.ts';
import { isText } from '../core/values.ts';

type Attachment = NonNullable<TurnSpec['attachments']>[number];
type Picture = Extract<Attachment, { type: 'image_base64' }>;

const PICTURES: readonly unknown[] = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
] satisfies Picture['media_type'][];

/** A prompt as the broker takes it. */
export interface Prompt {
  text: string;
  attachments: Attachment[];
}

/**
 * What a person wrote, of its blocks: text as it is, links as `[name](uri)`, embedded texts within `<resource uri="…">`,
 * pictures as attachments. @throws {RequestError} -32602 where a block is something else: the first of them.
 */
export function promptOf(blocks: unknown): Prompt {
  if (!Array.isArray(blocks)) throw invalid('a prompt is a list of blocks');
  const attachments: Attachment[] = [];
  const texts: string[] = [];
  let before: unknown;
  for (const block of blocks as unknown[]) {
    if (!isObject(block)) throw invalid('a block is an object');
    const picture = pictureIn(block);
    if (picture) attachments.push(picture);
    else {
      const said = textOf(block);
      // Links stand within a sentence; two texts side by side do not.
      const isApart = before === 'text' && block.type === 'text' && !/\s$/.test(lastOf(texts)) && !/^\s/.test(said);
      if (isApart) texts.push('\n\n');
      if (said !== '') texts.push(said);
    }
    before = block.type;
  }
  const text = texts.join('');
  if (text === '' && attachments.length === 0) throw invalid('the prompt is empty');
  return { text, attachments };
}

/** The last character alone: looking for white space at the end of a long text takes as long as it is. */
const lastOf = (texts: readonly string[]): string => texts.at(-1)?.slice(-1) ?? '';

function textOf(block: JsonObject): string {
  const { type } = block;
  if (type === 'text') return member(block, 'text');
  if (type === 'resource_link')
    return `[${member(block, 'name').replace(/[[\]\\]/g, '\\$&')}](${escaped(member(block, 'uri'))})`;
  if (type === 'resource') {
    const resource = isObject(block.resource) ? block.resource : {};
    return `\n<resource uri="${escaped(member(resource, 'uri'))}">\n${member(resource, 'text')}\n</resource>\n`;
  }
  throw invalid(`content of type ${shown(type)} is not taken`);
}

/** Nothing in it ends the link, or the attribute, that it stands in. */
function escaped(uri: string): string {
  return uri.replace(/[\s"<>()]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);
}

/** The picture that a block is; undefined where it is something else. */
function pictureIn(block: JsonObject): Picture | undefined {
  const { type, resource } = block;
  if (type === 'image') return pictureOf(member(block, 'data'), block.mimeType);
  if (type === 'resource' && isObject(resource) && 'blob' in resource)
    return pictureOf(member(resource, 'blob'), resource.mimeType);
  return undefined;
}

function pictureOf(data: string, type: unknown): Picture {
  if (!PICTURES.includes(type)) throw invalid(`a picture is one of ${PICTURES.join(', ')}, not ${shown(type)}`);
  if (data === '') throw invalid('a picture has no data');
  return { type: 'image_base64', data, media_type: type as Picture['media_type'] };
}

const shown = (type: unknown): string => (isText(type) ? type.slice(0, 64) : 'no type');

/** @throws {RequestError} */
function member(block: JsonObject, name: string): string {
  const value = block[name];
  if (!isText(value)) throw invalid(`${name} of a block is a text`);
  return value;
}

/** -32602, in words. */
export function invalid(words: string): RequestError {
  return new RequestError(-32602, words);
}
