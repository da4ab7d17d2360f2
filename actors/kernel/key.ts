/** A typed name for what a room puts into the kernel, made once beside the type that it names. */
export interface Key<T> {
  readonly name: string;
  /** Never there: what holds the type. */
  readonly _type?: T;
}

/** Makes a key. No two have the same name. */
export const key = <T>(name: string): Key<T> => ({ name });
