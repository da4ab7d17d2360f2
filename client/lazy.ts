/** An object of nothing but asynchronous functions. */
type Asynchronous<T> = { [K in keyof T]: (...args: never) => Promise<unknown> };

/** The names in a text, with a space between each two. */
type NamesIn<S extends string> = S extends `${infer First} ${infer Rest}` ? First | NamesIn<Rest> : S;

/**
 * The face of an object that is made when one of its functions is first called. Called with the names of all of them, in one
 * text: a page loads them.
 */
export const faceOf =
  <T extends Asynchronous<T>>() =>
  <S extends string>(
    names: [keyof T, NamesIn<S>] extends [NamesIn<S>, keyof T] ? S : never,
    make: () => Promise<T>,
  ): T => {
    const lazily =
      (name: string) =>
      async (...args: never[]) =>
        (await make())[name as keyof T](...(args as never));
    return Object.fromEntries(names.split(' ').map((name) => [name, lazily(name)])) as unknown as T;
  };

/**
 * A part of a host whose code comes when it is first asked for: a page that only chats does not load it. What it is asked
 * comes in the order of the calls.
 */
export class Lazy<T> {
  readonly #load: () => Promise<T>;
  #loading: Promise<T> | undefined;
  #value: T | undefined;

  /** @param load imports it, and makes it. */
  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Undefined as long as nobody has asked for it: then it has nothing to be told of, either. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Rejects where its code cannot be loaded; the next call tries again, for a page may be offline now and not later. */
  get(): Promise<T> {
    this.#loading ??= this.#load().then(
      (value) => {
        this.#value = value;
        return value;
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }
}
