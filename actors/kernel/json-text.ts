import type { JsonObject } from '../../protocol/json.ts';

/**
 * A result that was put together as JSON already: it goes into its answer as it is. For what is long, and made in pieces
 * so that nobody else waits meanwhile.
 */
export class JsonText {
  readonly length: number;
  /** What is shown of it where it is too long to be shown whole. */
  readonly head: JsonObject;
  readonly #text: string;

  /** @param text - JSON, whole. */
  constructor(text: string, head: JsonObject = {}) {
    this.head = head;
    this.length = text.length;
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }
}
