import type { Frame } from '../../client/browser.ts';
import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { masked } from './secrets.ts';

/** Frames that are kept. */
const MAX_FRAMES = 200;
/** A larger one is told of, and not kept. Characters. */
export const MAX_FRAME = 131_072;
/** Characters of them all. */
const MAX_SIZE = 2_097_152;

/** A notification or a request that came to the form's connection. */
export interface HeardFrame {
  key: number;
  /** Unix milliseconds. */
  at: number;
  method: string;
  /** Its parameters, secrets masked. Undefined where it is too large. */
  params: unknown;
  size: number;
}

/** What came to a connection beside the answers: the newest, oldest first, in bounds. */
export class HeardFrames {
  #frames: HeardFrame[] = [];
  #size = 0;
  #key = 0;

  get frames(): readonly HeardFrame[] {
    return this.#frames;
  }

  /** Keeps a frame that came and is no answer. @returns whether it did */
  hear({ direction, text }: Frame, at: number): boolean {
    if (direction !== 'in') return false;
    const size = text.length;
    const isLarge = size > MAX_FRAME;
    const message = isLarge ? methodOnly(text) : parseJson(text);
    if (!isObject(message) || typeof message.method !== 'string') return false;
    const params = isLarge ? undefined : masked(message.params).value;
    this.#frames = [...this.#frames, { key: this.#key++, at, method: message.method, params, size }];
    this.#size += isLarge ? 0 : size;
    while (this.#frames.length > MAX_FRAMES || this.#size > MAX_SIZE) {
      const [oldest, ...rest] = this.#frames;
      this.#frames = rest;
      this.#size -= oldest?.params === undefined ? 0 : oldest.size;
    }
    return true;
  }
}

/** The method of a frame that is not read, which the broker writes near its beginning. */
function methodOnly(text: string): { method?: string } {
  const [, method] =
    /^\{"jsonrpc":"2\.0",(?:"id":[^,]{1,300},)?"method":"([^"\\]{1,256})"/.exec(text.slice(0, 1_024)) ?? [];
  return method === undefined ? {} : { method };
}
