/**
 * Members of a result that are secret. Whoever looks at the event that carries them, an inspector or a log, finds
 * nothing: they are put in where the frame is written, and nowhere else.
 */
export class Sealed {
  readonly #members: object;

  constructor(members: object) {
    this.#members = members;
  }

  /** What is inside; nothing where `value` is none of these. */
  static open(value: object): object {
    return value instanceof Sealed ? value.#members : {};
  }
}
