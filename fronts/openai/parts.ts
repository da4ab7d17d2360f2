import { isObject, type JsonObject } from '../../protocol/json.ts';
import { FrontError } from '../core/errors.ts';
import { type Attachment, imageOf, unsupported } from '../core/images.ts';

export { unsupported };

/** What a message's content holds. */
export interface Content {
  text: string;
  images: Attachment[];
}

const TEXT = new Set(['text', 'input_text', 'output_text', 'refusal', 'summary_text']);
const IMAGE = new Set(['image_url', 'input_image']);

/**
 * Reads a message's content: a text, or parts of both APIs.
 * @param param what it is called in the request. @throws {FrontError} 400 for what no agent can be sent
 */
export function readContent(content: unknown, param: string): Content {
  if (content === undefined || content === null) return { text: '', images: [] };
  if (typeof content === 'string') return { text: content, images: [] };
  if (!Array.isArray(content)) throw FrontError.badRequest(`${param} is a text or an array of parts`, param);
  const texts: string[] = [];
  const images: Attachment[] = [];
  for (const [at, part] of content.entries()) {
    const where = `${param}[${at}]`;
    if (!isObject(part)) throw FrontError.badRequest(`${where} is an object`, where);
    const type = String(part.type);
    if (TEXT.has(type)) texts.push(textIn(part, where));
    else if (IMAGE.has(type)) images.push(imageIn(part, where));
    else
      throw unsupported(
        `content of type ${JSON.stringify(type.slice(0, 64))} is not offered: text and images are`,
        where,
      );
  }
  return { text: texts.join(''), images };
}

function textIn(part: JsonObject, where: string): string {
  const text = part.text ?? part.refusal;
  if (typeof text !== 'string') throw FrontError.badRequest(`${where}.text is a string`, where);
  return text;
}

/** `{image_url: {url, detail?}}` of the one API, `{image_url: url, detail?}` of the other. */
function imageIn(part: JsonObject, where: string): Attachment {
  const { url, detail } = isObject(part.image_url) ? part.image_url : { url: part.image_url, detail: part.detail };
  return imageOf(url, where, detail);
}
