import { JsonText } from '../kernel/json-text.ts';
import { type Call, LATER } from './dispatcher.ts';
import { Fitting, jsonArray } from './fitting.ts';
import { reply } from './reply.ts';

/** See {@link Fitting.newestOf}. */
interface RowOptions<T> {
  toHead?: (row: T) => T;
  /** Under which name the array stands in an object, which then says `truncated: true`. Default: it is the answer, and has no mark. */
  as?: string;
}

/** Answers with a list: with the newest rows that fit into one answer (`wire.md` section 1). */
export function replyRows<T>(
  { kernel, from, id }: Call<unknown>,
  rows: readonly T[],
  { toHead, as }: RowOptions<T> = {},
): typeof LATER {
  const fitting = new Fitting();
  const array = jsonArray(fitting.newestOf(rows, toHead));
  const text = as === undefined ? array : `{"${as}":${array}${fitting.mark}}`;
  reply(kernel, from, id, { result: new JsonText(text) });
  return LATER;
}
