import { FrontError } from './errors.ts';
import type { TurnSpec } from './turn.ts';

/** A picture as the wire has it. */
export type Attachment = NonNullable<TurnSpec['attachments']>[number];

const DATA_URL = /^data:(image\/(?:png|jpeg|gif|webp));base64,/i;
const HTTP_URL = /^https?:\/\/\S+$/i;

/** What is asked for that there is not. */
export function unsupported(message: string, param: string): FrontError {
  return new FrontError(400, 'unsupported_value', message, { param });
}

/** The picture that a URL is of. @param param what it is called in the request. @throws {FrontError} 400 */
export function imageOf(url: unknown, param: string, detail?: unknown): Attachment {
  if (typeof url !== 'string') throw unsupported('an image is given by its URL', param);
  const [head, type] = DATA_URL.exec(url) ?? [];
  if (head !== undefined && type !== undefined)
    return {
      type: 'image_base64',
      data: url.slice(head.length),
      media_type: type.toLowerCase() as 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp',
    };
  if (!HTTP_URL.test(url))
    throw unsupported('an image is an http(s) URL, or a data: URL of a PNG, JPEG, GIF or WebP in base64', param);
  return { type: 'image_url', url, ...(typeof detail === 'string' && detail.length <= 64 ? { detail } : {}) };
}
