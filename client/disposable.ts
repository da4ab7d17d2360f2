/** `Symbol.asyncDispose`, also where a platform has none yet: there `await using` goes by this one when it is compiled. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose);
