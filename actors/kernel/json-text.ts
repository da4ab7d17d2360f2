/**
 * A result that was put together as JSON already: it goes into its answer as it is. For what is long, and made in pieces
 * so that nobody else waits meanwhile.
 */
export class JsonText {
  readonly length: number;
  readonly #text: string;

  /** @param text - JSON, whole. */
  constructor(text: string) {
    this.length = text.length;
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }
}
