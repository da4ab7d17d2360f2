/**
 * A secret on its way through the broker: credentials that came in, members of a result that only its receiver may see.
 * JSON, an inspector, a log and a copy find nothing in it: whoever needs the value has to open it, which can be searched for.
 */
export class Sealed<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  open(): T {
    return this.#value;
  }
}
