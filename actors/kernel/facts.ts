import type { JsonObject } from '../../protocol/json.ts';

/** Ids and names listed of one kind. */
const MAX_LISTED = 50;

/** What is told of an actor besides its state. */
export interface Facts {
  label: string | undefined;
  /** Unix milliseconds. */
  startedAt: number;
  fields: JsonObject;
}

/** The ids of records, the first few of them. */
export function ids(records: Iterable<{ id: string }>, size: number): string[] {
  return listed(
    (function* () {
      for (const { id } of records) yield id;
    })(),
    size,
  );
}

/** The first few, and how many more there are. */
export function listed(names: Iterable<string>, size: number): string[] {
  const shown: string[] = [];
  for (const name of names) {
    if (shown.length === MAX_LISTED) return [...shown, `… ${size - MAX_LISTED} more`];
    shown.push(name);
  }
  return shown;
}
