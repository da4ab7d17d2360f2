type CamelCase<S> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S;

/** A method's parameters as the SDK takes them: the names of the wire, in camelCase. What is inside of them is not renamed. */
export type Camel<T> = { [K in keyof T as CamelCase<K>]: T[K] };

/** What was given, under the wire's names. */
export function wireNames(options: object): Record<string, unknown> {
  const entries = Object.entries(options);
  return Object.fromEntries(
    entries.map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}
