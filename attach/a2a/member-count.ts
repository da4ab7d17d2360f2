const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];
const [NEWLINE, RETURN] = [0x0a, 0x0d];

/** Counts the members and elements of JSON while it arrives, before anybody parses it: of a whole answer, or of each event of a stream. */
export class MemberCount {
  readonly #isStream: boolean;
  #count = 0;
  #isText = false;
  #isEscaped = false;
  /** The line that is read has nothing in it yet. */
  #isBlank = true;

  /** @param isStream an empty line ends an event, and begins another. */
  constructor(isStream: boolean) {
    this.#isStream = isStream;
  }

  /** The largest number of them so far in one answer or event that these bytes are of. */
  add(bytes: Uint8Array): number {
    let most = 0;
    for (const byte of bytes) {
      if (byte === NEWLINE || byte === RETURN) this.#newline(byte);
      else {
        this.#isBlank = false;
        if (this.#isText) this.#within(byte);
        else if (byte === QUOTE) this.#isText = true;
        else if (byte === COMMA || byte === BRACKET || byte === BRACE) this.#count += 1;
      }
      if (this.#count > most) most = this.#count;
    }
    return most;
  }

  #within(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isText = false;
  }

  #newline(byte: number): void {
    if (!this.#isStream) return;
    // No text of JSON goes over the end of a line.
    this.#isText = false;
    this.#isEscaped = false;
    if (this.#isBlank && byte === NEWLINE) this.#count = 0;
    if (byte === NEWLINE) this.#isBlank = true;
  }
}
